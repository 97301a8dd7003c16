/** The list of files, how far it is, and what can be done with all of it. */

import { table, download } from "./csv.js";
import { byId } from "./dom.js";
import { Item } from "./item.js";
import { Queue } from "./queue.js";
import { count } from "./words.js";

const AT_A_TIME = 3;
export const MOST = 200;

export class List {
  /** @type {Item[]} */
  #items = [];
  #queue = new Queue(AT_A_TIME);
  #previews = Promise.resolve();
  #section = byId("results");
  #list = byId("list");
  #progress = byId("progress", HTMLProgressElement);
  #host;

  /**
   * @param {{api: import("./api.js").Api, say: (text: string) => void, locked: () => void,
   *   report: (item: Item) => void, answered: (source: import("./api.js").Source) => void}} host
   */
  constructor(host) {
    this.#host = host;
    byId("cancel").addEventListener("click", () => this.#cancelAll());
    byId("csv").addEventListener("click", () => download("unmask.csv", table(this.#items)));
    byId("clear").addEventListener("click", () => this.#clear());
  }

  /** @param {File[]} files @returns {number} how many did not fit */
  add(files) {
    const taken = files.slice(0, Math.max(0, MOST - this.#items.length));
    for (const file of taken) {
      const item = new Item(file, {
        api: this.#host.api,
        changed: (one) => this.#changed(one),
        again: (one) => this.#queue.add(one),
        remove: (one) => this.#remove(one),
        locked: (one) => (this.#queue.hold(one), this.#host.locked()),
        report: this.#host.report,
      });
      this.#items.push(item);
      this.#list.append(item.element);
      // One after the other, because a large picture is decoded whole.
      this.#previews = this.#previews.then(() => item.showPreview());
      this.#queue.add(item);
    }
    return files.length - taken.length;
  }

  /** Go on after a token was given. */
  release() {
    this.#queue.release();
  }

  #changed(item) {
    if (item.state === "done" || item.state === "failed") this.#host.say(item.told);
    if (item.state === "done") this.#host.answered(item.answer);
    this.#summarise();
  }

  #remove(item) {
    const place = this.#items.indexOf(item);
    this.#items.splice(place, 1);
    this.#queue.cancel(item);
    item.element.remove();
    item.release();
    this.#summarise();
    const next = this.#items[place] ?? this.#items.at(-1);
    if (next) next.focus();
    else byId("choose").focus();
  }

  #clear() {
    for (const item of this.#items.splice(0)) {
      this.#queue.cancel(item);
      item.element.remove();
      item.release();
    }
    this.#summarise();
    this.#host.say("The list is empty");
    byId("choose").focus();
  }

  #cancelAll() {
    for (const item of this.#items.filter(atWork)) {
      this.#queue.cancel(item);
      if (item.state === "waiting") item.cancelled();
    }
    this.#section.focus();
  }

  #summarise() {
    const all = this.#items.length;
    const done = all - this.#items.filter(atWork).length;
    this.#section.hidden = !all;
    this.#progress.max = Math.max(1, all);
    this.#progress.value = done;
    this.#progress.classList.toggle("rest", done === all);
    byId("cancel").hidden = done === all;
    byId("summary").textContent = done < all ? `${done} of ${count(all, "file")} checked` : this.#outcome();
  }

  #outcome() {
    const verdicts = this.#items.map((item) => item.answer?.judgement?.verdict ?? "without a verdict");
    const kinds = ["fake", "uncertain", "real", "without a verdict"];
    const counted = kinds.map((kind) => [verdicts.filter((verdict) => verdict === kind).length, kind]);
    const parts = counted.filter(([number]) => number).map((pair) => pair.join(" "));
    return `${count(this.#items.length, "file")}: ${parts.join(", ")}`;
  }
}

function atWork(item) {
  return item.state === "waiting" || item.state === "working";
}
