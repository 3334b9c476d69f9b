// The broadcast's clock on this page: the Unix time of the picture on screen. Without a picture that
// moves (paused, not allowed to play, a page of polls alone) the wall clock goes on for it, as far
// behind as this viewer was; so nobody waits for ever.

import { serverNow } from "../page.js";

const LOOK_MS = 100;
/** A picture that stands this long has stopped. */
const STILL_SECONDS = 1;
/** While the first picture may yet come, a viewer is taken to be this far behind live at most. */
const MOST_BEHIND_SECONDS = 12;
const FIRST_PICTURE_SECONDS = 5;
/** After a picture the timer leaves the next one alone for so long: sound may run ahead of it. */
const PICTURES_MS = 1000;

/** The rule. Pure: times are given, in Unix seconds. */
export class Behind {
  /** @param {number} now when the page was there */
  constructor(now) {
    this.since = now;
    /** How far live itself is behind the wall clock. */
    this.lag = 0;
    this.measured = null;
    this.shown = null;
    this.movedAt = -Infinity;
  }

  /** @param {number|null} shown the picture's time, null where there is none */
  time(shown, now) {
    if (shown !== null && shown !== this.shown) {
      this.shown = shown;
      this.movedAt = now;
      this.measured = now - shown;
    }
    if (shown !== null && now - this.movedAt < STILL_SECONDS) return shown;
    return now - (this.measured ?? this.#guess(now));
  }

  #guess(now) {
    return this.lag + (now - this.since < FIRST_PICTURE_SECONDS ? MOST_BEHIND_SECONDS : 0);
  }
}

export class PictureClock {
  /**
   * @param {import("./player.js").StreamdPlayer|null} player null on a page without a picture
   * @param {() => void} onPicture called as each picture comes on screen, or ten times a second
   */
  constructor(player, onPicture) {
    this.player = player;
    this.onPicture = onPicture;
    this.behind = new Behind(player ? serverNow() : -Infinity);
    this.paintedAt = -Infinity;
    this.now = serverNow();
    this.time = this.behind.time(null, this.now);
    if (player?.video.requestVideoFrameCallback) this.#await();
    setInterval(() => this.#tick(), LOOK_MS);
  }

  /** The broadcast's delay and what else live is behind, as the server tells it. */
  set lag(seconds) {
    this.behind.lag = seconds;
  }

  #await() {
    this.player.video.requestVideoFrameCallback((_now, metadata) => {
      this.paintedAt = performance.now();
      this.#show(pictureTime(this.player, metadata));
      this.#await();
    });
  }

  // Hidden pages and sound alone have no pictures to go by.
  #tick() {
    if (performance.now() - this.paintedAt < PICTURES_MS) return;
    this.#show(this.player?.clock ?? null);
  }

  #show(shown) {
    this.now = serverNow();
    this.time = this.behind.time(shown, this.now);
    this.onPicture();
  }
}

/** The Unix time of a picture of requestVideoFrameCallback, or null. */
function pictureTime(player, metadata) {
  const { clock, route, video } = player;
  if (route?.pictureTime) return route.pictureTime(metadata);
  return clock === null ? null : clock + metadata.mediaTime - video.currentTime;
}
