/**
 * The service, as src/unmask/serving/answers.py describes it.
 *
 * @typedef {"real"|"fake"|"uncertain"} Verdict
 * @typedef {{probability: number, meaning: string}} Threshold
 * @typedef {{probability: number, verdict: Verdict, sentence: string, attributes: Record<string, number>}} Judged
 * @typedef {Judged & {box: [number, number, number, number], score: number}} Face
 * @typedef {{time_s: number, probability: number|null, verdict: Verdict|null}} Frame null without a face
 * @typedef {{model_version: string, data_hash: string, request_id: string,
 *   thresholds: {fake: Threshold, real: Threshold}}} Source
 * @typedef {Source & {id: string, judgement: Judged|null, box: [number, number, number, number]|null}} JudgedPicture
 * @typedef {JudgedPicture & {faces: Face[]|null, small_faces: number, error: string|null}} PictureAnswer
 * @typedef {Source & {id: string, judgement: Judged|null, frames: Frame[], duration_s: number}} ClipAnswer
 * @typedef {PictureAnswer & Partial<ClipAnswer> | ClipAnswer & Partial<PictureAnswer>} Answer
 * @typedef {JudgedPicture & {overlay_png: string|null}} Explanation null without a face
 * @typedef {Source & {faces: string, capture: string, data_note: string, card: string}} Model
 */

/** A request that was not served; status 0 is a service that did not answer. */
export class Refused extends Error {
  /** @param {number} status @param {string} reason @param {number|null} retryAfter seconds */
  constructor(status, reason, retryAfter = null) {
    super(reason);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export class Api {
  /** Lives in this object only: no storage, no cookie, no address. */
  #token = "";

  /** @param {string} token */
  useToken(token) {
    this.#token = token;
  }

  /** @param {AbortSignal} [signal] @returns {Promise<Model>} */
  model(signal) {
    return this.#ask("model", { signal });
  }

  /** @param {File} file @param {AbortSignal} signal @returns {Promise<PictureAnswer>} */
  async predict(file, signal) {
    const { answers, ...source } = await this.#send("predict", { images: file }, signal);
    return { ...source, ...answers[0] };
  }

  /** @param {File} file @param {AbortSignal} signal @returns {Promise<ClipAnswer>} */
  predictClip(file, signal) {
    return this.#send("predict_clip", { clip: file }, signal);
  }

  /** @param {File} file @param {AbortSignal} signal @returns {Promise<Explanation>} */
  explain(file, signal) {
    return this.#send("explain", { image: file }, signal);
  }

  /** @param {{id: string, label: "real"|"fake", note: string, consent: boolean, image: File|null}} report
   *  @returns {Promise<{id: string, stored_picture: boolean}>} */
  feedback({ id, label, note, consent, image }) {
    const given = { id, label, note, consent: String(consent), ...(image && { image }) };
    return this.#send("feedback", given);
  }

  /** @param {string} path @param {Record<string, string|File>} fields @param {AbortSignal} [signal] */
  #send(path, fields, signal) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return this.#ask(path, { method: "POST", body, signal });
  }

  /**
   * Paths are relative, so that the service may live under a prefix.
   * @param {string} path @param {RequestInit} [request] @returns {Promise<any>}
   */
  async #ask(path, { method = "GET", body, signal } = {}) {
    const headers = new Headers(this.#token ? [["Authorization", `Bearer ${this.#token}`]] : []);
    let response;
    let said;
    try {
      response = await fetch(path, { method, body, signal, headers, cache: "no-store", redirect: "error" });
      said = await response.json().catch((error) => {
        if (signal?.aborted) throw error;
        return null;
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Refused(0, "");
    }
    if (response.ok && said) return said;
    throw new Refused(response.status, said?.error ?? "", seconds(response.headers.get("Retry-After")));
  }
}

/** Retry-After is a number of seconds or a date. @param {string|null} value */
function seconds(value) {
  if (!value) return null;
  const wait = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(wait) ? null : Math.max(0, wait);
}
