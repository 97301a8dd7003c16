/** One file of the list: its place on the page and its way through the service. */

import { el } from "./dom.js";
import { Frame, faceList } from "./frame.js";
import { isClip, preview } from "./preview.js";
import { patiently } from "./queue.js";
import { background, nothingFound, result } from "./result.js";
import { timeline } from "./timeline.js";
import { whereButton } from "./where.js";
import { VERDICTS, digitsFor, percent, refusal, sentence, size } from "./words.js";

/**
 * @typedef {{api: import("./api.js").Api, changed: (item: Item) => void, again: (item: Item) => void,
 *   remove: (item: Item) => void, locked: (item: Item) => void, report: (item: Item) => void}} Host
 * @typedef {"waiting"|"working"|"done"|"failed"|"cancelled"} State
 * @typedef {import("./api.js").Answer} Answer
 */

export class Item {
  /** @type {State} */
  state = "waiting";
  /** @type {Answer|null} */
  answer = null;
  error = "";
  #host;
  #frame = new Frame();
  #body = el("div", { class: "said" });
  #heading;

  /** @param {File} file @param {Host} host */
  constructor(file, host) {
    this.file = file;
    this.name = file.name;
    /** @type {"picture"|"clip"} */
    this.kind = isClip(file) ? "clip" : "picture";
    this.#host = host;
    this.#heading = el("h3", { text: file.name, tabindex: -1, title: file.name });
    const remove = el("button", {
      ...{ type: "button", class: "remove", text: "×", "aria-label": `Remove ${file.name}`, title: "Remove" },
      click: () => host.remove(this),
    });
    const head = el("div", { class: "head" }, this.#heading, el("span", { class: "soft", text: size(file.size) }), remove);
    this.element = el("li", { class: "item" }, this.#frame.element, el("div", { class: "body" }, head, this.#body));
  }

  async showPreview() {
    this.#frame.show(await preview(this.file));
  }

  waiting() {
    this.#say("waiting", el("p", { class: "soft", text: "Waiting" }));
  }

  working() {
    this.#say("working", el("p", { class: "soft busy", text: "Checking…" }));
  }

  /** @param {number} seconds */
  delayed(seconds) {
    const text = `The service is busy. Trying again in ${Math.ceil(seconds)} s.`;
    this.#say("working", el("p", { class: "soft busy", text }));
  }

  /** @param {AbortSignal} signal */
  async work(signal) {
    const { api, locked } = this.#host;
    /** @returns {Promise<Answer>} */
    const ask = () => (this.kind === "clip" ? api.predictClip(this.file, signal) : api.predict(this.file, signal));
    try {
      if (!(await readable(this.file))) this.#fail("This file can't be read. Is it a folder, or was it moved?");
      else this.#finish(await patiently(ask, signal, (seconds) => this.delayed(seconds)));
    } catch (error) {
      if (signal.aborted) this.cancelled();
      else if (error.status === 401) locked(this);
      else this.#refuse(error);
    }
  }

  cancelled() {
    this.#say("cancelled", el("p", { class: "soft", text: "Cancelled" }), this.#actions(this.#againButton()));
  }

  /** What a screen reader hears of it. */
  get told() {
    const { judgement, thresholds } = this.answer ?? {};
    if (!judgement) return `${this.name}: ${this.error || VERDICTS.none}`;
    const { verdict, probability: p } = judgement;
    return `${this.name}: ${VERDICTS[verdict]}, ${percent(p, digitsFor([p], thresholds))}`;
  }

  /** @param {string} text replaces the button that opened the dialog */
  reported(text) {
    const note = el("p", { class: "soft", text, tabindex: -1 });
    this.#body.querySelector(".report")?.replaceWith(note);
    note.focus();
  }

  focus() {
    this.#heading.focus();
  }

  release() {
    this.#frame.release();
  }

  #finish(answer) {
    if (answer.error) {
      this.#fail(sentence(answer.error));
      return;
    }
    const { judgement, thresholds } = answer;
    this.answer = answer;
    this.error = "";
    if (!judgement) {
      this.#say("done", ...nothingFound(this.kind, answer.small_faces));
      return;
    }
    const faces = answer.faces ?? [];
    const frames = (answer.frames ?? []).filter((frame) => frame.probability !== null);
    const explained = this.kind === "picture" && judgement.verdict !== "real";
    this.#frame.mark(faces);
    this.#say(
      "done",
      ...result(judgement, thresholds),
      ...faceList(faces, thresholds, answer.small_faces),
      ...(frames.length ? timeline(answer, (seconds) => this.#frame.seek(seconds)) : []),
      ...background(judgement, thresholds),
      // Where nothing was found there is nothing to show.
      this.#actions(explained && whereButton(this.file, this.#frame, this.#host.api), this.#reportButton()),
    );
  }

  #refuse(error) {
    const { said, reason, again } = refusal(error);
    this.#fail(said, reason, again);
    // A mistake of the page itself belongs on the console, too.
    if (error.status === undefined) throw error;
  }

  #fail(said, reason = "", again = false) {
    this.error = reason ? `${said} ${reason}` : said;
    const words = [el("strong", { text: said }), reason && el("span", { text: ` ${reason}` })];
    this.#say("failed", el("p", { class: "error" }, ...words), this.#actions(again && this.#againButton()));
  }

  #say(state, ...nodes) {
    const held = this.#body.contains(document.activeElement);
    this.state = state;
    this.element.dataset.state = state;
    this.#body.replaceChildren(...nodes);
    // Whoever pressed a button that is gone now stays in the place.
    if (held) this.focus();
    this.#host.changed(this);
  }

  #actions(...buttons) {
    return el("div", { class: "buttons" }, ...buttons);
  }

  #againButton() {
    return el("button", { type: "button", text: "Try again", click: () => this.#host.again(this) });
  }

  #reportButton() {
    return el("button", {
      ...{ type: "button", class: "report", text: "Report a wrong verdict" },
      click: () => this.#host.report(this),
    });
  }
}

/** Folders arrive as files that can't be read. @param {File} file */
function readable(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}
