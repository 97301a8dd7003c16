/** The picture of an item, with faces and the activation map drawn over it. */

import { draw, el } from "./dom.js";
import { VERDICTS, count, digitsFor, percent } from "./words.js";

export class Frame {
  /** @type {import("./preview.js").Preview|null} */
  #preview = null;
  #released = false;
  #moment = 0;
  #faces = draw("g");
  #map = draw("image", { class: "map", preserveAspectRatio: "none" });
  #over = draw("svg", { class: "over", "aria-hidden": "true" }, this.#map, this.#faces);
  element = el("div", { class: "frame" });

  /** @param {import("./preview.js").Preview|null} preview */
  show(preview) {
    if (this.#released) {
      preview?.release();
      return;
    }
    this.#preview = preview;
    this.element.classList.toggle("empty", !preview);
    if (!preview) {
      this.element.replaceChildren(el("p", { class: "soft", text: "No preview" }));
      return;
    }
    this.#over.setAttribute("viewBox", `0 0 ${preview.width} ${preview.height}`);
    this.element.replaceChildren(preview.element, this.#over);
    this.seek(this.#moment);
  }

  /** Show the moment of a clip, at once or when it has loaded. @param {number} seconds */
  seek(seconds) {
    this.#moment = seconds;
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
    this.#released = true;
    this.#preview?.release();
  }
}

/**
 * The faces in words, where there are several, and how many were too small.
 * @param {import("./api.js").Face[]} faces @param {import("./words.js").Thresholds} thresholds
 * @param {number|undefined} small @returns {HTMLElement[]}
 */
export function faceList(faces, thresholds, small) {
  const digits = digitsFor(faces.map((face) => face.probability), thresholds);
  const row = (face) => el("li", { text: `${VERDICTS[face.verdict]}, ${percent(face.probability, digits)}` });
  const several = faces.length > 1 && [
    el("p", { text: `The verdict is that of the most suspect of ${faces.length} faces:` }),
    el("ol", { class: "faces" }, ...faces.map(row)),
  ];
  const left = small && el("p", { class: "soft", text: `${count(small, "more face")} too small to be judged.` });
  return [...(several || []), ...(left ? [left] : [])];
}

function box({ box: [x0, y0, x1, y1], verdict }, number) {
  const place = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  const size = Math.max(x1 - x0, y1 - y0) / 3.5;
  return draw(
    "g",
    { class: `face ${verdict}` },
    draw("rect", { ...place, class: "under" }),
    draw("rect", place),
    number && draw("text", { x: x0 + size / 4, y: y0 + size, "font-size": size, text: number }),
  );
}
