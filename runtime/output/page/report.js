// The report of a run.
(() => {
  const doc = block("report"), trees = block("flame");
  const main = el("main"), nav = el("nav", { "aria-label": "sections" });
  document.body.className = "report";

  const facts = [["started", new Date(doc.started).toLocaleString()], ["run time", moment(doc.seconds)], ["probes", doc.attached.toLocaleString("en")], ["kernel", doc.kernel], ["gotrace", doc.version]];
  document.body.append(
    el("header", {}, el("h1", { textContent: doc.title }), theme.button(),
      el("dl", {}, ...facts.filter(f => f[1]).map(([k, v]) => el("div", {}, el("dt", { textContent: k }), el("dd", { textContent: v }))))),
    nav, main);

  let count = 0;
  function section(title, ...children) {
    const id = "s" + count++;
    nav.append(el("a", { href: "#" + id, textContent: title }));
    main.append(el("section", { id, "aria-labelledby": id + "h" }, el("h2", { id: id + "h", textContent: title }), ...children));
  }

  const note = text => el("p", { className: "dim", textContent: text });
  const place = (text, line) => line ? el("a", { href: "#L" + line, textContent: text }) : text;

  function lost() {
    const shown = doc.problems, counted = shown.some(p => p.kind === "lost");
    const parts = [];
    if (doc.lost && !counted) parts.push(el("p", { className: "bad", textContent: `${doc.lost.toLocaleString("en")} events were lost.` }));
    if (!shown.length && !doc.lost) parts.push(note("Nothing was lost, and nothing failed."));
    if (shown.length) {
      parts.push(el("ul", { className: "problems" }, ...shown.map(p => el("li", {}, el("strong", { textContent: p.kind }), " ", place(p.place, p.line), p.place ? ": " : "", p.message,
        ...(p.hint ? [el("div", { className: "dim", textContent: p.hint })] : [])))));
    }
    section(shown.length || doc.lost ? "What was lost or failed" : "Nothing was lost", ...parts);
  }

  // values are the maps without keys, together.
  function values() {
    const list = doc.maps.filter(m => m.kind === "value");
    if (!list.length) return;
    const parts = [table([{ name: "map" }, { name: "value", wide: true }], list.map(m => [m.name, m.text]), { label: "values" })];
    for (const m of list) for (const g of m.grids ?? []) parts.push(overTime({ ...g, title: m.name + " over time" }, m.name));
    section("Values", ...parts);
  }

  function histograms(m) {
    const FIRST = 6, list = m.hists, box = el("div", { className: "charts" }), more = el("button", { type: "button" });
    const filter = el("input", { type: "search", placeholder: "filter", "aria-label": "show histograms whose key contains" });
    let shown = FIRST;
    const show = () => {
      const found = list.filter(h => h.key.toLowerCase().includes(filter.value.toLowerCase()));
      box.replaceChildren(...found.slice(0, shown).map(h => bars(h.key ? `${m.name}[${h.key}]` : m.name, h.rows ?? [])));
      more.hidden = found.length <= shown;
      more.textContent = `show ${found.length - shown} more`;
    };
    filter.addEventListener("input", show);
    more.addEventListener("click", () => { shown = list.length; show(); });
    show();
    return list.length > FIRST ? [filter, box, more] : [box];
  }

  // over are the pictures over time: one of them at a time, if there are several.
  function over(m) {
    if (!m.grids?.length) return [];
    const box = el("div"), choose = el("select");
    m.grids.forEach((g, i) => choose.add(new Option(g.title || m.name, i)));
    const show = () => box.replaceChildren(overTime(m.grids[choose.value], m.name));
    choose.addEventListener("change", show);
    show();
    return [el("h3", { textContent: "over time" }), ...(m.grids.length > 1 ? [el("label", { className: "dim" }, "key ", choose)] : []), box];
  }

  function map(m) {
    const parts = [];
    if (m.when) parts.push(note(m.when));
    if (m.note) parts.push(note(m.note));
    if (m.trees?.length) {
      const box = el("div");
      parts.push(box);
      flame(box, trees, { keys: box, offer: m.trees });
    }
    if (m.hists?.length) parts.push(...histograms(m));
    if (m.kind === "table" && m.rows?.length) parts.push(table(m.columns, m.rows ?? [], { label: m.name, bar: true }));
    parts.push(...over(m));
    if (!parts.length || m.kind !== "flame" && !m.rows?.length && !m.hists?.length && !m.grids?.length && !m.trees?.length) parts.push(note("It has no elements."));
    section(m.name === "@" ? "@ (the map without a name)" : m.name, ...parts);
  }

  function log() {
    if (!doc.log.length) return;
    const parts = [];
    if (doc.dropped) parts.push(note(`The first ${doc.dropped.toLocaleString("en")} of ${(doc.dropped + doc.log.length).toLocaleString("en")} entries are not in this page.`));
    const kinds = doc.log.some(e => e.kind);
    const columns = [{ name: "time", number: true }, ...(kinds ? [{ name: "kind" }] : []), { name: "text", wide: true }];
    const rows = doc.log.map(e => kinds ? [e.time, e.kind, e.text] : [e.time, e.text]);
    parts.push(table(columns, rows, { label: "log", first: 200, place: (v, i) => i === 0 ? document.createTextNode(v.toFixed(3) + " s") : null }));
    section("Log", ...parts);
  }

  function script() {
    const marked = new Map(doc.problems.filter(p => p.line).map(p => [p.line, p.message]));
    const lines = doc.script.map((text, i) => el("li", { id: "L" + (i + 1), className: marked.has(i + 1) ? "marked" : "", title: marked.get(i + 1) ?? "" }, el("code", { textContent: text || " " })));
    section("Script", el("p", { className: "dim", textContent: doc.file }), el("ol", { className: "script" }, ...lines));
  }

  function probes() {
    const rows = doc.probes.map(p => [p.text, p.count, p.place]);
    section("Probes", table([{ name: "attach point" }, { name: "probes", number: true }, { name: "place" }], rows,
      { label: "probes", place: (v, i, r) => i === 2 ? place(v, doc.probes.find(p => p.place === v && p.text === r[0])?.line) : null }));
  }

  const bad = doc.problems.length || doc.lost;
  if (bad) lost();
  values();
  doc.maps.filter(m => m.kind !== "value").forEach(map);
  if (!doc.maps.length) section("Maps", note("The script printed no maps."));
  log();
  script();
  probes();
  if (!bad) lost();

  document.addEventListener("keydown", e => {
    if (e.key === "t" && !e.ctrlKey && !e.metaKey && !e.altKey && !/^(INPUT|SELECT)$/.test(e.target.tagName)) theme.toggle();
  });
})();
