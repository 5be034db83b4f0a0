"use strict";
// What all pages use. Text of the data comes into the document as text only.

// el makes an element with properties, attributes (those with a dash, and role) and children: elements and texts.
function el(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.includes("-") || name === "role") e.setAttribute(name, value); else e[name] = value;
  }
  e.append(...children);
  return e;
}

// block is the data with an id, null if the page has none.
function block(id) {
  const e = document.getElementById(id);
  if (!e) return null;
  const data = JSON.parse(e.textContent);
  e.remove(); // its text is not needed any more, and can be megabytes
  return data;
}

// theme is light or dark: the system's until somebody chooses.
const theme = {
  system: matchMedia("(prefers-color-scheme: dark)"),
  listeners: [],
  dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : theme.system.matches;
  },
  toggle() {
    document.documentElement.dataset.theme = theme.dark() ? "light" : "dark";
    theme.changed();
  },
  changed() { for (const f of theme.listeners) f(); },
  button() { return el("button", { type: "button", textContent: "light/dark", title: "dark or light (t)", onclick: theme.toggle }); },
};
theme.system.addEventListener("change", theme.changed);

const scales = { nanoseconds: 1, microseconds: 1e3, milliseconds: 1e6 };

// amount is a number with its unit.
function amount(n, unit) {
  if (scales[unit]) {
    const ns = n * scales[unit];
    for (const [div, name] of [[3600e9, "h"], [60e9, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) if (Math.abs(ns) >= div) return digits(ns / div) + " " + name;
    return digits(ns) + " ns";
  }
  if (unit === "bytes") {
    for (const [div, name] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) if (Math.abs(n) >= div) return digits(n / div) + " " + name;
    return digits(n) + " bytes";
  }
  return n.toLocaleString("en");
}

function digits(n) { return Number.isInteger(n) ? n.toLocaleString("en") : n.toPrecision(n >= 1000 ? 4 : 3); }

// share is a part of a whole.
function share(n, of) { return (100 * n / (of || 1)).toFixed(2) + "%"; }

// hash spreads texts over numbers.
function hash(text) {
  let h = 0;
  for (let i = 0; i < text.length && i < 64; i++) h = (31 * h + text.charCodeAt(i)) | 0;
  return h >>> 1;
}
