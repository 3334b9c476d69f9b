/** What a row of level readings means to a person. Pure: readings in, one word out. */

/** About -48 dB: a quiet room is below it, a voice at arm's length well above. */
const VOICE = 0.2;
const HOLD_MS = 2_500;
const LONG_MS = 12_000;

export class Hearing {
  /** "heard", "quiet", "muted", or "asleep" while the browser does not measure. */
  word = "asleep";
  /** Quiet for so long that it should be said. */
  long = false;
  #last = 0;
  #since = 0;

  /**
   * @param {number | null} level 0 to 1, null: not measured
   * @param {boolean} muted
   * @param {number} now milliseconds
   * @returns {boolean} whether the word or `long` changed
   */
  take(level, muted, now) {
    const before = `${this.word} ${this.long}`;
    if (level !== null && level > VOICE) this.#last = now;
    if (muted) this.word = "muted";
    else if (level === null) this.word = "asleep";
    else this.word = this.#last && now - this.#last < HOLD_MS ? "heard" : "quiet";
    if (this.word !== "quiet") this.#since = now;
    this.long = this.word === "quiet" && now - this.#since > LONG_MS;
    return before !== `${this.word} ${this.long}`;
  }
}
