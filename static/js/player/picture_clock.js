// The broadcast's clock on this page: the Unix time of the picture on screen. Without a picture that
// moves (paused, not allowed to play, a page of polls alone) the wall clock goes on for it, as far
// behind as this viewer was. Who waits for media falls behind meanwhile: his picture is yet to come,
// and the clock stands as it does; for WAIT_SECONDS at most, so nobody waits for ever.

import { serverNow } from "../page.js";

const LOOK_MS = 100;
/** A picture that stands this long has stopped. */
const STILL_SECONDS = 1;
/** Whoever has waited longer for media is no longer taken to get it. */
const WAIT_SECONDS = 30;
/** While the first picture may yet come, a viewer is taken to be this far behind live at most. */
const MOST_BEHIND_SECONDS = 12;
const FIRST_PICTURE_SECONDS = 5;
/** After a picture the timer leaves the next one alone for so long: sound may run ahead of it. */
const PICTURES_MS = 3000;
/** A timer that comes so late found the page standing: what was shown meanwhile is told first. */
const STOOD_MS = 500;

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

  /**
   * @param {number|null} shown the picture's time, null where there is none
   * @param {boolean} isWaiting the next picture waits for media
   */
  time(shown, now, isWaiting = false) {
    if (shown !== null && shown !== this.shown) {
      this.shown = shown;
      this.movedAt = now;
      this.measured = now - shown;
    } else if (isWaiting && this.shown !== null && now - this.movedAt < WAIT_SECONDS) {
      this.measured = now - this.shown;
    }
    if (shown !== null && now - this.movedAt < STILL_SECONDS) return shown;
    return now - (this.measured ?? this.#guess(now, isWaiting));
  }

  #guess(now, isWaiting) {
    const isToCome = now - this.since < (isWaiting ? WAIT_SECONDS : FIRST_PICTURE_SECONDS);
    return this.lag + (isToCome ? MOST_BEHIND_SECONDS : 0);
  }
}

/**
 * Whether the next picture waits for media: the viewer wants it, and the broadcast has it. A
 * WebRTC picture that stands does not: the next one is as near to live as the last.
 * @param {import("./player.js").StreamdPlayer|null} player
 */
export function isWaiting(player, isHidden = document.hidden) {
  if (!player?.route || !player.wantsPlay || player.isBlocked || isHidden) return false;
  if (player.stream?.state !== "live" && player.path !== "dvr") return false;
  return player.video.seeking || player.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
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
    this.lookedAt = performance.now();
    this.hasYielded = false;
    this.isWaiting = false;
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

  // Hidden pages, sound alone and a picture that stands have no pictures to go by.
  #tick() {
    const now = performance.now();
    this.hasYielded = now - this.lookedAt > STOOD_MS && !this.hasYielded;
    this.lookedAt = now;
    const wait = arePictures(this.player) ? PICTURES_MS : STILL_SECONDS * 1000;
    if (this.hasYielded || now - this.paintedAt < wait) return;
    this.#show(this.player?.clock ?? null);
  }

  #show(shown) {
    this.now = serverNow();
    this.isWaiting = isWaiting(this.player);
    this.time = this.behind.time(shown, this.now, this.isWaiting);
    this.onPicture();
  }
}

/** True where the browser may be expected to tell of the next picture. */
function arePictures(player) {
  if (document.hidden || !player?.video.requestVideoFrameCallback) return false;
  const { hasVideo, mode, path, video } = player;
  return path !== null && mode === "video" && hasVideo && !video.paused;
}

/** The Unix time of a picture of requestVideoFrameCallback, or null. */
function pictureTime(player, metadata) {
  const { clock, route, video } = player;
  if (route?.pictureTime) return route.pictureTime(metadata);
  return clock === null ? null : clock + metadata.mediaTime - video.currentTime;
}
