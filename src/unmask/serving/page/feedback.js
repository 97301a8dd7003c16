/** The dialog that reports a wrong verdict. */

import { openDialog } from "./dom.js";
import { VERDICTS, refusal } from "./words.js";

export class Feedback {
  #dialog;
  #api;
  #form;
  /** @type {import("./item.js").Item|null} */
  #item = null;

  /** @param {HTMLDialogElement} dialog @param {import("./api.js").Api} api */
  constructor(dialog, api) {
    this.#dialog = dialog;
    this.#api = api;
    this.#form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
    this.#form.addEventListener("submit", (event) => (event.preventDefault(), this.#send()));
  }

  /** @param {import("./item.js").Item} item that was answered */
  open(item) {
    this.#item = item;
    this.#form.reset();
    this.#say("");
    const verdict = VERDICTS[item.answer.judgement.verdict].toLowerCase();
    this.#dialog.querySelector("#feedback-about").textContent = `${item.name} was judged ${verdict}.`;
    this.#dialog.querySelector("#feedback-consent").hidden = item.kind === "clip";
    openDialog(this.#dialog);
  }

  async #send() {
    const item = this.#item;
    const { label, note, consent } = this.#form.elements;
    const button = this.#form.querySelector("[type=submit]");
    const agreed = consent.checked;
    const report = { id: item.answer.id, label: label.value, note: note.value.trim(), consent: agreed };
    button.disabled = true;
    this.#say("");
    try {
      const { stored_picture: stored } = await this.#api.feedback({ ...report, image: agreed ? item.file : null });
      this.#dialog.close();
      item.reported(`Reported as ${report.label}. Thank you.${stored ? " The picture was kept, too." : ""}`);
    } catch (error) {
      if (error.status === undefined) throw error;
      const { said, reason } = refusal(error);
      this.#say(`Not sent. ${said} ${reason}`);
    } finally {
      button.disabled = false;
    }
  }

  #say(text) {
    this.#form.querySelector("[role=alert]").textContent = text;
  }
}
