/** Which model answers: the footer, the note on its data, its card. */

import { card } from "./card.js";
import { byId, el, find, openDialog } from "./dom.js";
import { kept, refusal } from "./words.js";

export class ModelInfo {
  #api;
  #shown = "";
  /** @type {Promise<void>|null} */
  #asked = null;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    byId("card-open").addEventListener("click", () => openDialog(byId("card", HTMLDialogElement)));
  }

  /** Ask for what is served; another call while one is under way waits for the same answer. */
  load() {
    this.#asked ??= this.#load().finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  /** The model may be replaced while the page is open. @param {import("./api.js").Source} source */
  async answered(source) {
    if (source.model_version !== this.#shown) await this.load();
  }

  async #load() {
    try {
      this.#show(await this.#api.model());
    } catch (error) {
      if (error.status === undefined) throw error;
      byId("model").textContent = refusal(error).said;
      throw error;
    }
  }

  #show(model) {
    this.#shown = model.model_version;
    const parts = [
      ["Model", model.model_version],
      ["data", model.data_hash],
    ].map(([name, value]) => el("span", {}, `${name} `, el("code", { text: value })));
    byId("model").replaceChildren(...parts, el("span", { text: model.data_note }));
    find(byId("card"), ".card").replaceChildren(...card(model.card));
    byId("card-open").hidden = false;
    if (model.faces !== "none") byId("taken").textContent = "Each face in a picture is judged.";
    byId("kept").textContent = kept(model.capture);
    const note = byId("data-note");
    note.hidden = !model.data_note;
    note.replaceChildren(el("strong", { text: "About this model's data: " }), model.data_note);
  }
}
