/** Elements from data: text goes in as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/** Shapes of 24 by 24; each verdict has a shape of its own, so that none rests on colour alone. */
const ICONS = {
  real: ["M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19z", "M7.5 12.3l3.1 3.1 6-6.3"],
  fake: ["M12 2.8 22.3 20.7H1.7z", "M12 9.3v5.2M12 17.6v.1"],
  uncertain: ["M6 2.5h12a3.5 3.5 0 0 1 3.5 3.5v12a3.5 3.5 0 0 1-3.5 3.5H6A3.5 3.5 0 0 1 2.5 18V6A3.5 3.5 0 0 1 6 2.5z", "M9.2 9.3a2.9 2.9 0 1 1 4.2 2.6c-.9.5-1.4 1.1-1.4 2.2M12 17.3v.1"],
  none: ["M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19z", "M7.5 12h9"],
};

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string|number|boolean|null|undefined|((event: Event) => void)>} [given] attributes; `text`
 *   is the content, a function listens to the event of its name; false, null and undefined are left out
 * @param {...(Node|string|null|false)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, given = {}, ...children) {
  return fill(document.createElement(tag), given, children);
}

/** As `el`, for a drawing. @returns {SVGElement} */
export function draw(tag, given = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), given, children);
}

/** @param {"real"|"fake"|"uncertain"|"none"} name */
export function icon(name) {
  const [outline, sign] = ICONS[name];
  return draw(
    "svg",
    { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" },
    draw("path", { d: outline, class: "outline" }),
    draw("path", { d: sign, class: "sign" }),
  );
}

/**
 * The element that SELECTOR finds below ROOT, which is there and of a KIND.
 * @template {typeof HTMLElement} [K=typeof HTMLElement]
 * @param {ParentNode} root @param {string} selector @param {K} [kind]
 * @returns {InstanceType<K>}
 */
export function find(root, selector, kind = /** @type {K} */ (HTMLElement)) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new TypeError(`no ${kind.name} ${selector}`);
  return /** @type {InstanceType<K>} */ (found);
}

/**
 * @template {typeof HTMLElement} [K=typeof HTMLElement]
 * @param {string} id @param {K} [kind]
 * @returns {InstanceType<K>}
 */
export function byId(id, kind) {
  return find(document, `#${id}`, kind);
}

/** Opens DIALOG; whoever had the focus gets it back, Escape and the `data-close` button close it. @param {HTMLDialogElement} dialog */
export function openDialog(dialog) {
  find(dialog, "[data-close]").onclick = () => dialog.close();
  dialog.showModal();
}

function fill(element, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "text") element.textContent = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}
