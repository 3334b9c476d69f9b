/** Reads the broadcast's own numbers once a second, and keeps the last minute of them. */

import { Word, sample, verdict } from "./health.js";

const PERIOD_MS = 1_000;
const KEPT = 60;

export class Gauge {
  /** @type {import("./health.js").Sample[]} oldest first */
  samples = [];
  word = Word.MEASURING;
  #since = 0;
  #timer = 0;
  #stats;
  #about;
  #onchange;

  /**
   * @param {() => Promise<RTCStatsReport | null>} stats
   * @param {() => {target: number, receiving: boolean}} about what the verdict is measured against
   * @param {() => void} onchange
   */
  constructor(stats, about, onchange) {
    this.#stats = stats;
    this.#about = about;
    this.#onchange = onchange;
  }

  /** Starts, or starts judging anew after a change that the rate has to follow first. */
  start() {
    this.#since = performance.now();
    this.word = Word.MEASURING;
    clearTimeout(this.#timer);
    this.#read();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** Forgets the minute: the next session counts its bytes from zero. */
  clear() {
    this.stop();
    this.samples = [];
    this.word = Word.MEASURING;
  }

  async #read() {
    const turn = setTimeout(() => this.#read(), PERIOD_MS);
    this.#timer = turn;
    const report = await this.#stats();
    if (!report || turn !== this.#timer) return;
    const fresh = sample(this.samples.at(-1) ?? null, report, performance.now());
    if (fresh) this.samples = [...this.samples, fresh].slice(-KEPT);
    this.word = verdict(this.samples, {
      since: this.#since,
      now: performance.now(),
      ...this.#about(),
    });
    this.#onchange();
  }
}
