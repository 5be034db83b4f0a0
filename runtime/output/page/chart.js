// Pictures of numbers: histograms, heat maps over time, lines.

// bars is a histogram: rows of a label, a bar and a count.
function bars(title, rows) {
  const most = rows.reduce((m, r) => Math.max(m, r.count), 0), total = rows.reduce((s, r) => s + r.count, 0);
  return el("figure", { className: "bars" },
    el("figcaption", {}, el("span", { textContent: title }), el("span", { className: "dim", textContent: `${total.toLocaleString("en")} in all` })),
    el("table", { "aria-label": title || "histogram" }, el("tbody", {}, ...rows.map(r => {
      const bar = el("div");
      bar.style.width = (most ? 100 * r.count / most : 0).toFixed(2) + "%";
      return el("tr", { title: `${r.label}: ${r.count.toLocaleString("en")}, ${share(r.count, total)}` },
        el("th", { scope: "row", textContent: r.label }), el("td", { className: "number", textContent: r.count.toLocaleString("en") }), el("td", { className: "room" }, bar));
    }))));
}

// at is a time of the run.
function moment(seconds) { return (seconds < 100 ? seconds.toFixed(seconds < 10 ? 2 : 1) : Math.round(seconds).toLocaleString("en")) + " s"; }

// heat is a heat map: a grid's rows by its times. pick is called with the row and the column that somebody chooses.
function heat(grid, label, pick) {
  const FONT = "12px system-ui, sans-serif", AXIS = 22, high = grid.hist ? 16 : 18;
  const rows = grid.rows.map((_, i) => grid.hist ? grid.rows.length - 1 - i : i); // of the picture, from the top on
  const canvas = el("canvas", { tabIndex: 0, role: "application", "aria-label": label + ": arrow keys move, Enter chooses" });
  const status = el("p", { className: "status", role: "status" }), legend = el("span", { className: "legend dim" });
  const scroll = el("div", { className: "scroll" }, canvas), box = el("div", { className: "heat" }, scroll, el("div", { className: "under" }, status, legend));
  const pen = canvas.getContext("2d");
  let most = 0, left = 0, cursor = null;
  for (const r of grid.cells) for (const v of r) most = Math.max(most, v ?? 0);

  function ramp(part) {
    const [from, to] = theme.dark() ? [[30, 44, 66], [170, 208, 255]] : [[222, 234, 250], [8, 48, 107]];
    return `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * Math.sqrt(part))).join(" ")})`;
  }

  function paint() {
    const ratio = devicePixelRatio || 1, w = Math.max(scroll.clientWidth, 120), h = rows.length * high + AXIS, n = grid.times.length;
    canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
    canvas.style.width = w + "px"; canvas.style.height = h + "px";
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = FONT;
    pen.textBaseline = "middle";
    const style = getComputedStyle(canvas), ink = style.color;
    left = Math.min(w * 0.4, 8 + grid.rows.reduce((m, r) => Math.max(m, pen.measureText(r.slice(0, 60)).width), 0));
    const cell = (w - left - 1) / n, x = c => left + c * cell;
    rows.forEach((r, k) => {
      pen.fillStyle = ink;
      pen.textAlign = "right";
      let text = grid.rows[r].slice(0, 200);
      for (let n = text.length; n > 1 && pen.measureText(text).width > left - 7; n -= Math.ceil(n / 20)) text = grid.rows[r].slice(0, n - 1) + "…";
      pen.fillText(text, left - 6, k * high + high / 2);
      grid.cells[r].forEach((v, c) => {
        if (!v || v < 0) return;
        pen.fillStyle = ramp(v / (most || 1));
        pen.fillRect(x(c), k * high, Math.max(cell - (cell > 6 ? 1 : 0), 0.5), high - 1);
      });
    });
    pen.strokeStyle = style.borderTopColor;
    pen.lineWidth = 1;
    pen.strokeRect(left + 0.5, 0.5, w - left - 1, rows.length * high);
    pen.fillStyle = ink;
    const wide = 64, every = Math.max(1, Math.ceil(wide / cell));
    for (let c = 0; c < n; c += every) {
      pen.textAlign = c === 0 || x(c) + 20 < w ? "left" : "right";
      if (x(c) + wide * 0.7 <= w || c === 0) pen.fillText(moment(grid.times[c]), x(c), rows.length * high + AXIS / 2 + 2);
    }
    if (cursor) {
      pen.strokeStyle = ink;
      pen.lineWidth = 2;
      pen.strokeRect(x(cursor.column) + 1, cursor.at * high + 1, Math.max(cell - 2, 1), high - 3);
    }
    legend.textContent = `the darkest cell is ${amount(most, grid.unit)}`;
    if (theme.dark()) legend.textContent = `the brightest cell is ${amount(most, grid.unit)}`;
  }

  function tell() {
    if (!cursor) return;
    const r = rows[cursor.at], v = grid.cells[r][cursor.column];
    status.textContent = `${grid.rows[r] || label}, ${moment(grid.times[cursor.column])}: ${v == null ? "nothing" : amount(v, grid.unit)}`;
  }

  function set(at, column) {
    const next = { at: Math.max(0, Math.min(rows.length - 1, at)), column: Math.max(0, Math.min(grid.times.length - 1, column)) };
    if (cursor && cursor.at === next.at && cursor.column === next.column) return;
    cursor = next;
    tell();
    paint();
  }

  function under(e) {
    const area = canvas.getBoundingClientRect(), cell = (area.width - left - 1) / grid.times.length;
    return [Math.floor((e.clientY - area.top) / high), Math.floor((e.clientX - area.left - left) / cell)];
  }

  const choose = () => cursor && pick?.(rows[cursor.at], cursor.column);
  canvas.addEventListener("mousemove", e => set(...under(e)));
  canvas.addEventListener("click", e => { set(...under(e)); choose(); });
  canvas.addEventListener("keydown", e => {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (steps[e.key]) cursor ? set(cursor.at + steps[e.key][0], cursor.column + steps[e.key][1]) : set(0, 0);
    else if (e.key === "Enter") choose();
    else return;
    e.preventDefault();
  });
  new ResizeObserver(paint).observe(scroll);
  theme.listeners.push(paint);
  return box;
}

// lines is a line over time: numbers at times, null where there is none.
function lines(title, times, values, unit) {
  const W = 1000, H = 140, PAD = 6, ns = "http://www.w3.org/2000/svg";
  const known = values.filter(v => v != null), least = Math.min(0, ...known), most = Math.max(0, ...known), span = most - least || 1;
  const first = times[0], length = times[times.length - 1] - first || 1;
  const x = i => PAD + (W - 2 * PAD) * (times[i] - first) / length, y = v => PAD + (H - 2 * PAD) * (1 - (v - least) / span);
  let path = "", pen = false;
  values.forEach((v, i) => {
    if (v == null) { pen = false; return; }
    path += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}${pen ? "" : "h0.01"}`;
    pen = true;
  });
  const svg = document.createElementNS(ns, "svg"), draw = (d, cls) => {
    const p = document.createElementNS(ns, "path");
    p.setAttribute("d", d); p.setAttribute("class", cls);
    svg.append(p);
  };
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", known.length ? `${title}: from ${amount(Math.min(...known), unit)} to ${amount(Math.max(...known), unit)}` : title);
  draw(`M0 ${y(0)}H${W}`, "zero");
  draw(path, "line");
  return el("figure", { className: "lines" }, el("figcaption", { textContent: title }),
    el("div", { className: "plot" }, el("div", { className: "scale dim" }, el("span", { textContent: amount(most, unit) }), el("span", { textContent: amount(least, unit) })), svg),
    el("div", { className: "times dim" }, el("span", { textContent: moment(first) }), el("span", { textContent: moment(times[times.length - 1]) })));
}

// added is a grid of what each interval has added to the one before.
function added(grid) {
  return { ...grid, cells: grid.cells.map(r => r.map((v, c) => v == null ? null : v - (c ? r.slice(0, c).findLast(w => w != null) ?? 0 : 0))) };
}

// overTime shows a grid: as a line if it has one row, otherwise as a heat map. Of a histogram the column that is chosen is shown as bars.
function overTime(grid, label) {
  const box = el("div", { className: "over" }), picture = el("div"), chosen = el("div"), name = grid.title || label;

  function show(g) {
    chosen.replaceChildren();
    const row = (r) => lines(g.rows[r] || name, g.times, g.cells[r], g.unit);
    if (!g.hist && g.rows.length === 1) { picture.replaceChildren(row(0)); return; }
    picture.replaceChildren(heat(g, name, (r, c) => chosen.replaceChildren(
      g.hist ? bars(`${name ? name + ", " : ""}${moment(g.times[c])}`, g.rows.map((l, i) => ({ label: l, count: g.cells[i][c] ?? 0 }))) : row(r))));
    chosen.replaceChildren(el("p", { className: "dim", textContent: g.hist ? "A click on a column shows it as a histogram." : "A click on a row shows it as a line." }));
  }

  if (grid.grows) {
    const check = el("input", { type: "checkbox", checked: true });
    check.addEventListener("change", () => show(check.checked ? added(grid) : grid));
    box.append(el("label", {}, check, " what each interval added"));
    show(added(grid));
  } else {
    show(grid);
  }
  box.append(picture, chosen);
  return box;
}
