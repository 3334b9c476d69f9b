/**
 * Makes certain that a broadcast which has ended here ends at the server too: a session that was
 * lost cannot be deleted, and without a word the server has its viewers wait for it.
 */

import { page } from "../page.js";

const AGAIN_MS = 500;
const MOST_AGAIN_MS = 2_000;
const ANSWER_MS = 5_000;
/** By then the server has given up waiting by itself. */
const PATIENCE_MS = 40_000;
/** "Somebody broadcasts" is our own lost session for so long, and from then on another device. */
const OURS_MS = 12_000;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Farewell {
  /** The last question got no answer, or a server that cannot just now. */
  unanswered = false;

  #path;
  #key;
  #onchange;
  #run = 0;

  /**
   * @param {string} stream the stream's id
   * @param {() => string} key
   * @param {() => void} onchange
   */
  constructor(stream, key, onchange) {
    this.#path = `/api/v1/streams/${encodeURIComponent(stream)}/end?lang=${page.lang}`;
    this.#key = key;
    this.#onchange = onchange;
  }

  /**
   * Asks until the server says that the broadcast is over, or nothing is to be gained by asking.
   * The first request leaves at once and outlives the page.
   */
  async say() {
    const run = ++this.#run;
    const since = performance.now();
    for (let wait = AGAIN_MS; ; wait = Math.min(MOST_AGAIN_MS, 2 * wait)) {
      const status = await this.#ask();
      if (run !== this.#run) return;
      const spent = performance.now() - since;
      const isUnanswered = status === 0 || status >= 500;
      this.#tell(isUnanswered && spent < PATIENCE_MS);
      if (!isUnanswered && (status !== 409 || spent > OURS_MS)) return;
      if (spent > PATIENCE_MS) return;
      await pause(status === 409 ? AGAIN_MS : wait);
      if (run !== this.#run) return;
    }
  }

  /** The next broadcast begins. */
  cancel() {
    this.#run += 1;
    this.#tell(false);
  }

  /** @returns {Promise<number>} the status, 0 without an answer */
  async #ask() {
    try {
      const response = await fetch(this.#path, {
        method: "POST",
        headers: { Authorization: `Bearer ${this.#key()}` },
        keepalive: true,
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      return response.status;
    } catch {
      return 0;
    }
  }

  #tell(unanswered) {
    if (unanswered === this.unanswered) return;
    this.unanswered = unanswered;
    this.#onchange();
  }
}
