/** The model card as the page shows it: the Markdown that src/unmask/serving/card.py writes, and no more. */

import { el } from "./dom.js";

/** @param {string} markdown @returns {HTMLElement[]} */
export function card(markdown) {
  const blocks = markdown.split(/\n{2,}/).map((block) => block.trim());
  return blocks.filter(Boolean).map((block) => {
    const lines = block.split("\n");
    const [, marks, title] = /^(#{1,3}) (.*)$/.exec(lines[0]) ?? [];
    // The dialog has a heading of the second level.
    if (title) return el(`h${Math.min(6, marks.length + 2)}`, {}, ...inline(title));
    if (lines[0].startsWith("|")) return table(lines);
    if (lines[0].startsWith("- ")) return list(block);
    if (lines[0].startsWith("> ")) return el("p", { class: "banner warn" }, ...inline(block.replace(/^> ?/gm, "")));
    return el("p", {}, ...inline(lines.join(" ")));
  });
}

function list(block) {
  const items = block.replace(/^- /, "").split(/\n- /);
  return el("ul", {}, ...items.map((item) => el("li", {}, ...inline(item.replace(/\s*\n\s*/g, " ")))));
}

function table(lines) {
  const [head, , ...rows] = lines.map(cells);
  const named = head.some(Boolean);
  const columns = head.map((text) => (text ? el("th", { scope: "col" }, ...inline(text)) : el("td")));
  const body = rows.map(([first, ...others]) =>
    el("tr", {}, el("th", { scope: "row" }, ...inline(first)), ...others.map((text) => el("td", {}, ...inline(text)))),
  );
  const parts = [named && el("thead", {}, el("tr", {}, ...columns)), el("tbody", {}, ...body)];
  return el("div", { class: "scroll" }, el("table", {}, ...parts));
}

function cells(line) {
  return line.replace(/^\|\s?|\s?\|$/g, "").split(/(?<!\\)\|/).map((text) => text.trim());
}

/** `code`, **strong** and escaped marks. */
function inline(text) {
  const parts = text.split(/(`[^`]*`|\*\*.+?\*\*)/);
  return parts.filter(Boolean).map((part) => {
    if (part.startsWith("`")) return el("code", { text: part.slice(1, -1) });
    if (part.startsWith("**")) return el("strong", { text: plain(part.slice(2, -2)) });
    return plain(part);
  });
}

function plain(text) {
  return text.replace(/\\([\\`*_[\]<>|#])/g, "$1");
}
