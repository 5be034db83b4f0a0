// A flame graph of the trees of a page's data, in an element. It is drawn on a canvas that is as large as what is seen of it: of a hundred
// thousand stacks only the frames that are wide enough and on the screen cost anything.
//
// Of opts, keys is the element whose keys it takes, and offer are the numbers of the trees that it offers to show: all, if it is not there.
function flame(box, data, opts) {
  const ROW = 18, FONT = "12px system-ui, sans-serif", THIN = 0.4;
  const KERNEL = 1, INLINED = 2, LABEL = 3;
  const LEVELS = "levels", NONE = "none"; // or the number of the key that colours
  const planted = [], made = new Map(), offered = opts.offer ?? data.trees.map((_, i) => i);

  let tree, raw, base = null, zoomed = 0, chosen = -1, hover = -1, inverted = false, flipped = false, pattern = null, hits = null, segments = null;
  let colours = [], waiting = false;

  // The parts.
  const which = el("select"), against = el("select"), keys = el("select");
  const search = el("input", { type: "search", className: "search", placeholder: "search: a regular expression (/)", "aria-label": "search frames by a regular expression" });
  const invertButton = el("button", { type: "button", textContent: "invert", title: "the functions that were running, and their callers (i)", "aria-pressed": "false" });
  const flipButton = el("button", { type: "button", textContent: "flip", title: "the root below or above (o)", "aria-pressed": "false" });
  const resetButton = el("button", { type: "button", textContent: "reset", title: "show all (Escape)" });
  const path = el("nav", { className: "path", "aria-label": "from the root to what is shown" });
  const legend = el("div", { className: "legend" });
  const canvas = el("canvas", { tabIndex: 0, role: "application", "aria-label": "flame graph: arrow keys move between frames, Enter zooms, Escape shows all" });
  const tall = el("div", {}, canvas), room = el("div", { className: "room" }, tall);
  const what = el("span", { className: "what" }), found = el("span", { className: "found", role: "status" }), heard = el("p", { className: "heard", "aria-live": "polite" });
  const label = (text, control) => el("label", {}, text, control);
  const whichLabel = label("map ", which), againstLabel = label("compare with ", against), keysLabel = label("keys ", keys);
  box.classList.add("flame");
  box.append(
    el("div", { className: "tools", role: "toolbar", "aria-label": "flame graph" }, whichLabel, againstLabel, keysLabel, search, invertButton, flipButton, resetButton),
    path, legend, room,
    el("div", { className: "status" }, what, found, el("span", { className: "keys", textContent: "arrows move · Enter or click zooms · Escape shows all · / searches · i inverts · o flips" + (opts.keys === document ? " · t light or dark" : "") })), heard);
  const pen = canvas.getContext("2d");

  const name = i => data.names[tree.node[i]];

  function plantedTree(i) { return planted[i] ??= Object.assign(plant(data.trees[i]), { title: data.trees[i].name, unit: data.trees[i].unit, keys: data.trees[i].keys }); }

  // shaped is a tree as the controls ask for it. The last ones are kept.
  function shaped(i) {
    const whole = plantedTree(i), levels = keys.value === LEVELS ? 0 : whole.keys.length;
    if (!levels && !inverted) return whole;
    const id = [i, levels, inverted, segmented()].join();
    if (!made.has(id)) {
      if (made.size > 3) made.clear();
      made.set(id, regroup(whole, levels, inverted, segmented()));
    }
    return made.get(id);
  }

  function segmented() { return keys.value !== LEVELS && keys.value !== NONE; }

  function load() {
    raw = data.trees[which.value];
    if (!raw) return;
    tree = shaped(Number(which.value));
    base = null;
    if (against.value !== "" && against.value !== which.value) {
      base = shaped(Number(against.value));
      base.title = data.trees[against.value].name;
      tree.twin = match(tree, base);
    }
    segments = segmented() && !base ? segmenter() : null;
    zoomed = 0; chosen = -1; hover = -1;
    room.scrollTop = flipped ? 1e9 : 0;
    find();
    layout();
  }

  // offerKeys fills the choice of what to do with the parts of keys that are no stacks.
  function offerKeys() {
    const list = data.trees[which.value]?.keys ?? [], before = keys.value;
    keys.replaceChildren(new Option("as levels", LEVELS), new Option("left out", NONE), ...list.map((k, i) => new Option("colours by " + k, i)));
    if ([...keys.options].some(o => o.value === before)) keys.value = before;
    keysLabel.hidden = list.length === 0;
  }

  // segmenter colours frames by a key: it gives the parts of a frame that the values of the key have, the largest values first.
  function segmenter() {
    const { sources, of } = tree, labels = labelsAt(of, Number(keys.value) + 1), sums = new Map(), hues = new Map();
    for (let k = sources.at[0], i = 1; i < of.node.length; i++) {
      if (of.depth[i] === Number(keys.value) + 1) sums.set(of.node[i], (sums.get(of.node[i]) ?? 0) + of.value[i]);
    }
    const order = [...sums.keys()].sort((a, b) => sums.get(b) - sums.get(a));
    order.slice(0, 10).forEach((n, i) => hues.set(n, i * 137.5 % 360));
    const colour = n => hues.has(n) ? `hsl(${hues.get(n)} ${theme.dark() ? "45% 32%" : "62% 76%"})` : theme.dark() ? "hsl(0 0% 33%)" : "hsl(0 0% 80%)";
    const parts = i => {
      const sum = new Map();
      for (let k = sources.at[i]; k < sources.at[i + 1]; k++) {
        const n = labels[sources.node[k]];
        if (n >= 0) sum.set(n, (sum.get(n) ?? 0) + sources.value[k]);
      }
      return order.length > 40 && sum.size > 40 ? [...sum].sort((a, b) => b[1] - a[1]).slice(0, 40) : order.filter(n => sum.has(n)).map(n => [n, sum.get(n)]);
    };
    return { order, sums, colour, parts, hues };
  }

  function colour(i) {
    const dark = theme.dark();
    if (hits && hits[i]) return dark ? "#8e1a9c" : "#e77bf2";
    if (base) {
      const d = Math.max(-1, Math.min(1, 8 * change(i))), fade = Math.round(100 * Math.abs(d)), light = dark ? 36 : 90 - 28 * Math.abs(d);
      return `hsl(${d > 0 ? 5 : 215} ${fade}% ${light}%)`;
    }
    return colours[tree.node[i]] ??= plain(tree.node[i], dark);
  }

  // plain is the colour of a name: programs are red to yellow, the kernel blue, inlined functions green, parts of keys grey.
  function plain(n, dark) {
    const kind = data.kinds[n], h = hash(data.names[n]);
    const hue = kind === KERNEL ? 195 + h % 30 : kind === INLINED ? 90 + h % 40 : 15 + h % 40;
    return `hsl(${hue} ${kind === LABEL ? 0 : dark ? 50 : 72}% ${dark ? 23 + (h >> 8) % 9 : 70 + (h >> 8) % 10}%)`;
  }

  // change is by how much a node's share is larger than in the base.
  function change(i) {
    const twin = tree.twin[i], was = twin < 0 ? 0 : base.value[twin];
    return tree.value[i] / (tree.value[0] || 1) - was / (base.value[0] || 1);
  }

  const row = i => flipped ? tree.rows - 1 - tree.depth[i] : tree.depth[i];
  const scale = () => room.clientWidth / (tree.value[zoomed] || 1);
  const above = i => i < zoomed && tree.end[i] > zoomed; // on the path to what is zoomed to

  // place is where a node is drawn.
  function place(i) {
    if (above(i)) return { x: 0, w: room.clientWidth };
    const s = scale();
    return { x: (tree.start[i] - tree.start[zoomed]) * s, w: tree.value[i] * s };
  }

  function layout() {
    if (!tree) return;
    tall.style.height = tree.rows * ROW + "px";
    draw();
    crumbs();
    showLegend();
  }

  // draw draws before the next picture, however often it is asked to.
  function draw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; paint(); });
  }

  function paint() {
    if (!tree) return;
    const ratio = devicePixelRatio || 1, w = room.clientWidth, h = room.clientHeight;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
      canvas.style.width = w + "px"; canvas.style.height = h + "px";
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    pen.font = FONT;
    pen.textBaseline = "middle";
    const top = room.scrollTop, ink = theme.dark() ? "#f2f2f2" : "#1a1a1a", thin = theme.dark() ? "#4a4f58" : "#c3c8d0";
    const firstRow = Math.floor(top / ROW), lastRow = Math.ceil((top + h) / ROW);
    const seen = i => row(i) >= firstRow && row(i) <= lastRow;
    const one = (i, x, width, faded) => {
      const y = row(i) * ROW - top;
      pen.globalAlpha = faded ? 0.6 : 1;
      fill(i, x, y, Math.max(width - 0.6, THIN));
      if (i === chosen || i === hover) {
        pen.strokeStyle = ink;
        pen.lineWidth = i === chosen ? 2 : 1;
        pen.strokeRect(x + 1, y + 1, Math.max(width - 2.6, 1), ROW - 3);
      }
      if (width > 24) {
        pen.fillStyle = ink;
        const text = fit(name(i), width - 8);
        if (text) pen.fillText(text, x + 4, y + ROW / 2);
      }
    };
    for (let i = tree.parent[zoomed]; i >= 0; i = tree.parent[i]) if (seen(i)) one(i, 0, w, true);
    const s = scale(), zero = tree.start[zoomed], end = tree.end[zoomed], filled = [];
    for (let i = zoomed; i < end;) {
      const x = (tree.start[i] - zero) * s, width = tree.value[i] * s, d = tree.depth[i];
      if (width < THIN) { // what is too thin to be seen alone is drawn together
        if (seen(i) && x + width - (filled[d] ?? 0) >= THIN) {
          pen.fillStyle = thin;
          pen.fillRect(x, row(i) * ROW - top, Math.max(width, THIN), ROW - 1);
          filled[d] = x + width;
        }
        i = tree.end[i];
        continue;
      }
      if (seen(i)) { one(i, x, width, false); filled[d] = x + width; }
      i = !flipped && row(i) >= lastRow || flipped && row(i) <= firstRow ? tree.end[i] : i + 1;
    }
    pen.globalAlpha = 1;
    what.textContent = describe(hover >= 0 ? hover : chosen >= 0 ? chosen : zoomed);
  }

  // fill draws a frame in its colour, or in those of the parts of it.
  function fill(i, x, y, width) {
    if (!segments || hits && hits[i] || width < 2) {
      pen.fillStyle = segments && !(hits && hits[i]) ? segments.colour(segments.parts(i)[0]?.[0]) : colour(i);
      pen.fillRect(x, y, width, ROW - 1);
      return;
    }
    const total = tree.value[i] || 1;
    let at = x;
    for (const [n, v] of segments.parts(i)) {
      const w = width * v / total;
      if (w < 1) break; // the largest come first: the others are too thin to be told apart
      pen.fillStyle = segments.colour(n);
      pen.fillRect(at, y, w, ROW - 1);
      at += w;
    }
    if (at < x + width - 0.5) { pen.fillStyle = segments.colour(-1); pen.fillRect(at, y, x + width - at, ROW - 1); }
  }

  // fit cuts a text to a width: first the folders that a name begins with, then its end.
  function fit(text, width) {
    const fits = t => t.length * 12 < width || pen.measureText(t).width <= width;
    if (fits(text)) return text;
    const base = text.slice(text.lastIndexOf("/") + 1);
    if (base && base !== text && fits("…" + base)) return "…" + base;
    return cut(base && base !== text ? base : text, width);
  }

  function cut(text, width) {
    let lo = 0, hi = Math.min(text.length, Math.ceil(width / 2));
    while (lo < hi) {
      const mid = (lo + hi + 1) >> 1;
      if (pen.measureText(text.slice(0, mid) + "…").width <= width) lo = mid; else hi = mid - 1;
    }
    return lo ? text.slice(0, lo) + "…" : "";
  }

  function describe(i) {
    let text = `${name(i)}: ${amount(tree.value[i], raw.unit)}, ${share(tree.value[i], tree.value[0])}`;
    if (zoomed && i > zoomed) text += ` (${share(tree.value[i], tree.value[zoomed])} of what is shown)`;
    if (base) text += `; ${change(i) >= 0 ? "+" : ""}${(100 * change(i)).toFixed(2)} points against ${base.title}`;
    if (segments) text += "; " + segments.parts(i).slice(0, 4).map(([n, v]) => `${data.names[n]} ${share(v, tree.value[i])}`).join(", ");
    if (i === 0 && raw.below) text += `; ${raw.below} elements are not above 0 and not shown`;
    return text;
  }

  function crumbs() {
    const links = [];
    for (let i = zoomed; i >= 0; i = tree.parent[i]) links.unshift(el("button", { type: "button", textContent: name(i), onclick: () => zoom(i) }));
    path.replaceChildren(...links.flatMap((a, k) => k ? ["›", a] : [a]));
  }

  function showLegend() {
    const item = (colour, text) => { const s = el("span", { className: "swatch" }); s.style.background = colour; return el("span", {}, s, text); };
    let items = [];
    if (base) {
      let gone = base.value[0];
      for (let i = 1; i < tree.node.length; i++) if (tree.depth[i] === 1 && tree.twin[i] >= 0) gone -= base.value[tree.twin[i]];
      items = [item("hsl(5 100% 60%)", "a larger share than in " + base.title), item("hsl(215 100% 60%)", "a smaller one")];
      if (gone > 0) items.push(el("span", { textContent: `${share(gone, base.value[0])} of ${base.title} begins with what is not here` }));
    } else if (segments) {
      items = segments.order.slice(0, 10).map(n => item(segments.colour(n), `${data.names[n]} ${share(segments.sums.get(n), tree.value[0])}`));
      if (segments.order.length > 10) items.push(item(segments.colour(-1), `${segments.order.length - 10} others`));
    }
    legend.replaceChildren(...items);
    legend.hidden = items.length === 0;
  }

  function zoom(i) {
    zoomed = i; chosen = i;
    find();
    layout();
  }

  // find marks what matches the search, and says how much of the values it is: a match within another one counts once.
  function find() {
    hits = null;
    found.textContent = "";
    if (!pattern || !tree) return;
    const matching = data.names.map(n => pattern.test(n));
    hits = new Uint8Array(tree.node.length);
    let sum = 0, count = 0;
    for (let i = zoomed, past = 0; i < tree.end[zoomed]; i++) {
      if (!matching[tree.node[i]]) continue;
      hits[i] = 1; count++;
      if (i >= past) { sum += tree.value[i]; past = tree.end[i]; }
    }
    found.textContent = `${count.toLocaleString("en")} found, ${share(sum, tree.value[zoomed])}`;
  }

  function searched() {
    search.setCustomValidity("");
    pattern = null;
    try { if (search.value) pattern = new RegExp(search.value, "i"); } catch (e) { search.setCustomValidity(e.message); }
    find();
    if (!search.validity.valid) found.textContent = search.validationMessage;
    draw();
  }

  // at is the node at a place of the window, -1 if there is none.
  function at(event) {
    if (!tree) return -1;
    const area = canvas.getBoundingClientRect(), x = event.clientX - area.left;
    let r = Math.floor((event.clientY - area.top + room.scrollTop) / ROW);
    if (flipped) r = tree.rows - 1 - r;
    if (r < 0 || r >= tree.rows || x < 0 || x >= room.clientWidth) return -1;
    let i = zoomed;
    if (r < tree.depth[zoomed]) {
      while (tree.depth[i] > r) i = tree.parent[i];
      return i;
    }
    const v = x / scale() + tree.start[zoomed];
    while (tree.depth[i] < r) {
      let c = i + 1;
      while (c < tree.end[i] && tree.start[c] + tree.value[c] <= v) c = tree.end[c];
      if (c >= tree.end[i] || tree.start[c] > v) return -1;
      i = c;
    }
    return i;
  }

  // move chooses a neighbour of the chosen node: its parent, its largest child, or the next one of its parent's children.
  function move(key) {
    if (chosen < 0) {
      chosen = zoomed;
    } else {
      const up = flipped ? "ArrowDown" : "ArrowUp", down = flipped ? "ArrowUp" : "ArrowDown", p = tree.parent[chosen];
      if (key === up && p >= 0) chosen = p;
      if (key === down) {
        let largest = -1;
        kids(tree, chosen, c => { if (largest < 0 || tree.value[c] > tree.value[largest]) largest = c; });
        if (largest >= 0) chosen = largest;
      }
      if ((key === "ArrowLeft" || key === "ArrowRight") && p >= 0) {
        let before = -1, last = -1;
        kids(tree, p, c => { if (last === chosen && key === "ArrowRight") before = c; if (c === chosen && key === "ArrowLeft") before = last; last = c; });
        if (before >= 0) chosen = before;
      }
      if (chosen < zoomed || chosen >= tree.end[zoomed]) zoom(chosen);
    }
    const y = row(chosen) * ROW;
    if (y < room.scrollTop) room.scrollTop = y;
    if (y + ROW > room.scrollTop + room.clientHeight) room.scrollTop = y + ROW - room.clientHeight;
    heard.textContent = describe(chosen);
    draw();
  }

  function reset() {
    search.value = "";
    searched();
    zoomed = 0; chosen = -1;
    layout();
  }

  function invert() {
    inverted = !inverted;
    invertButton.setAttribute("aria-pressed", inverted);
    load();
  }

  function flip() {
    flipped = !flipped;
    flipButton.setAttribute("aria-pressed", flipped);
    layout();
    room.scrollTop = flipped ? room.scrollHeight : 0;
  }

  const commands = { "/": () => search.focus(), i: invert, o: flip, Escape: reset, Enter: () => { if (chosen >= 0) zoom(chosen); } };

  opts.keys.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || !tree) return;
    if (e.target === search) {
      if (e.key === "Escape" || e.key === "Enter") { canvas.focus(); e.preventDefault(); }
      return;
    }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) || e.target.tagName === "BUTTON" && e.key === "Enter") return;
    hover = -1;
    if (e.key.startsWith("Arrow")) move(e.key); else if (commands[e.key]) commands[e.key](); else return;
    e.preventDefault();
  });
  canvas.addEventListener("click", e => { const i = at(e); if (i >= 0) zoom(i); });
  canvas.addEventListener("mousemove", e => {
    const i = at(e);
    if (i === hover) return;
    hover = i;
    canvas.style.cursor = i < 0 ? "" : "pointer";
    draw();
  });
  canvas.addEventListener("mouseleave", () => { hover = -1; draw(); });
  room.addEventListener("scroll", draw);
  search.addEventListener("input", searched);
  invertButton.onclick = () => tree && invert();
  flipButton.onclick = () => tree && flip();
  resetButton.onclick = () => tree && reset();
  which.addEventListener("change", () => { offerKeys(); load(); });
  for (const s of [against, keys]) s.addEventListener("change", load);
  new ResizeObserver(() => { if (tree) draw(); }).observe(room);
  theme.listeners.push(() => { colours = []; if (tree) { showLegend(); draw(); } });

  against.add(new Option("nothing", ""));
  data.trees.forEach((t, i) => { if (offered.includes(i)) which.add(new Option(t.name, i)); against.add(new Option(t.name, i)); });
  whichLabel.hidden = offered.length < 2;
  againstLabel.hidden = data.trees.length < 2;
  offerKeys();
  if (data.trees.length === 0) {
    box.replaceChildren(el("p", { className: "dim", textContent: "Nothing was counted by stack." }));
    return;
  }
  load();
}
