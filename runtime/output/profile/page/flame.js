"use strict";
// Draws the trees of the page's data on a canvas. A tree is three arrays over its nodes, in the order of a walk; all else is found from
// them when a tree is chosen.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = id => document.getElementById(id);
  const canvas = $("graph"), room = $("room"), pen = canvas.getContext("2d");
  const ROW = 18, FONT = "12px system-ui, sans-serif", THIN = 0.4;
  const USER = 0, KERNEL = 1, INLINED = 2;

  let tree, base, zoomed = 0, chosen = -1, inverted = false, flipped = false, pattern = null, hits = null;

  // build finds, for each node, its parent, where it ends in the walk, and where it begins on the axis of values.
  function build(raw) {
    const n = raw.node.length, parent = new Int32Array(n), end = new Int32Array(n), start = new Float64Array(n), next = new Float64Array(n);
    const stack = [];
    let depth = 0;
    for (let i = 0; i < n; i++) {
      const d = raw.depth[i];
      while (stack.length > d) end[stack.pop()] = i;
      parent[i] = d ? stack[d - 1] : -1;
      start[i] = d ? next[parent[i]] : 0;
      if (d) next[parent[i]] += raw.value[i];
      next[i] = start[i];
      stack.push(i);
      if (d > depth) depth = d;
    }
    while (stack.length) end[stack.pop()] = n;
    return { name: raw.name, unit: raw.unit, node: raw.node, depth: raw.depth, value: raw.value, parent, end, start, rows: depth + 1 };
  }

  // invert makes the tree of callers: each path from a node with a value of its own to the root.
  function invert(t) {
    const root = { name: 0, value: 0, kids: new Map() };
    for (let i = 0; i < t.node.length; i++) {
      let own = t.value[i];
      for (let c = i + 1; c < t.end[i]; c = t.end[c]) own -= t.value[c];
      if (own <= 0 || i === 0) { root.value += Math.max(own, 0); continue; }
      root.value += own;
      for (let j = i, at = root; j > 0; j = t.parent[j]) {
        let kid = at.kids.get(t.node[j]);
        if (!kid) at.kids.set(t.node[j], kid = { name: t.node[j], value: 0, kids: new Map() });
        kid.value += own;
        at = kid;
      }
    }
    const raw = { name: t.name, unit: t.unit, node: [], depth: [], value: [] };
    const todo = [[root, 0]];
    while (todo.length) {
      const [at, depth] = todo.pop();
      raw.node.push(at.name); raw.depth.push(depth); raw.value.push(at.value);
      [...at.kids.values()].sort((a, b) => a.value - b.value).forEach(k => todo.push([k, depth + 1]));
    }
    return build(raw);
  }

  // match finds, for each node of the tree, the one of the base on the same path, -1 where there is none.
  function match(t, b) {
    const twin = new Int32Array(t.node.length).fill(-1), kids = new Map();
    for (let i = 1; i < b.node.length; i++) kids.set(b.parent[i] + ":" + b.node[i], i);
    twin[0] = 0;
    for (let i = 1; i < t.node.length; i++) {
      const p = twin[t.parent[i]];
      if (p >= 0) twin[i] = kids.get(p + ":" + t.node[i]) ?? -1;
    }
    return twin;
  }

  function load() {
    const raw = data.maps[$("map").value];
    if (!raw) { status("nothing was counted by stack"); return; }
    tree = build(raw);
    if (inverted) tree = invert(tree);
    base = null;
    if ($("base").value !== "") {
      base = build(data.maps[$("base").value]);
      if (inverted) base = invert(base);
      tree.twin = match(tree, base);
    }
    zoomed = 0; chosen = -1;
    find();
    layout();
  }

  function share(n, of) { return (100 * n / (of || 1)).toFixed(2) + "%"; }

  function amount(n, unit) {
    if (unit === "nanoseconds") {
      for (const [div, u] of [[1e9, "s"], [1e6, "ms"], [1e3, "us"]]) if (n >= div) return (n / div).toFixed(2) + " " + u;
      return n + " ns";
    }
    return n.toLocaleString("en") + (unit === "count" ? "" : " " + unit);
  }

  // change is by how much a node's share is larger than in the base.
  function change(i) {
    const twin = tree.twin[i], was = twin < 0 ? 0 : base.value[twin];
    return tree.value[i] / tree.value[0] - was / (base.value[0] || 1);
  }

  function colour(i) {
    const dark = document.documentElement.dataset.theme === "dark";
    if (hits && hits[i]) return "#d83ae8";
    if (base) {
      const d = Math.max(-1, Math.min(1, 8 * change(i)));
      const fade = Math.round(100 * Math.abs(d)), light = (dark ? 40 : 90) - (dark ? 0 : 35) * Math.abs(d);
      return d > 0 ? `hsl(5 ${fade}% ${light}%)` : `hsl(215 ${fade}% ${light}%)`;
    }
    const kind = data.kinds[tree.node[i]], name = data.names[tree.node[i]];
    let h = 0;
    for (let k = 0; k < name.length && k < 40; k++) h = (31 * h + name.charCodeAt(k)) | 0;
    h = Math.abs(h);
    const hue = kind === USER ? 15 + h % 40 : kind === KERNEL ? 195 + h % 30 : kind === INLINED ? 90 + h % 40 : 0;
    return `hsl(${hue} ${kind > INLINED ? 0 : 70}% ${dark ? 36 + h % 8 : 68 + h % 10}%)`;
  }

  // place is where a node is drawn: nothing that is not below or above the zoomed one.
  function place(i) {
    const scale = canvas.clientWidth / (tree.value[zoomed] || 1);
    const row = flipped ? tree.rows - 1 - tree.depth[i] : tree.depth[i];
    if (i < zoomed && tree.end[i] > zoomed) return { x: 0, w: canvas.clientWidth, y: row * ROW };
    return { x: (tree.start[i] - tree.start[zoomed]) * scale, w: tree.value[i] * scale, y: row * ROW };
  }

  // visible calls draw with each node that is wide enough to be seen.
  function visible(draw) {
    for (let i = tree.parent[zoomed]; i >= 0; i = tree.parent[i]) draw(i, place(i));
    const end = tree.end[zoomed];
    for (let i = zoomed; i < end;) {
      const p = place(i);
      if (p.w < THIN) { i = tree.end[i]; continue; }
      draw(i, p);
      i++;
    }
  }

  function layout() {
    if (!tree) return;
    const ratio = devicePixelRatio || 1, w = room.clientWidth, h = Math.max(tree.rows * ROW, 40);
    canvas.style.width = w + "px"; canvas.style.height = h + "px";
    canvas.width = w * ratio; canvas.height = h * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw();
    crumbs();
  }

  function draw() {
    if (!tree) return;
    const style = getComputedStyle(document.documentElement);
    pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    pen.font = FONT;
    pen.textBaseline = "middle";
    const ink = document.documentElement.dataset.theme === "dark" ? "#f2f2f2" : "#1a1a1a";
    visible((i, p) => {
      pen.globalAlpha = i < zoomed ? 0.55 : 1;
      pen.fillStyle = colour(i);
      pen.fillRect(p.x, p.y, Math.max(p.w - 0.6, THIN), ROW - 1);
      if (i === chosen) {
        pen.strokeStyle = style.getPropertyValue("--text");
        pen.lineWidth = 2;
        pen.strokeRect(p.x + 1, p.y + 1, Math.max(p.w - 2.6, 1), ROW - 3);
      }
      if (p.w > 24) {
        pen.fillStyle = ink;
        pen.fillText(fit(data.names[tree.node[i]], p.w - 8), p.x + 4, p.y + ROW / 2);
      }
    });
    pen.globalAlpha = 1;
    status(chosen >= 0 ? describe(chosen) : describe(0));
  }

  // fit cuts a text to a width.
  function fit(text, width) {
    if (pen.measureText(text).width <= width) return text;
    let lo = 0, hi = text.length;
    while (lo < hi) {
      const mid = (lo + hi + 1) >> 1;
      if (pen.measureText(text.slice(0, mid) + "…").width <= width) lo = mid; else hi = mid - 1;
    }
    return lo ? text.slice(0, lo) + "…" : "";
  }

  function describe(i) {
    let text = `${data.names[tree.node[i]]}: ${amount(tree.value[i], tree.unit)}, ${share(tree.value[i], tree.value[0])}`;
    if (zoomed && i >= zoomed) text += ` (${share(tree.value[i], tree.value[zoomed])} of what is shown)`;
    if (base) text += `; ${change(i) >= 0 ? "+" : ""}${(100 * change(i)).toFixed(2)} points against ${base.name}`;
    return text;
  }

  function status(text) { $("status").textContent = text; }

  function crumbs() {
    const links = [];
    for (let i = zoomed; i >= 0; i = tree.parent[i]) {
      const a = document.createElement("a");
      a.textContent = data.names[tree.node[i]];
      a.onclick = () => zoom(i);
      links.unshift(a);
    }
    $("path").replaceChildren(...links.flatMap((a, k) => k ? [" › ", a] : [a]));
  }

  function zoom(i) {
    zoomed = i; chosen = i;
    find();
    layout();
  }

  // find marks what matches the search, and says how much of the values it is: a match within another one counts once.
  function find() {
    hits = null;
    $("found").textContent = "";
    if (!pattern || !tree) return;
    const matching = data.names.map(n => pattern.test(n));
    hits = new Uint8Array(tree.node.length);
    let sum = 0, count = 0;
    for (let i = zoomed, past = 0; i < tree.end[zoomed]; i++) {
      if (!matching[tree.node[i]]) continue;
      hits[i] = 1; count++;
      if (i >= past) { sum += tree.value[i]; past = tree.end[i]; }
    }
    $("found").textContent = `${count} found, ${share(sum, tree.value[zoomed])}`;
  }

  function search() {
    const text = $("search").value;
    $("search").setCustomValidity("");
    pattern = null;
    try { if (text) pattern = new RegExp(text, "i"); } catch (e) { $("search").setCustomValidity(e.message); }
    find();
    draw();
  }

  function at(event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let found = -1;
    if (tree) visible((i, p) => { if (y >= p.y && y < p.y + ROW && x >= p.x && x < p.x + p.w) found = i; });
    return found;
  }

  // move chooses a neighbour of the chosen node: its parent, its largest child, or the next one of its parent's children.
  function move(key) {
    if (chosen < 0) { chosen = zoomed; return; }
    const up = flipped ? "ArrowDown" : "ArrowUp", down = flipped ? "ArrowUp" : "ArrowDown";
    const siblings = children(tree.parent[chosen]), k = siblings.indexOf(chosen);
    if (key === up && tree.parent[chosen] >= 0) chosen = tree.parent[chosen];
    if (key === down) {
      const largest = children(chosen).reduce((a, b) => a < 0 || tree.value[b] > tree.value[a] ? b : a, -1);
      if (largest >= 0) chosen = largest;
    }
    if (key === "ArrowLeft" && k > 0) chosen = siblings[k - 1];
    if (key === "ArrowRight" && k >= 0 && k < siblings.length - 1) chosen = siblings[k + 1];
    const p = place(chosen);
    if (p.y < room.scrollTop) room.scrollTop = p.y;
    if (p.y + ROW > room.scrollTop + room.clientHeight) room.scrollTop = p.y + ROW - room.clientHeight;
  }

  function children(i) {
    const out = [];
    if (i >= 0) for (let c = i + 1; c < tree.end[i]; c = tree.end[c]) out.push(c);
    return out;
  }

  function reset() {
    $("search").value = "";
    pattern = null;
    zoomed = 0; chosen = -1;
    find();
    layout();
  }

  function theme() {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    draw();
  }

  const keys = {
    "/": () => $("search").focus(), i: () => { inverted = !inverted; load(); }, o: () => { flipped = !flipped; layout(); },
    t: theme, Escape: reset, Enter: () => { if (chosen >= 0) zoom(chosen); },
  };

  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || !tree) return;
    if (e.target === $("search")) {
      if (e.key === "Escape" || e.key === "Enter") canvas.focus();
      return;
    }
    if (e.target.tagName === "SELECT" || e.target.tagName === "BUTTON" && e.key === "Enter") return;
    if (e.key.startsWith("Arrow")) { move(e.key); draw(); } else if (keys[e.key]) keys[e.key](); else return;
    e.preventDefault();
  });
  canvas.addEventListener("click", e => { const i = at(e); if (i >= 0) zoom(i); });
  canvas.addEventListener("mousemove", e => { const i = at(e); if (tree) status(describe(i < 0 ? 0 : i)); canvas.style.cursor = i < 0 ? "" : "pointer"; });
  canvas.addEventListener("mouseleave", draw);
  $("search").addEventListener("input", search);
  for (const [id, key] of [["invert", "i"], ["flip", "o"], ["theme", "t"], ["reset", "Escape"]]) $(id).addEventListener("click", () => tree && keys[key]());
  $("map").addEventListener("change", load);
  $("base").addEventListener("change", load);
  addEventListener("resize", layout);

  $("base").add(new Option("nothing", ""));
  data.maps.forEach((m, i) => { $("map").add(new Option(m.name, i)); $("base").add(new Option(m.name, i)); });
  if (data.maps.length < 2) $("base").parentElement.hidden = $("map").parentElement.hidden = true;
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  load();
})();
