// A table that can be sorted and filtered. Of many rows those that are asked for are in the document.
//
// Columns have a name, a unit, number (their cells are numbers, or texts of numbers that are too large), key and wide (they keep their lines). A
// row is an array of cells. Of options, place gives the element that a cell shows in the place of its text.
function table(columns, rows, options = {}) {
  const FIRST = options.first ?? 50, MORE = 1000;
  let shown = FIRST, sorted = null, list = rows;
  const measured = options.bar ? columns.findIndex(c => c.number && !c.key) : -1;
  let most = 0;
  if (measured >= 0) for (const r of rows) most = Math.max(most, Number(r[measured]) || 0);

  const filter = el("input", { type: "search", placeholder: "filter", "aria-label": "show rows that contain" });
  const status = el("span", { className: "dim", role: "status" });
  const more = el("button", { type: "button" });
  const body = el("tbody"), heads = columns.map((c, i) => el("th", { scope: "col", className: c.number ? "number" : "" },
    el("button", { type: "button", textContent: c.name, title: "sort by " + c.name, onclick: () => sort(i) })));
  const box = el("div", { className: "table" }, el("div", { className: "tools" }, filter, status),
    el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": options.label ?? "table" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), body)), more);
  if (rows.length <= 5) box.firstChild.hidden = true;

  function order(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    const x = whole(a), y = whole(b);
    return x < y ? -1 : x > y ? 1 : 0;
  }

  function whole(v) { return typeof v === "number" ? v : /^-?\d+$/.test(v) ? BigInt(v) : v === "<0" ? -1 : Number(v) || 0; }

  function sort(i) {
    const down = sorted?.column === i ? !sorted.down : Boolean(columns[i].number);
    sorted = { column: i, down };
    const compare = columns[i].number ? order : (a, b) => String(a).localeCompare(String(b), "en", { numeric: true });
    rows = [...rows].sort((a, b) => down ? compare(b[i], a[i]) : compare(a[i], b[i]));
    heads.forEach((h, k) => k === i ? h.setAttribute("aria-sort", down ? "descending" : "ascending") : h.removeAttribute("aria-sort"));
    show();
  }

  function show() {
    const text = filter.value.toLowerCase();
    list = text ? rows.filter(r => r.some((v, i) => String(v).toLowerCase().includes(text) || columns[i].number && written(v, i).toLowerCase().includes(text))) : rows;
    body.replaceChildren(...list.slice(0, shown).map(line));
    status.textContent = text ? `${list.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")}` : `${rows.length.toLocaleString("en")} rows`;
    more.hidden = list.length <= shown;
    more.textContent = `show ${Math.min(MORE, list.length - shown).toLocaleString("en")} more of ${(list.length - shown).toLocaleString("en")}`;
  }

  function written(v, i) { return typeof v === "number" ? amount(v, columns[i].unit) : v; }

  function line(r) {
    return el("tr", {}, ...r.map((v, i) => {
      const c = columns[i], td = el("td", { className: (c.number ? "number" : "") + (c.wide ? " wide" : "") });
      const placed = options.place?.(v, i, r);
      if (placed) td.append(placed);
      else if (!c.number && !c.wide && String(v).includes("\n")) td.append(folded(v));
      else td.textContent = written(v, i);
      if (c.number && c.unit && c.unit !== "count") td.title = String(v);
      if (i === measured && most > 0) {
        const part = Math.max(0, 100 * (Number(v) || 0) / most);
        td.classList.add("bar");
        td.style.backgroundSize = part.toFixed(2) + "% 100%";
      }
      return td;
    }));
  }

  // folded is a text of several lines, the first of which is shown.
  function folded(text) {
    const [first, ...rest] = text.split("\n");
    return el("details", {}, el("summary", { textContent: first }), el("pre", { textContent: rest.join("\n") }));
  }

  filter.addEventListener("input", () => { shown = FIRST; show(); });
  more.addEventListener("click", () => { shown += MORE; show(); });
  show();
  return box;
}
