// Once a second: is anything moving, how late is it, and what does it take from the line?

import { Meter } from "./meter.js";

const TICK_MS = 1000;
/** Latencies nearer to each other than this are one that wavers, and are shown smoothed. */
const NEAR_MS = 1000;
const SMOOTH = 0.4;

export class Pulse {
  /** @param {import("./player.js").StreamdPlayer} player */
  constructor(player) {
    this.player = player;
    this.meter = new Meter();
    /** Milliseconds behind live as the badge says it, null while unknown. */
    this.latency = null;
  }

  start() {
    this.ticks = setInterval(() => this.#tick(), TICK_MS);
  }

  stop() {
    clearInterval(this.ticks);
  }

  #tick() {
    const { player } = this;
    this.meter.read(performance.now(), player.route);
    player.router.tick(this.#mark());
    const { latencyMs } = player.stats;
    if (latencyMs !== null && player.phase === "playing") {
      const isNear = this.latency !== null && Math.abs(this.latency - latencyMs) < NEAR_MS;
      this.latency = isNear ? this.latency * (1 - SMOOTH) + latencyMs * SMOOTH : latencyMs;
    }
    if (player.route) player.requestUpdate();
  }

  // What must change from second to second while a broadcast is watched; null where nothing need.
  #mark() {
    const { player } = this;
    const { video, mode } = player;
    const isWatched = player.wantsPlay && !player.isBlocked && !document.hidden && navigator.onLine;
    const isSilentSaver = mode === "audio" && !player.hasAudio;
    if (!isWatched || player.stream?.state !== "live" || isSilentSaver) return null;
    if (video.paused && player.hasPicture) player.play();
    const { framesDecoded } = player.stats;
    return player.hasVideo && mode === "video" && player.hasPicture
      ? `${framesDecoded} ${video.videoWidth}`
      : `${framesDecoded} ${video.currentTime}`;
  }
}
