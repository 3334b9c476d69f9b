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
/** An earlier arrival than any before is believed, by a hair each time: no step is heard or seen. */
const SOONER = 500;
/** Later ones may be a busy page's; believed is only what clocks can drift, 200 in a million. */
const LATER = 0.2;
/** Later than this for a whole span: the track itself has left something out. */
const LEFT_OUT = 80_000;

export class TrackClock {
  #since = null;
  #turn = 0;
  #last = 0;
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
    if (this.#since === null) this.#since = this.#turn = this.#last = now;
    if (now - this.#turn >= SPAN_MS) {
      this.#before = this.#fastest;
      this.#fastest = Infinity;
      this.#turn = now;
    }
    this.#fastest = Math.min(this.#fastest, now * 1000 - timestamp);
    if (this.ready) this.#follow(now);
    else {
      this.#offset = this.#fastest;
      this.ready = now - this.#since >= SETTLING_MS;
    }
    this.#last = now;
  }

  #follow(now) {
    const step = Math.min(this.#fastest, this.#before) - this.#offset;
    const drift = (now - this.#last) * LATER;
    if (step > LEFT_OUT && Number.isFinite(this.#before)) this.#offset += step;
    else this.#offset += Math.max(-SOONER, Math.min(drift, step));
  }

  /** @returns {number} whole microseconds on the page's clock */
  place(timestamp) {
    return Math.round(timestamp + this.#offset);
  }
}
