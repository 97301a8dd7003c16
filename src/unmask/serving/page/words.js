/** What the page says, and how it writes numbers. */

/** @typedef {import("./api.js").Source["thresholds"]} Thresholds */

export const VERDICTS = { real: "Real", fake: "Fake", uncertain: "Uncertain", none: "No face found" };

const REFUSALS = {
  0: "The service can't be reached. Check the connection, then try again.",
  400: "The service could not use this file.",
  401: "The service asks for an access token.",
  403: "This service does not answer pages from here.",
  408: "Sending took too long. Try again, or send a smaller file.",
  409: "The service did not take this.",
  413: "This file is too large for the service.",
  415: "This kind of file is not checked here. Use JPEG, PNG, WebP, BMP or TIFF, or a clip.",
  422: "The service could not use this file.",
  429: "The service is busy. Try again in a moment.",
  501: "This service can't check files of this kind.",
  503: "The service is not ready. Try again in a moment.",
  507: "The service has no room to keep this.",
  504: "The service took too long. Try again.",
};
/** Where a second try can help. */
const PASSING = new Set([0, 408, 429, 500, 502, 503, 504]);

/** A refusal in our words and in the service's own. @param {Error & {status?: number}} refused without a status it is a fault of the page */
export function refusal(refused) {
  const said = REFUSALS[refused.status] ?? "The service failed. Try again later.";
  const reason = refused.status === undefined ? "" : sentence(refused.message);
  return { said, reason, again: PASSING.has(refused.status) };
}

/** The service's words as a sentence of its own. @param {string} reason */
export function sentence(reason) {
  const own = reason.replace(/^picture 1 of 1: /, "").trim();
  return own && `${own[0].toUpperCase()}${own.slice(1)}${/[.!?]$/.test(own) ? "" : "."}`;
}

/**
 * A probability as people read it, never 0 or 100 %. @param {number} p @param {number} [digits] after the point
 */
export function percent(p, digits = 0) {
  const least = 10 ** -digits;
  if (100 * p < least) return `under ${least.toFixed(digits)} %`;
  if (100 * p > 100 - least) return `over ${(100 - least).toFixed(digits)} %`;
  return `${(100 * p).toFixed(digits)} %`;
}

/**
 * The fewest digits with which none of SHARES reads like a threshold that it is not.
 * @param {number[]} shares @param {Thresholds} thresholds
 */
export function digitsFor(shares, thresholds) {
  const levels = [thresholds.real.probability, thresholds.fake.probability];
  const apart = (digits) => shares.every((p) => levels.every((level) => percent(level, digits) !== percent(p, digits)));
  return [0, 1].find(apart) ?? 2;
}

/** What a verdict means for its reader. @param {import("./api.js").Verdict} verdict @param {Thresholds} thresholds @param {number} digits */
export function meaning(verdict, thresholds, digits) {
  const low = percent(thresholds.real.probability, digits);
  const high = percent(thresholds.fake.probability, digits);
  if (verdict === "fake") return `Above ${high}, where the model says fake.`;
  if (verdict === "real") return `Below ${low}, where the model says real.`;
  return `Between ${low} and ${high}, where the model does not decide. Treat it as not checked.`;
}

/** @param {number} p @param {number} digits */
export function frequency(p, digits) {
  const share = percent(p, digits);
  const about = /^\d/.test(share) ? `about ${share}` : share;
  return (
    `The probability is calibrated: of pictures that score like this one, ${about} are forgeries, as far as they ` +
    "resemble those the model was checked on. Where forgeries are rarer than there, fewer are."
  );
}

/** @param {number} seconds */
export function time(seconds) {
  const tenths = Math.round(10 * seconds);
  const minutes = Math.floor(tenths / 600);
  const rest = ((tenths % 600) / 10).toFixed(1);
  return minutes ? `${minutes}:${rest.padStart(4, "0")} min` : `${rest} s`;
}

/** @param {number} bytes */
export function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** What becomes of a file after its verdict. @param {string} capture as the service's setting */
export function kept(capture) {
  return capture === "none"
    ? " It keeps none that you do not send with a report."
    : " It keeps pictures that it calls uncertain for a while, to learn from them.";
}

/** @param {number} number @param {string} noun */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
