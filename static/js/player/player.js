// <streamd-player>: one live stream, by whichever path works here (path.js), in pictures or, as the
// data saver, in sound and stills.
//
// Tests read `.video`, `.path` ("ws", "hls", "whep", "dvr" or null), `.mode`, `.phase` and `.stats`.

import { LitElement, html, nothing } from "../../vendor/lit.js";
import { serverNow } from "../page.js";
import { Attention } from "./attention.js";
import { CaptionLayer } from "./caption_layer.js";
import { CHOICES } from "./choice.js";
import * as controls from "./controls.js";
import { DvrPath } from "./dvr.js";
import { recall, remember } from "./memory.js";
import * as menu from "./menu.js";
import { Meter } from "./meter.js";
import { Notice } from "./notice.js";
import { Rewind } from "./rewind.js";
import { Router } from "./router.js";
import { Still } from "./still.js";
import { styles } from "./styles.js";
import * as views from "./views.js";

const TICK_MS = 1000;
const PAUSED_KEEPS_LINE_MS = 20_000;
const HIDDEN_KEEPS_LINE_MS = 60_000;
const OFFLINE_AFTER_MS = 1000;
const WAITING_AFTER_MS = 400;
const FOLLOW_MS = 1000;
const ON_AIR = ["live", "stalled"];

export class StreamdPlayer extends LitElement {
  static styles = styles;

  static properties = {
    stream: { attribute: false },
    feedUrl: { attribute: "feed-url" },
    hlsUrl: { attribute: "hls-url" },
    whepUrl: { attribute: "whep-url" },
    preferred: {},
    variant: { reflect: true },
  };

  constructor() {
    super();
    const kept = recall();
    this.stream = null;
    this.feedUrl = "";
    this.hlsUrl = "";
    this.whepUrl = "";
    this.preferred = kept.choice ?? "auto";
    this.variant = "full";
    this.video = document.createElement("video");
    Object.assign(this.video, { muted: true, playsInline: true, autoplay: true, tabIndex: -1 });
    if (kept.volume) this.video.volume = kept.volume;
    this.video.setAttribute("part", "video");
    this.still = new Still(this.video, () => this.#shown());
    this.notice = new Notice(this);
    this.attention = new Attention(this);
    this.meter = new Meter();
    this.router = new Router(this.#host());
    this.rewind = new Rewind(this, DvrPath);
    this.captions = new CaptionLayer(this, kept.captions);
    this.wantsPlay = true;
    this.hasPicture = false;
    this.hasAudio = false;
    this.hasVideo = true;
    this.soundSettled = false;
    this.choosing = false;
    this.isFull = false;
    this.shownLatency = null;
    this.firstPictureMs = null;
    this.#listen();
  }

  /** The path that is taken, or null. */
  get route() {
    return this.router.route;
  }

  /** Its name, or null while there is nothing to play. */
  get path() {
    return this.route ? this.route.name : null;
  }

  /** "video", or "audio" in the data saver. */
  get mode() {
    return this.router.option?.mode ?? "video";
  }

  /** Media time of the picture shown, in seconds; null where the path cannot tell. */
  get mediaTime() {
    return this.route?.mediaTime ?? null;
  }

  /** The same on the broadcast's clock, in Unix seconds. */
  get clock() {
    if (this.route?.at !== undefined) return this.route.at;
    const started = this.stream?.started_at;
    return started && this.mediaTime !== null ? started + this.mediaTime : null;
  }

  /** Numbers for the badge and for tests; times in milliseconds, latencyMs null while unknown. */
  get stats() {
    const { route, video } = this;
    const quality = video.getVideoPlaybackQuality?.();
    return {
      framesDecoded: quality ? quality.totalVideoFrames : 0,
      framesDropped: quality ? quality.droppedVideoFrames : 0,
      latencyMs: route && this.hasPicture ? route.latencyMs(this.stream?.started_at, serverNow()) : null,
      bufferMs: route ? route.bufferMs : 0,
      rebuffers: route ? route.rebuffers : 0,
      rate: video.playbackRate,
      firstPictureMs: this.firstPictureMs,
      bytesPerSecond: this.meter.bytesPerSecond,
    };
  }

  /** What the viewer is looking at, in one word. */
  get phase() {
    const state = this.stream?.state ?? "idle";
    if (this.isFailed) return "failed";
    if (state === "idle") return "idle";
    if (state === "ended" && !this.route) return "ended";
    if (this.isOffline) return "offline";
    if (this.isBlocked) return "blocked";
    if (!this.hasPicture) return "loading";
    if (!this.wantsPlay) return "paused";
    if (state === "stalled" && this.path !== "dvr") return "stalled";
    return this.isWaiting ? "buffering" : "playing";
  }

  /** True where there is a broadcast to join. */
  get isOnAir() {
    return ON_AIR.includes(this.stream?.state);
  }

  /** True where there is sound to hear and nothing to see. */
  get isBlind() {
    return this.hasPicture && !this.hasVideo && this.still.canvas.hidden;
  }

  connectedCallback() {
    super.connectedCallback();
    this.ticks = setInterval(() => this.#tick(), TICK_MS);
    document.addEventListener("visibilitychange", this.onVisible);
    document.addEventListener("fullscreenchange", this.onFullscreen);
    addEventListener("online", this.onOnline);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.ticks);
    document.removeEventListener("visibilitychange", this.onVisible);
    document.removeEventListener("fullscreenchange", this.onFullscreen);
    removeEventListener("online", this.onOnline);
    clearTimeout(this.sleep);
    this.leave();
  }

  willUpdate(changed) {
    if (changed.has("preferred")) {
      const isOurs = this.variant === "full" && CHOICES.includes(this.preferred);
      this.router.choose(isOurs ? this.preferred : "auto");
    }
    if (!changed.has("stream")) return;
    this.router.follow(this.stream?.gen);
    if (this.isOnAir) {
      clearTimeout(this.farewell);
      if (!this.route && this.wantsPlay && !this.isFailed && !this.isAsleep) this.#join();
      else this.#followGeneration();
    } else if (this.route) {
      this.#endSoon();
    }
  }

  render() {
    const chrome = this.variant === "full";
    return html`
      ${this.video}${this.still.canvas} ${chrome ? views.state(this) : nothing}
      ${chrome ? this.captions.template() : nothing}
      ${chrome && this.route ? html`${controls.soundPrompt(this)}${controls.bar(this)}` : nothing}
      ${chrome ? html`${views.top(this)}${this.notice.template()}` : nothing}
      ${chrome && this.choosing ? menu.template(this) : nothing}
    `;
  }

  updated() {
    this.rewind.paint();
  }

  // ---- what the controls do ----

  toggle() {
    this.wantsPlay = !this.wantsPlay || Boolean(this.isBlocked);
    this.isBlocked = false;
    this.video.autoplay = this.wantsPlay; // a MediaSource built while paused must not start
    clearTimeout(this.hangUp);
    if (this.wantsPlay) {
      if (this.path !== "dvr") this.route?.catchUp();
      if (!this.route) this.#join();
      this.#play();
    } else {
      this.video.pause();
      this.hangUp = setTimeout(() => this.leave(), PAUSED_KEEPS_LINE_MS);
    }
    this.requestUpdate();
  }

  toggleSound() {
    this.soundSettled = true;
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 1;
    this.requestUpdate();
  }

  setVolume(volume) {
    this.soundSettled = true;
    this.video.volume = volume;
    this.video.muted = volume === 0;
    if (volume > 0) remember({ volume });
    this.requestUpdate();
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.requestFullscreen) this.requestFullscreen().catch(() => {});
    else this.video.webkitEnterFullscreen?.(); // iPhone: only the video itself may
  }

  choose(isOpen) {
    this.choosing = isOpen;
    this.requestUpdate();
  }

  /** The viewer's choice (choice.js), kept for the next visit. The picture stays meanwhile. */
  take(choice) {
    this.preferred = choice;
    remember({ choice });
    this.notice.clear();
    this.isFailed = false;
    const isOther = this.router.choose(choice);
    if (!isOther && !this.route && this.isOnAir) this.#join();
    this.requestUpdate();
  }

  /** A caption on the broadcast's clock (captions.js). The same id again replaces it. */
  cue(cue) {
    this.captions.put(cue);
  }

  retry() {
    this.isFailed = false;
    this.router.choice.forget();
    this.leave();
    if (this.isOnAir) this.#join();
    this.requestUpdate();
  }

  // ---- joining and leaving ----

  #host() {
    return {
      what: (mode) => ({
        video: this.video,
        url: this.feedUrl,
        hls: this.hlsUrl,
        whep: this.whepUrl,
        stream: this.stream?.id ?? "",
        sound: this.variant === "full",
        mode,
      }),
      events: (isCurrent) => this.#events(isCurrent),
      beforeSwitch: () => this.still.hold(),
      isOnAir: () => this.isOnAir,
      onOver: () => this.leave(),
      onSlow: () => this.notice.slow(),
      onFallback: (from, to, reason) => this.#fellBack(from, to, reason),
    };
  }

  #join() {
    if (!this.router.join()) this.#nothingWorks();
    this.requestUpdate();
  }

  #events(isCurrent) {
    const asked = performance.now();
    this.firstPictureMs = null;
    this.video.requestVideoFrameCallback?.((shown) => {
      if (isCurrent()) this.firstPictureMs = Math.round(shown - asked);
    });
    const current = (act) => (given) => {
      if (!isCurrent()) return;
      act(given);
      this.requestUpdate();
    };
    return {
      onJoin: current((facts) => this.#joined(facts)),
      onReplace: current(() => this.still.hold()),
      onPlaying: current(() => this.#play()),
      onWaiting: current(() => this.#waitSoon()),
      onLost: current(() => this.#offlineSoon()),
      onRefused: current(() => this.#offlineSoon()),
      onGiveUp: current((reason = "network") => this.router.giveUp(reason)),
      onSkipped: current(() => this.notice.skipped()),
      onStill: current((still) => this.still.show(still)),
    };
  }

  #joined({ audio, video = true }) {
    this.hasAudio = audio;
    this.hasVideo = video;
    if (!video && this.mode === "video") this.still.release();
    clearTimeout(this.offlineTimer);
    this.isOffline = false;
    this.rewind.look();
  }

  #play() {
    if (!this.wantsPlay) return;
    this.video.play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      this.isBlocked = true;
      this.requestUpdate();
    });
  }

  #fellBack(from, to, reason) {
    if (!to) this.#nothingWorks();
    else if (from.path !== "dvr") this.notice.fellBack(from, to, reason);
    this.requestUpdate();
  }

  // Nothing may be tried now; what merely broke is tried again by itself.
  #nothingWorks() {
    const { waitMs } = this.router;
    this.isFailed = waitMs === Infinity;
    this.isOffline = !this.isFailed;
    clearTimeout(this.again);
    if (this.isFailed) return;
    this.again = setTimeout(() => {
      if (this.route || !this.wantsPlay || !this.isOnAir) return;
      this.#join();
    }, waitMs);
  }

  /** Takes no path any more until there is something to join. */
  leave() {
    clearTimeout(this.hangUp);
    clearTimeout(this.waitTimer);
    clearTimeout(this.again);
    clearTimeout(this.offlineTimer);
    clearTimeout(this.farewell);
    this.router.leave();
    this.hasPicture = this.wantsPlay && !this.isAsleep ? false : this.hasPicture;
    this.isWaiting = false;
    this.isOffline = false;
    this.captions.clear();
    this.requestUpdate();
  }

  // The tail is still in the buffer: let it play out, then say that it is over.
  #endSoon() {
    clearTimeout(this.farewell);
    if (this.path === "dvr") return; // the past goes on; its own end is the end
    this.farewell = setTimeout(() => this.leave(), Math.min(20_000, this.route.bufferMs + 300));
  }

  // The feed may know of a new generation, or of a broadcast that is back, before the media socket
  // does; it gets a moment to find out by itself.
  #followGeneration() {
    const { route } = this;
    if (!route || route.name === "dvr") return;
    const isBehind = () => !route.isJoined || (route.gen && this.stream?.gen && route.gen !== this.stream.gen);
    if (!isBehind()) return;
    setTimeout(() => {
      if (this.route === route && this.isOnAir && isBehind()) route.rejoin();
    }, FOLLOW_MS);
  }

  // ---- small lags are not worth a word ----

  #waitSoon() {
    clearTimeout(this.waitTimer);
    this.waitTimer = setTimeout(() => {
      this.isWaiting = this.wantsPlay && this.hasPicture && this.video.readyState < 3;
      this.requestUpdate();
    }, WAITING_AFTER_MS);
  }

  #offlineSoon() {
    if (this.isOffline) return;
    clearTimeout(this.offlineTimer);
    this.offlineTimer = setTimeout(() => {
      this.isOffline = true;
      this.requestUpdate();
    }, OFFLINE_AFTER_MS);
  }

  #tick() {
    this.meter.read(performance.now(), this.route);
    this.router.tick(this.#mark());
    const { latencyMs } = this.stats;
    if (latencyMs !== null && this.phase === "playing") {
      const near = this.shownLatency !== null && Math.abs(this.shownLatency - latencyMs) < 1000;
      this.shownLatency = near ? this.shownLatency * 0.6 + latencyMs * 0.4 : latencyMs;
    }
    if (this.route) this.requestUpdate();
  }

  // What must change from second to second while a broadcast is watched; null where nothing need.
  #mark() {
    const isWatched = this.wantsPlay && !this.isBlocked && !document.hidden && navigator.onLine;
    const isSilentSaver = this.mode === "audio" && !this.hasAudio;
    if (!isWatched || this.stream?.state !== "live" || isSilentSaver) return null;
    if (this.video.paused && this.hasPicture) this.#play();
    const { framesDecoded } = this.stats;
    return this.hasVideo && this.mode === "video" && this.hasPicture
      ? `${framesDecoded} ${this.video.videoWidth}`
      : `${framesDecoded} ${this.video.currentTime}`;
  }

  // ---- the element ----

  #shown() {
    this.hasPicture = true;
    this.isWaiting = false;
    this.isBlocked = false;
    clearTimeout(this.waitTimer);
    this.requestUpdate();
  }

  // The picture that is held goes when the first new one is there.
  #releaseStill() {
    if (this.mode === "audio") return;
    const { video, route } = this;
    if (!this.hasVideo || document.hidden || !video.requestVideoFrameCallback) this.still.release();
    else video.requestVideoFrameCallback(() => this.route === route && this.still.release());
  }

  #listen() {
    const { video } = this;
    video.addEventListener("playing", () => {
      this.#releaseStill();
      this.#shown();
    });
    video.addEventListener("volumechange", () => this.requestUpdate());
    video.addEventListener("ended", () => this.stream?.state === "ended" && this.leave());
    this.onVisible = () => this.#seen();
    this.onOnline = () => {
      if (!this.isOffline || !this.stream) return;
      this.router.choice.forget();
      if (this.route) this.route.rejoin();
      else if (this.isOnAir) this.#join();
    };
    this.onFullscreen = () => {
      this.isFull = document.fullscreenElement === this;
      this.requestUpdate();
    };
  }

  // A muted tab that nobody looks at hangs up after a while and is live again when it is looked at.
  #seen() {
    clearTimeout(this.sleep);
    if (document.hidden) {
      const isUnheard = this.video.muted && document.pictureInPictureElement !== this.video;
      if (this.route && isUnheard) this.sleep = setTimeout(() => this.#fallAsleep(), HIDDEN_KEEPS_LINE_MS);
      return;
    }
    if (this.isAsleep) {
      this.isAsleep = false;
      if (this.wantsPlay && this.isOnAir) this.#join();
    } else if (this.wantsPlay && this.route) {
      if (this.path !== "dvr") this.route.catchUp();
      this.#play();
    }
  }

  #fallAsleep() {
    this.isAsleep = true;
    this.leave();
  }
}

customElements.define("streamd-player", StreamdPlayer);
