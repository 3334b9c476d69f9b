// When the player is on a path, and when it is on none: it joins what is on air, follows the
// broadcast from generation to generation, hangs up for whoever does not watch, and goes at the end.

const PAUSED_KEEPS_LINE_MS = 20_000;
const HIDDEN_KEEPS_LINE_MS = 60_000;
const FOLLOW_MS = 1000;
const MOST_FAREWELL_MS = 20_000;

export class Attendance {
  /** @param {import("./player.js").StreamdPlayer} player */
  constructor(player) {
    this.player = player;
    /** No path can carry this broadcast here, now or later. */
    this.hasFailed = false;
    this.isAsleep = false;
    this.onVisible = () => this.#seen();
    this.onOnline = () => this.#lineIsBack();
  }

  start() {
    document.addEventListener("visibilitychange", this.onVisible);
    addEventListener("online", this.onOnline);
  }

  stop() {
    document.removeEventListener("visibilitychange", this.onVisible);
    removeEventListener("online", this.onOnline);
    clearTimeout(this.sleep);
    this.leave();
  }

  /** The stream's state or generation is another one. */
  follow() {
    const { player } = this;
    player.router.follow(player.stream?.gen);
    if (player.isOnAir) {
      clearTimeout(this.farewell);
      const isWanted = player.wantsPlay && !this.hasFailed && !this.isAsleep;
      if (!player.route && isWanted) this.join();
      else this.#followGeneration();
    } else if (player.route) {
      this.#endSoon();
    }
  }

  join() {
    if (!this.player.router.join()) this.#nothingWorks();
    this.player.requestUpdate();
  }

  /** Takes no path any more until there is something to join. */
  leave() {
    const { player } = this;
    for (const timer of [this.hangUp, this.again, this.farewell]) clearTimeout(timer);
    player.lags.clear();
    player.router.leave();
    if (player.wantsPlay && !this.isAsleep) player.hasPicture = false;
    player.captions.clear();
    player.requestUpdate();
  }

  /** The viewer wants to watch on. */
  resume() {
    clearTimeout(this.hangUp);
    if (!this.player.route) this.join();
  }

  /** The viewer has paused: the line is kept for a while. */
  pause() {
    clearTimeout(this.hangUp);
    this.hangUp = setTimeout(() => this.leave(), PAUSED_KEEPS_LINE_MS);
  }

  /** Begins anew, as if nothing had failed. */
  retry() {
    this.hasFailed = false;
    this.player.router.choice.forget();
    this.leave();
    if (this.player.isOnAir) this.join();
  }

  /** A path gave up; `to` took its place, or nothing could. */
  fellBack(from, to, reason) {
    if (!to) this.#nothingWorks();
    else if (from.path !== "dvr") this.player.notice.fellBack(from, to, reason);
    this.player.requestUpdate();
  }

  // Nothing may be tried now; what merely broke is tried again by itself.
  #nothingWorks() {
    const { player } = this;
    const { waitMs } = player.router;
    this.hasFailed = waitMs === Infinity;
    player.lags.isOffline = !this.hasFailed;
    clearTimeout(this.again);
    if (this.hasFailed) return;
    this.again = setTimeout(() => {
      if (player.route || !player.wantsPlay || !player.isOnAir) return;
      this.join();
    }, waitMs);
  }

  // The tail is still in the buffer: let it play out, then say that it is over.
  #endSoon() {
    const { player } = this;
    clearTimeout(this.farewell);
    if (player.path === "dvr") return; // the past goes on; its own end is the end
    const tail = Math.min(MOST_FAREWELL_MS, player.route.bufferMs + 300);
    this.farewell = setTimeout(() => this.leave(), tail);
  }

  // The feed may know of a new generation, or of a broadcast that is back, before the media socket
  // does; it gets a moment to find out by itself.
  #followGeneration() {
    const { player } = this;
    const { route } = player;
    if (!route || route.name === "dvr") return;
    const isBehind = () => {
      const gen = player.stream?.gen;
      return !route.isJoined || (route.gen && gen && route.gen !== gen);
    };
    if (!isBehind()) return;
    setTimeout(() => {
      if (player.route === route && player.isOnAir && isBehind()) route.rejoin();
    }, FOLLOW_MS);
  }

  #lineIsBack() {
    const { player } = this;
    if (!player.lags.isOffline || !player.stream) return;
    player.router.choice.forget();
    if (player.route) player.route.rejoin();
    else if (player.isOnAir) this.join();
  }

  // A muted tab that nobody looks at hangs up after a while and is live again when it is looked at.
  #seen() {
    const { player } = this;
    clearTimeout(this.sleep);
    if (document.hidden) {
      const isUnheard = player.video.muted && document.pictureInPictureElement !== player.video;
      if (!player.route || !isUnheard) return;
      this.sleep = setTimeout(() => this.#fallAsleep(), HIDDEN_KEEPS_LINE_MS);
      return;
    }
    if (this.isAsleep) {
      this.isAsleep = false;
      if (player.wantsPlay && player.isOnAir) this.join();
    } else if (player.wantsPlay && player.route) {
      if (player.path !== "dvr") player.route.catchUp();
      player.play();
    }
  }

  #fallAsleep() {
    this.isAsleep = true;
    this.leave();
  }
}
