/** An answer as people read it: verdict, probability on its scale, sentence, attributes. */

import { el, icon } from "./dom.js";
import { VERDICTS, digitsFor, frequency, meaning, percent } from "./words.js";

/** @typedef {import("./api.js").Judged} Judged */
/** @typedef {import("./api.js").Source["thresholds"]} Thresholds */

/** @param {Judged} judgement @param {Thresholds} thresholds @returns {HTMLElement[]} */
export function result(judgement, thresholds) {
  const { probability, verdict, sentence } = judgement;
  const digits = digitsFor([probability], thresholds);
  const figure = el(
    "span",
    { class: "figure" },
    el("strong", { text: percent(probability, digits) }),
    " probability of a forgery",
  );
  return [
    el("p", { class: `verdict ${verdict}` }, icon(verdict), el("strong", { text: VERDICTS[verdict] }), figure),
    scale(judgement, thresholds, digits),
    el("p", { class: "soft", text: meaning(verdict, thresholds, digits) }),
    el("p", { class: "sentence", text: sentence }),
  ];
}

/** What stands behind an answer, folded. @param {Judged} judgement @param {Thresholds} thresholds @returns {HTMLElement[]} */
export function background(judgement, thresholds) {
  const digits = digitsFor([judgement.probability], thresholds);
  return [
    el("details", {}, el("summary", { text: "What seems altered" }), attributes(judgement.attributes)),
    el("details", {}, el("summary", { text: "What this means" }), ...promises(judgement, thresholds, digits)),
  ];
}

/** @param {"picture"|"clip"} kind @param {number} small faces that the model can't judge @returns {HTMLElement[]} */
export function nothingFound(kind, small) {
  const verdict = el("p", { class: "verdict none" }, icon("none"), el("strong", { text: VERDICTS.none }));
  const found = small ? "only faces that are too small" : "none";
  return [verdict, el("p", { class: "soft", text: `The service judges faces, and it found ${found} in this ${kind}.` })];
}

function scale({ probability }, { real, fake }, digits) {
  const ends = [real, fake].map((one) => percent(one.probability, digits));
  const label =
    `Probability of a forgery ${percent(probability, digits)}, on a scale from 0 to 100 %: ` +
    `real below ${ends[0]}, fake above ${ends[1]}, uncertain between`;
  const track = el(
    "div",
    { class: "track", role: "img", "aria-label": label },
    ...["mark low", "mark high", "value"].map((name) => el("i", { class: name })),
  );
  const places = { "--at": probability, "--real-at": real.probability, "--fake-at": fake.probability };
  // Set by script: the page's policy allows no style attribute.
  for (const [name, place] of Object.entries(places)) track.style.setProperty(name, String(place));
  const words = [`real below ${ends[0]}`, "uncertain", `fake above ${ends[1]}`].map((text) => el("span", { text }));
  return el("div", { class: "scale" }, track, el("div", { class: "ends", "aria-hidden": "true" }, ...words));
}

function attributes(marginals) {
  // The first label is the root, forged or not, of which the calibrated probability is the better number.
  const named = Object.entries(marginals).slice(1).sort((one, other) => other[1] - one[1]);
  const rows = named.flatMap(([name, share]) => [
    el("dt", { text: name }),
    el("dd", {}, el("meter", { min: 0, max: 1, value: share, "aria-label": name }), el("span", { text: percent(share) })),
  ]);
  const caveat = "Probabilities of the model itself: no measurement and no proof.";
  return el("div", {}, el("dl", { class: "attributes" }, ...rows), el("p", { class: "soft", text: caveat }));
}

function promises({ probability }, { real, fake }, digits) {
  const row = (one) => [el("dt", { text: percent(one.probability, digits) }), el("dd", { text: one.meaning })];
  return [
    el("p", { text: frequency(probability, digits) }),
    el("p", { text: "The verdict turns on two thresholds:" }),
    el("dl", { class: "thresholds" }, ...row(fake), ...row(real)),
    el("p", { text: "Uncertain is an answer, too: the model saw too little to promise anything for either side." }),
  ];
}
