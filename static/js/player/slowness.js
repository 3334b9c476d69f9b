// A connection too slow for the picture: when to say so, and when to offer the data saver.
// Pure: `now` in milliseconds.

const LOOK_BACK_MS = 60_000;
const SKIPS_BEFORE_OFFER = 3;
const QUIET_AFTER_NO_MS = 600_000;

export class Slowness {
  constructor() {
    this.skips = [];
    this.quietUntil = 0;
  }

  /**
   * The server passed over parts for us.
   * @returns {"told"|"offer"} what the viewer is shown
   */
  skipped(now) {
    this.skips = [...this.skips.filter((at) => at > now - LOOK_BACK_MS), now].slice(-10);
    const often = this.skips.length >= SKIPS_BEFORE_OFFER && now >= this.quietUntil;
    return often ? "offer" : "told";
  }

  /** The viewer answered the offer: it does not come again soon. */
  answered(now) {
    this.skips = [];
    this.quietUntil = now + QUIET_AFTER_NO_MS;
  }
}
