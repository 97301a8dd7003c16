/** Tells screen readers what came in, a few at a time. */

const GATHER_MS = 400;
const MOST = 3;

export class Live {
  #region;
  /** @type {string[]} */
  #waiting = [];
  #timer = 0;

  /** @param {HTMLElement} region with aria-live */
  constructor(region) {
    this.#region = region;
  }

  /** @param {string} text */
  say(text) {
    this.#waiting.push(text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), GATHER_MS);
  }

  #tell() {
    const told = this.#waiting.splice(0);
    const rest = told.length - MOST;
    this.#region.textContent = `${told.slice(-MOST).join(". ")}${rest > 0 ? `. And ${rest} more` : ""}.`;
  }
}
