/**
 * What to do about an upload that falls behind. Pure: readings in, decisions out.
 *
 * A WebSocket never loses anything, so what is too much piles up, in the page and in every buffer
 * up to the server. How far the server is behind is known from its `seen` messages.
 */

const DROP_MS = 1_500;
const EASE_MS = 800;
const CLEAR_MS = 500;
const CALM_MS = 4_000;
const EASE_EVERY_MS = 1_000;
const LOWEST = 150_000;

export class Pressure {
  /** bit/s to encode pictures with. */
  bitrate;
  /** Pictures are left out until the line is clear. */
  dropping = false;
  #goal;
  #eased = 0;
  #calmSince = null;

  /** @param {number} goal bit/s of the chosen quality */
  constructor(goal) {
    this.bitrate = this.#goal = goal;
  }

  /** Another quality was chosen. */
  aim(goal) {
    this.bitrate = Math.round(goal * (this.bitrate / this.#goal));
    this.#goal = goal;
  }

  get held() {
    return this.dropping || this.bitrate < this.#goal * 0.95;
  }

  /**
   * @param {number} behind milliseconds between what was encoded and what the server has
   * @param {number} now milliseconds
   * @returns {boolean} whether the line is clear again: go on with a keyframe
   */
  take(behind, now) {
    if (behind >= CLEAR_MS) this.#calmSince = null;
    else this.#calmSince ??= now;
    if (this.dropping) {
      if (behind >= CLEAR_MS) return false;
      this.dropping = false;
      return true;
    }
    if (behind >= DROP_MS) {
      this.dropping = true;
      this.#lower(0.5, now);
    } else if (behind >= EASE_MS && now - this.#eased >= EASE_EVERY_MS) this.#lower(0.8, now);
    else if (this.#calmSince !== null && now - this.#calmSince >= CALM_MS) this.#raise(now);
    return false;
  }

  #lower(factor, now) {
    this.bitrate = Math.max(Math.min(LOWEST, this.#goal), Math.round(this.bitrate * factor));
    this.#eased = now;
  }

  #raise(now) {
    this.bitrate = Math.min(this.#goal, Math.round(this.bitrate * 1.15));
    this.#calmSince = now - CALM_MS / 2;
  }
}
