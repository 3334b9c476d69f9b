/**
 * Puts a track's own timestamps on the page's clock.
 *
 * Browsers stamp pictures and sounds by different clocks (Chromium: since boot, since the page
 * began), so neither says when the other was. What they share is the moment at which they reach
 * this page. The fastest arrivals of the last seconds tell how far a track's clock is from ours.
 * Pure: timestamps and `now` in, timestamps out.
 */

const SPAN_MS = 5_000;
/** A young track's first arrivals may be late ones. */
const SETTLING_MS = 300;
/** How fast a better estimate is followed: by a hair, so that no step is heard or seen. */
const SLEW = 500;

export class TrackClock {
  #since = null;
  #turn = 0;
  #offset = null;
  #fastest = Infinity;
  #before = Infinity;

  /** Whether enough arrivals were seen. */
  ready = false;

  /**
   * Something of the track arrived.
   * @param {number} timestamp its own, microseconds
   * @param {number} now milliseconds
   */
  arrived(timestamp, now) {
    this.#since ??= now;
    if (now - this.#turn > SPAN_MS) {
      this.#before = this.#fastest;
      this.#fastest = Infinity;
      this.#turn = now;
    }
    this.#fastest = Math.min(this.#fastest, now * 1000 - timestamp);
    const best = Math.min(this.#fastest, this.#before);
    if (!this.ready) {
      this.#offset = best;
      this.ready = now - this.#since >= SETTLING_MS;
    } else {
      this.#offset += Math.max(-SLEW, Math.min(SLEW, best - this.#offset));
    }
  }

  /** @returns {number} whole microseconds on the page's clock */
  place(timestamp) {
    return Math.round(timestamp + this.#offset);
  }
}
