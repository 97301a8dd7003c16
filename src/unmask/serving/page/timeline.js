/** A clip's frames over time: a chart with a cursor that keyboard and pointer move, and the same figures as a table. */

import { draw, el } from "./dom.js";
import { VERDICTS, digitsFor, percent, time } from "./words.js";

/**
 * @param {import("./api.js").ClipAnswer} answer with at least one frame that has a probability
 * @param {(seconds: number) => void} seek called with the time of the frame that is looked at
 * @returns {HTMLElement[]}
 */
export function timeline({ frames: all, duration_s: duration, thresholds }, seek) {
  const frames = all.filter((frame) => frame.probability !== null);
  const end = Math.max(duration, all.at(-1).time_s, 0.1);
  const across = frames.map((frame) => (100 * frame.time_s) / end);
  const digits = digitsFor(frames.map((frame) => frame.probability), thresholds);
  const cursor = draw("line", { class: "cursor", y1: "0%", y2: "100%" });
  const chart = plot({ frames, across, thresholds, digits, cursor });
  // The chart is what is seen of the slider: arrow keys move the cursor, and screen readers hear the frame.
  const range = { type: "range", min: 0, max: frames.length - 1, step: 1 };
  const slider = el("input", { ...range, class: "unseen", "aria-label": "Frame of the clip" });
  const said = el("p", { class: "at" });
  const look = (number) => {
    const told = words(frames[number], digits);
    slider.value = String(number);
    slider.setAttribute("aria-valuetext", told);
    said.textContent = told;
    for (const name of ["x1", "x2"]) cursor.setAttribute(name, `${across[number]}%`);
  };
  const lookAndSeek = (number) => (look(number), seek(frames[number].time_s));
  const under = (event) => nearest(across, (100 * (event.clientX - chart.getBoundingClientRect().x)) / chart.clientWidth);
  slider.addEventListener("input", () => lookAndSeek(slider.valueAsNumber));
  chart.addEventListener("pointermove", (event) => look(under(event)));
  chart.addEventListener("click", (event) => (slider.focus(), lookAndSeek(under(event))));
  lookAndSeek(frames.reduce((most, frame, number) => (frame.probability > frames[most].probability ? number : most), 0));
  const ends = el("div", { class: "ends" }, el("span", { text: time(0) }), el("span", { text: time(end) }));
  return [el("div", { class: "timeline" }, chart, slider, ends, said), table(all, digits)];
}

function plot({ frames, across, thresholds, digits, cursor }) {
  const values = frames.map((frame) => frame.probability);
  const range = `from ${percent(Math.min(...values), digits)} to ${percent(Math.max(...values), digits)}`;
  const step = (number) => ({
    ...{ x1: `${across[number]}%`, y1: down(values[number]) },
    ...{ x2: `${across[number + 1]}%`, y2: down(values[number + 1]) },
  });
  return draw(
    "svg",
    { class: "plot", role: "img", "aria-label": `Probability of a forgery in ${frames.length} frames, ${range}` },
    draw("rect", { class: "field", width: "100%", height: "100%" }),
    ...guides(thresholds, digits),
    cursor,
    ...values.slice(1).map((_, number) => draw("line", { class: "line", ...step(number) })),
    ...frames.map(({ verdict, probability }, number) =>
      draw("circle", { class: verdict, cx: `${across[number]}%`, cy: down(probability), r: 4.5 }),
    ),
  );
}

function guides({ fake, real }, digits) {
  const apart = fake.probability - real.probability > 0.15;
  const guide = (text, { probability: p }, dy) => [
    draw("line", { class: "guide", x1: "0%", x2: "100%", y1: down(p), y2: down(p) }),
    draw("text", { x: "100%", dx: 10, y: down(p), dy, text: `${text} ${percent(p, digits)}` }),
  ];
  return [...guide("fake >", fake, apart ? 4 : -3), ...guide("real <", real, apart ? 4 : 12)];
}

function down(p) {
  return `${100 * (1 - p)}%`;
}

function table(frames, digits) {
  const head = ["Time", "Probability", "Verdict"].map((text) => el("th", { scope: "col", text }));
  const rows = frames.map(({ time_s: at, probability, verdict }) => {
    const share = probability === null ? "–" : percent(probability, digits);
    return el("tr", {}, ...[time(at), share, VERDICTS[verdict ?? "none"]].map((text) => el("td", { text })));
  });
  const all = el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
  return el("details", {}, el("summary", { text: `All ${frames.length} frames as a table` }), all);
}

function words({ time_s: at, probability, verdict }, digits) {
  return `${time(at)}: ${percent(probability, digits)}, ${VERDICTS[verdict].toLowerCase()}`;
}

function nearest(places, at) {
  return places.reduce((best, place, number) => (Math.abs(place - at) < Math.abs(places[best] - at) ? number : best), 0);
}
