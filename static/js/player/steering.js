// Keeps the player close behind live without ever stuttering for it. Pure: it is told how much
// media lies ahead of the playhead and answers with a playback rate, or with "jump".
//
// Measured in Chromium: with audio a target of 120 ms plays smoothly, 100 ms ran dry every few
// seconds. So the *lowest* reading of the last moments is steered to the target, which leaves room
// for parts that arrive in lumps, and every stall asks for more room for a while. A lump is the
// time that one part covers: right after one has come that much more lies ahead.

export const TARGET_SECONDS = { audio: 0.12, video: 0.08, saver: 0.5 };
/** Speech alone: faster than this is heard. */
export const SAVER_FASTEST = 1.15;
const SLOWEST = 0.9;
const FASTEST = 1.5;
const STEP = 0.05;
const JUMP_SECONDS = 1.5;
const LOOK_BACK_MS = 400;
const LUMPS_LOOKED_BACK = 3;
const STALL_ADDS_SECONDS = 0.08;
const MOST_EXTRA_SECONDS = 0.8;
const CALM_MS = 20_000;

export class Steering {
  /**
   * @param {number} target seconds of media to keep ahead of the playhead
   * @param {number} lump seconds that one part covers
   * @param {number} fastest the most that the playback rate may be
   */
  constructor(target, lump = 0, fastest = FASTEST) {
    this.base = target;
    this.lump = lump;
    this.fastest = fastest;
    this.lookBackMs = Math.max(LOOK_BACK_MS, LUMPS_LOOKED_BACK * 1000 * lump);
    this.extra = 0;
    this.readings = [];
    this.calmSince = 0;
  }

  /** Seconds of media kept ahead of the playhead just now, even right before the next part. */
  get target() {
    return this.base + this.extra;
  }

  /** Where to land behind the end of what is there: until the next part comes a lump is played. */
  get landing() {
    return this.target + this.lump;
  }

  /** The playhead ran dry: keep more ahead from now on. `now` in milliseconds. */
  stalled(now) {
    this.extra = Math.min(MOST_EXTRA_SECONDS, this.extra + STALL_ADDS_SECONDS);
    this.calmSince = now;
    this.readings = [];
  }

  /** The playhead was moved: earlier readings say nothing any more. */
  moved() {
    this.readings = [];
  }

  /**
   * @param {number} now milliseconds
   * @param {number} ahead seconds of media ahead of the playhead
   * @returns {{rate: number, jump: boolean}} jump: move to `landing` seconds before the end
   */
  observe(now, ahead) {
    this.#calm(now);
    this.readings.push({ now, ahead });
    while (this.readings[0].now < now - this.lookBackMs) this.readings.shift();
    const lowest = Math.min(...this.readings.map((reading) => reading.ahead));
    const excess = lowest - this.target;
    if (excess > JUMP_SECONDS) return { rate: 1, jump: true };
    // Until one more lump has come, the lowest reading is yet to be seen.
    if (excess > 0 && now - this.readings[0].now < this.lump * 1000) return { rate: 1, jump: false };
    const wanted = excess > 0 ? 1 + excess : 1 + 2 * excess;
    const stepped = Math.round(wanted / STEP) * STEP;
    return { rate: Math.min(this.fastest, Math.max(SLOWEST, Number(stepped.toFixed(2)))), jump: false };
  }

  #calm(now) {
    if (this.extra === 0 || now - this.calmSince < CALM_MS) return;
    this.extra = Math.max(0, this.extra - STALL_ADDS_SECONDS / 2);
    this.calmSince = now;
  }
}
