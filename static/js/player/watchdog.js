// Never a stuck viewer: notices when nothing moves though it should. Pure: `now` in milliseconds.

const REBUILD_MS = 8000;
const FALL_BACK_MS = 18_000;
// A line that is merely narrow gets longer: to begin again would begin with the same bytes.
const NARROW_TIMES = 2;

export class Watchdog {
  constructor(rebuildMs = REBUILD_MS, fallBackMs = FALL_BACK_MS) {
    this.rebuildMs = rebuildMs;
    this.fallBackMs = fallBackMs;
    this.reset();
  }

  /** Another path starts, or nothing is to be expected: the time counts from the next look. */
  reset() {
    this.mark = null;
    this.since = null;
    this.hasBarked = false;
  }

  /**
   * @param {string|number} mark changes with every picture or sound that is played
   * @param {boolean} arrives true where bytes have come in since the last look
   * @returns {"slow"|"rebuild"|"fall back"|null}
   */
  look(now, mark, arrives) {
    if (this.since === null || mark !== this.mark) {
      this.mark = mark;
      this.since = now;
      this.hasBarked = false;
      return null;
    }
    const still = now - this.since;
    if (still >= this.fallBackMs * (arrives ? NARROW_TIMES : 1)) {
      this.reset();
      return "fall back";
    }
    if (still < this.rebuildMs || this.hasBarked) return null;
    this.hasBarked = true;
    return arrives ? "slow" : "rebuild";
  }
}
