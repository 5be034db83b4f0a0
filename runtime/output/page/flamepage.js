// The page of a flame graph: one graph, which takes the whole window and all keys.
(() => {
  const data = block("flame");
  document.body.className = "whole";
  const box = el("main");
  document.body.append(el("header", {}, el("h1", { textContent: data.title }), theme.button()), box);
  flame(box, data, { keys: document });
  document.addEventListener("keydown", e => {
    if (e.key === "t" && !e.ctrlKey && !e.metaKey && !e.altKey && !/^(INPUT|SELECT)$/.test(e.target.tagName)) theme.toggle();
  });
})();
