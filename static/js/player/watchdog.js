// Never a stuck viewer: notices when nothing moves though it should. Pure: `now` in milliseconds.

const REBUILD_MS = 8000;
const FALL_BACK_MS = 18_000;

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
    this.hasRebuilt = false;
  }

  /**
   * @param {string|number} mark changes with every picture or sound that is played
   * @returns {"rebuild"|"fall back"|null}
   */
  look(now, mark) {
    if (this.since === null || mark !== this.mark) {
      this.mark = mark;
      this.since = now;
      this.hasRebuilt = false;
      return null;
    }
    const still = now - this.since;
    if (still >= this.fallBackMs) {
      this.reset();
      return "fall back";
    }
    if (still >= this.rebuildMs && !this.hasRebuilt) {
      this.hasRebuilt = true;
      return "rebuild";
    }
    return null;
  }
}
