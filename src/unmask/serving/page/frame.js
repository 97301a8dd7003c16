/** The picture of an item, with faces and the activation map drawn over it. */

import { draw, el } from "./dom.js";
import { VERDICTS, percent } from "./words.js";

export class Frame {
  /** @type {import("./preview.js").Preview|null} */
  #preview = null;
  #faces = draw("g");
  #map = draw("image", { class: "map", preserveAspectRatio: "none" });
  #over = draw("svg", { class: "over", "aria-hidden": "true" }, this.#map, this.#faces);
  element = el("div", { class: "frame" });

  /** @param {import("./preview.js").Preview|null} preview */
  show(preview) {
    this.#preview = preview;
    this.element.classList.toggle("empty", !preview);
    if (!preview) {
      this.element.replaceChildren(el("p", { class: "soft", text: "No preview" }));
      return;
    }
    this.#over.setAttribute("viewBox", `0 0 ${preview.width} ${preview.height}`);
    this.element.replaceChildren(preview.element, this.#over);
  }

  /** Show the moment of a clip. @param {number} seconds */
  seek(seconds) {
    if (this.#preview?.element instanceof HTMLVideoElement) this.#preview.element.currentTime = seconds;
  }

  /** @param {import("./api.js").Face[]} faces */
  mark(faces) {
    this.#faces.replaceChildren(...faces.map((face, number) => box(face, faces.length > 1 ? number + 1 : null)));
  }

  /** @param {import("./api.js").Explanation} explanation @returns {boolean} whether there is a map to show */
  explain({ overlay_png: png, box: part }) {
    if (!png || !part) return false;
    const [x0, y0, x1, y1] = part;
    const place = { x: x0, y: y0, width: x1 - x0, height: y1 - y0, href: `data:image/png;base64,${png}` };
    for (const [name, value] of Object.entries(place)) this.#map.setAttribute(name, String(value));
    return true;
  }

  /** @param {number} share 0 hides the map, 1 shows nothing else */
  fade(share) {
    this.#map.style.opacity = String(share);
  }

  release() {
    this.#preview?.release();
  }
}

/** The faces in words, for a picture with several. @param {import("./api.js").Face[]} faces */
export function faceList(faces) {
  const row = (face) => el("li", { text: `${VERDICTS[face.verdict]}, ${percent(face.probability)}` });
  return el("ol", { class: "faces" }, ...faces.map(row));
}

function box({ box: [x0, y0, x1, y1], verdict }, number) {
  const place = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  const size = Math.max(x1 - x0, y1 - y0) / 5;
  return draw(
    "g",
    { class: `face ${verdict}` },
    draw("rect", { ...place, class: "under" }),
    draw("rect", place),
    number && draw("text", { x: x0 + size / 4, y: y0 + size, "font-size": size, text: number }),
  );
}
