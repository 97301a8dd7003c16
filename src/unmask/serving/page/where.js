/** The activation map on demand: a button that becomes the slider of its strength. */

import { el } from "./dom.js";
import { refusal } from "./words.js";

const PATIENCE_MS = 60_000;

/** @param {File} file @param {import("./frame.js").Frame} frame @param {import("./api.js").Api} api */
export function whereButton(file, frame, api) {
  const asked = () => explain({ button, file, frame, api });
  const button = el("button", { type: "button", text: "Show where", click: asked });
  return button;
}

async function explain({ button, file, frame, api }) {
  const row = button.parentElement;
  const note = el("p", { class: "soft", role: "status", text: "Asking…" });
  button.disabled = true;
  row.parentElement.querySelector(":scope > [role=status]")?.remove();
  row.after(note);
  try {
    if (!frame.explain(await api.explain(file, AbortSignal.timeout(PATIENCE_MS)))) {
      note.textContent = "The service gave no map for this picture.";
      button.remove();
      return;
    }
  } catch (error) {
    const { said, reason } = refusal(error.name === "TimeoutError" ? { status: 504, message: "" } : error);
    note.textContent = `${said} ${reason}`;
    button.disabled = false;
    return;
  }
  note.textContent = "The brighter a place, the more it speaks for a forgery. Coarse, and no proof of where it was made.";
  const slider = el("input", { type: "range", min: 0, max: 100, value: 100 });
  slider.addEventListener("input", () => frame.fade(slider.valueAsNumber / 100));
  button.replaceWith(el("label", { class: "fader" }, "Highlight", slider));
  slider.focus();
}
