// What stands between the viewer and the picture for a moment. Small lags are not worth a word: each
// is said only once it has lasted.

const OFFLINE_AFTER_MS = 1000;
const WAITING_AFTER_MS = 400;

export class Lags {
  /** @param {import("./player.js").StreamdPlayer} player */
  constructor(player) {
    this.player = player;
    this.isWaiting = false;
    this.isOffline = false;
  }

  /** The playhead ran dry. */
  waitSoon() {
    const { player } = this;
    clearTimeout(this.waitTimer);
    this.waitTimer = setTimeout(() => {
      this.isWaiting = player.wantsPlay && player.hasPicture && player.video.readyState < 3;
      player.requestUpdate();
    }, WAITING_AFTER_MS);
  }

  /** The connection broke. */
  offlineSoon() {
    if (this.isOffline) return;
    clearTimeout(this.offlineTimer);
    this.offlineTimer = setTimeout(() => {
      this.isOffline = true;
      this.player.requestUpdate();
    }, OFFLINE_AFTER_MS);
  }

  /** A path is joined. */
  joined() {
    clearTimeout(this.offlineTimer);
    this.isOffline = false;
  }

  /** There is a picture. */
  shown() {
    clearTimeout(this.waitTimer);
    this.isWaiting = false;
  }

  clear() {
    this.joined();
    this.shown();
  }
}
