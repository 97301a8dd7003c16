/** The dialog that reports a wrong verdict. */

import { find, openDialog } from "./dom.js";
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
    this.#form = find(dialog, "form", HTMLFormElement);
    this.#form.addEventListener("submit", (event) => (event.preventDefault(), this.#send()));
  }

  /** @param {import("./item.js").Item} item that was answered */
  open(item) {
    this.#item = item;
    this.#form.reset();
    this.#say("");
    const verdict = VERDICTS[item.answer.judgement.verdict].toLowerCase();
    find(this.#form, "#feedback-about").textContent = `${item.name} was judged ${verdict}.`;
    find(this.#form, "#feedback-consent").hidden = item.kind === "clip";
    openDialog(this.#dialog);
  }

  async #send() {
    const item = this.#item;
    const given = new FormData(this.#form);
    const button = find(this.#form, "[type=submit]", HTMLButtonElement);
    const consent = given.has("consent");
    const label = /** @type {"real"|"fake"} */ (given.get("label"));
    const report = { id: item.answer.id, label, note: String(given.get("note")).trim(), consent };
    button.disabled = true;
    this.#say("");
    try {
      const { stored_picture: stored } = await this.#api.feedback({ ...report, image: consent ? item.file : null });
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
    find(this.#form, "[role=alert]").textContent = text;
  }
}
