/** Asks for the access token when the service does. */

import { byId } from "./dom.js";

export class TokenForm {
  #form = byId("token", HTMLFormElement);
  #field = byId("token-field", HTMLInputElement);
  #given = false;

  /** @param {(token: string) => void} use */
  constructor(use) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = this.#field.value.trim();
      // Other characters can't stand in a header.
      if (!/^[\x21-\x7e]+$/.test(token)) {
        this.#say("A token is one word of letters, digits and signs.");
        return;
      }
      this.#given = true;
      this.#field.value = "";
      this.#form.hidden = true;
      use(token);
    });
  }

  /** Show the field; a token that was given before was not accepted. */
  ask() {
    if (!this.#form.hidden) return;
    this.#form.hidden = false;
    this.#say(this.#given ? "That token was not accepted." : "");
    this.#field.focus();
  }

  #say(text) {
    byId("token-error").textContent = text;
  }
}
