/** A few requests at a time, in order; each can be cancelled. */

const TRIES = 5;
const LONGEST_WAIT_S = 60;

/** @typedef {{waiting: () => void, working: () => void, delayed: (seconds: number) => void,
 *   work: (signal: AbortSignal) => Promise<void>}} Job */

export class Queue {
  #width;
  #held = false;
  /** @type {Job[]} */
  #waiting = [];
  /** @type {Map<Job, AbortController>} */
  #running = new Map();

  /** @param {number} width most jobs at a time */
  constructor(width) {
    this.#width = width;
  }

  /** @param {Job} job */
  add(job) {
    job.waiting();
    this.#waiting.push(job);
    this.#next();
  }

  /** Put a job back in front: it was stopped by something that `release` ends. @param {Job} job */
  hold(job) {
    this.#held = true;
    job.waiting();
    this.#waiting.unshift(job);
  }

  release() {
    this.#held = false;
    this.#next();
  }

  /** Forget a job, or stop it where it runs; its work then rejects. @param {Job} job */
  cancel(job) {
    this.#waiting = this.#waiting.filter((other) => other !== job);
    this.#running.get(job)?.abort();
  }

  #next() {
    while (!this.#held && this.#running.size < this.#width && this.#waiting.length) {
      this.#run(/** @type {Job} */ (this.#waiting.shift()));
    }
  }

  async #run(job) {
    const controller = new AbortController();
    this.#running.set(job, controller);
    job.working();
    try {
      await job.work(controller.signal);
    } finally {
      this.#running.delete(job);
      this.#next();
    }
  }
}

/**
 * ASK again while the service says 429 or 503 and when to come back.
 * @template T @param {() => Promise<T>} ask @param {AbortSignal} signal @param {(seconds: number) => void} delayed
 * @returns {Promise<T>}
 */
export async function patiently(ask, signal, delayed) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      const busy = error.status === 429 || error.status === 503;
      if (!busy || error.retryAfter === null || error.retryAfter > LONGEST_WAIT_S || tries === TRIES) throw error;
      delayed(error.retryAfter);
      await pause(error.retryAfter, signal);
    }
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}
