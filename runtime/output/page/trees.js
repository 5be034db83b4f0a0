// Trees of values: arrays over their nodes, in the order of a walk. Nothing here draws.

// plant finds for each node its parent, where it ends in the walk, and where it begins on the axis of values.
function plant(raw) {
  const node = Int32Array.from(raw.node), depth = Int32Array.from(raw.depth), value = Float64Array.from(raw.value);
  const n = node.length, parent = new Int32Array(n), end = new Int32Array(n), start = new Float64Array(n), next = new Float64Array(n);
  const open = [];
  let rows = 0;
  for (let i = 0; i < n; i++) {
    const d = depth[i];
    while (open.length > d) end[open.pop()] = i;
    parent[i] = d ? open[d - 1] : -1;
    start[i] = d ? next[parent[i]] : 0;
    if (d) next[parent[i]] += value[i];
    next[i] = start[i];
    open.push(i);
    if (d >= rows) rows = d + 1;
  }
  while (open.length) end[open.pop()] = n;
  return { node, depth, value, parent, end, start, rows };
}

// kids calls f with each child of a node.
function kids(t, i, f) {
  for (let c = i + 1; c < t.end[i]; c = t.end[c]) f(c);
}

// own is the value of a node without that of its children.
function own(t, i) {
  let n = t.value[i];
  for (let c = i + 1; c < t.end[i]; c = t.end[c]) n -= t.value[c];
  return n;
}

// regroup makes another tree of the same values: without the first levels below the root, whose subtrees become one, or inverted, with those
// that had values of their own next to the root and their callers below each, or both. With sources the new tree says which nodes of the old
// one, and how much of each, a node is made of.
function regroup(t, levels, inverted, sources) {
  const out = { node: [], depth: [], value: [] }, made = sources ? { at: [], node: [], value: [] } : null;

  function add(name, depth, sum) {
    out.node.push(name); out.depth.push(depth); out.value.push(sum);
    if (made) made.at.push(made.node.length);
  }

  function from(i, v) {
    if (made) { made.node.push(i); made.value.push(v); }
  }

  // next calls f with the nodes below a node of the new tree that is made of node i of the old one.
  function next(i, v, f) {
    if (!inverted) { kids(t, i, c => f(c, t.value[c])); return; }
    const p = t.parent[i];
    if (p > 0 && t.depth[p] > levels) f(p, v);
  }

  // chain adds all that is below a single node.
  function chain(i, v, depth) {
    if (inverted) {
      for (let p = t.parent[i]; p > 0 && t.depth[p] > levels; p = t.parent[p]) { add(t.node[p], ++depth, v); from(p, v); }
      return;
    }
    for (let c = i + 1; c < t.end[i]; c++) { add(t.node[c], depth + t.depth[c] - t.depth[i], t.value[c]); from(c, t.value[c]); }
  }

  function groups(items) {
    const byName = new Map();
    items((i, v) => {
      let g = byName.get(t.node[i]);
      if (!g) byName.set(t.node[i], g = { name: t.node[i], nodes: [], values: [], sum: 0 });
      g.nodes.push(i); g.values.push(v); g.sum += v;
    });
    const list = [...byName.values()];
    return inverted ? list.sort((a, b) => a.sum - b.sum) : list.sort((a, b) => b.name - a.name); // the last is taken first
  }

  const first = { nodes: [], values: [] };
  for (let i = 0; i < t.node.length; i++) {
    const v = inverted ? own(t, i) : t.value[i];
    if (v > 0 && (inverted ? t.depth[i] > levels : t.depth[i] === levels)) { first.nodes.push(i); first.values.push(v); }
  }
  add(0, 0, t.value[0]);
  from(0, t.value[0]);
  const all = f => first.nodes.forEach((i, k) => inverted ? f(i, first.values[k]) : next(i, first.values[k], f));
  const todo = groups(all);
  for (const g of todo) g.depth = 1;
  while (todo.length) {
    const g = todo.pop();
    add(g.name, g.depth, g.sum);
    if (made) for (let k = 0; k < g.nodes.length; k++) from(g.nodes[k], g.values[k]);
    if (g.nodes.length === 1) { chain(g.nodes[0], g.values[0], g.depth); continue; }
    for (const below of groups(f => g.nodes.forEach((i, k) => next(i, g.values[k], f)))) { below.depth = g.depth + 1; todo.push(below); }
  }
  const planted = plant(out);
  if (made) { made.at.push(made.node.length); planted.sources = made; planted.of = t; }
  return planted;
}

// labelsAt is, for each node, the name at a level above it or at it, -1 for what is nearer to the root.
function labelsAt(t, level) {
  const out = new Int32Array(t.node.length).fill(-1);
  let now = -1;
  for (let i = 0; i < out.length; i++) {
    if (t.depth[i] < level) continue;
    if (t.depth[i] === level) now = t.node[i];
    out[i] = now;
  }
  return out;
}

// match finds, for each node of a tree, the one of the base on the same path, -1 where there is none.
function match(t, base) {
  const twin = new Int32Array(t.node.length).fill(-1);
  twin[0] = 0;
  for (let i = 0; i < twin.length; i++) {
    const j = twin[i], first = j + 1;
    if (j < 0 || first >= base.end[j]) continue;
    if (base.end[first] === base.end[j]) { // an only child
      kids(t, i, c => { if (t.node[c] === base.node[first]) twin[c] = first; });
      continue;
    }
    const at = new Map();
    kids(base, j, c => at.set(base.node[c], c));
    kids(t, i, c => { twin[c] = at.get(t.node[c]) ?? -1; });
  }
  return twin;
}
