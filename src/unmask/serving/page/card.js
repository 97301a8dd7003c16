/** The model card as the page shows it: the Markdown that src/unmask/serving/card.py writes, and no more. */

import { el } from "./dom.js";

/** @type {("h3"|"h4"|"h5")[]} The dialog's own heading is of the second level. */
const LEVELS = ["h3", "h4", "h5"];

/** @param {string} markdown @returns {HTMLElement[]} */
export function card(markdown) {
  const blocks = markdown.split(/\n{2,}/).map((block) => block.trim());
  let section = "";
  return blocks.filter(Boolean).map((block) => {
    const lines = block.split("\n");
    const [, marks, title] = /^(#{1,3}) (.*)$/.exec(lines[0]) ?? [];
    if (title) {
      section = plain(title);
      return el(LEVELS[marks.length - 1], {}, ...inline(title));
    }
    if (lines[0].startsWith("|")) return table(lines, section);
    if (lines[0].startsWith("- ")) return list(block);
    if (lines[0].startsWith("> ")) return el("p", { class: "banner warn" }, ...inline(block.replace(/^> ?/gm, "")));
    return el("p", {}, ...inline(lines.join(" ")));
  });
}

function list(block) {
  const items = block.replace(/^- /, "").split(/\n- /);
  return el("ul", {}, ...items.map((item) => el("li", {}, ...inline(item.replace(/\s*\n\s*/g, " ")))));
}

/** A wide table is scrolled, and so must take the focus. */
function table(lines, section) {
  const [head, , ...rows] = lines.map(cells);
  const named = head.some(Boolean);
  const columns = head.map((text) => (text ? el("th", { scope: "col" }, ...inline(text)) : el("td")));
  const body = rows.map(([first, ...others]) =>
    el("tr", {}, el("th", { scope: "row" }, ...inline(first)), ...others.map((text) => el("td", {}, ...inline(text)))),
  );
  const parts = [named && el("thead", {}, el("tr", {}, ...columns)), el("tbody", {}, ...body)];
  const scrolled = { class: "scroll", tabindex: 0, role: "region", "aria-label": `${section}, table` };
  return el("div", scrolled, el("table", {}, ...parts));
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
