// <streamd-player>: one live stream, by fMP4 over WebSocket or by HLS.
//
// Tests read `.video`, `.path` ("ws", "hls" or null), `.phase` and `.stats`.

import { LitElement, html, nothing } from "../../vendor/lit.js";
import { serverNow } from "../page.js";
import { Attention } from "./attention.js";
import { HlsPath } from "./hls_path.js";
import { Source } from "./sink.js";
import { SocketPath } from "./socket_path.js";
import { Still } from "./still.js";
import { styles } from "./styles.js";
import * as views from "./views.js";

const PATHS = { ws: SocketPath, hls: HlsPath };
const BADGE_MS = 1000;
const PAUSED_KEEPS_LINE_MS = 20_000;
const OFFLINE_AFTER_MS = 1000;
const FOLLOW_MS = 1000;
const ON_AIR = ["live", "stalled"];

export class StreamdPlayer extends LitElement {
  static styles = styles;

  static properties = {
    stream: { attribute: false },
    feedUrl: { attribute: "feed-url" },
    hlsUrl: { attribute: "hls-url" },
    preferred: {},
    variant: { reflect: true },
  };

  constructor() {
    super();
    this.stream = null;
    this.feedUrl = "";
    this.hlsUrl = "";
    this.preferred = "";
    this.variant = "full";
    this.video = document.createElement("video");
    Object.assign(this.video, { muted: true, playsInline: true, autoplay: true, tabIndex: -1 });
    this.video.setAttribute("part", "video");
    this.still = new Still(this.video);
    this.attention = new Attention(this);
    this.route = null;
    this.wantsPlay = true;
    this.hasPicture = false;
    this.hasAudio = false;
    this.soundSettled = false;
    this.choosing = false;
    this.isFull = false;
    this.given = new Set();
    this.shownLatency = null;
    this.firstPictureMs = null;
    this.#listen();
  }

  /** "ws", "hls", or null while there is nothing to play. */
  get path() {
    return this.route ? this.route.name : null;
  }

  /** Numbers for the badge and for tests; times in milliseconds, latencyMs null while unknown. */
  get stats() {
    const quality = this.video.getVideoPlaybackQuality?.();
    return {
      framesDecoded: quality ? quality.totalVideoFrames : 0,
      framesDropped: quality ? quality.droppedVideoFrames : 0,
      latencyMs: this.route && this.hasPicture ? this.route.latencyMs(this.stream?.started_at, serverNow()) : null,
      bufferMs: this.route ? this.route.bufferMs : 0,
      rebuffers: this.route ? this.route.rebuffers : 0,
      rate: this.video.playbackRate,
      firstPictureMs: this.firstPictureMs,
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
    if (state === "stalled") return "stalled";
    return this.isWaiting ? "buffering" : "playing";
  }

  connectedCallback() {
    super.connectedCallback();
    this.badge = setInterval(() => this.#readLatency(), BADGE_MS);
    document.addEventListener("visibilitychange", this.onVisible);
    document.addEventListener("fullscreenchange", this.onFullscreen);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.badge);
    document.removeEventListener("visibilitychange", this.onVisible);
    document.removeEventListener("fullscreenchange", this.onFullscreen);
    this.#leave();
  }

  willUpdate(changed) {
    if (!changed.has("stream")) return;
    const state = this.stream?.state;
    if (ON_AIR.includes(state)) {
      clearTimeout(this.farewell);
      if (!this.route && this.wantsPlay && !this.isFailed) this.#join();
      else this.#followGeneration();
    } else if (this.route) {
      this.#endSoon();
    }
  }

  render() {
    const chrome = this.variant === "full";
    return html`
      ${this.video}${this.still.canvas} ${chrome ? views.state(this) : nothing}
      ${chrome && this.route ? html`${views.soundPrompt(this)}${views.controls(this)}` : nothing}
      ${chrome ? views.top(this) : nothing}
    `;
  }

  // ---- what the controls do ----

  toggle() {
    this.wantsPlay = !this.wantsPlay || this.isBlocked;
    this.isBlocked = false;
    this.video.autoplay = this.wantsPlay; // a MediaSource built while paused must not start
    clearTimeout(this.hangUp);
    if (this.wantsPlay) {
      if (this.route) this.route.catchUp();
      else this.#join();
      this.#play();
    } else {
      this.video.pause();
      this.hangUp = setTimeout(() => this.#leave(), PAUSED_KEEPS_LINE_MS);
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

  /** Switches to a path by name. */
  take(name) {
    this.choosing = false;
    this.preferred = name;
    this.given.clear();
    this.retry();
  }

  retry() {
    this.isFailed = false;
    this.#leave();
    if (ON_AIR.includes(this.stream?.state)) this.#join();
    this.requestUpdate();
  }

  // ---- joining and leaving ----

  #join() {
    const name = this.#choosePath();
    if (!name) {
      this.isFailed = true;
      return;
    }
    const what = {
      video: this.video,
      url: this.feedUrl,
      hls: this.hlsUrl,
      stream: this.stream.id,
      sound: this.variant === "full",
    };
    const route = new PATHS[name](what, this.#events(name));
    this.route = route;
    this.firstPictureMs = null;
    const asked = performance.now();
    this.video.requestVideoFrameCallback?.((shown) => {
      if (this.route === route) this.firstPictureMs = Math.round(shown - asked);
    });
    route.start();
    this.requestUpdate();
  }

  #choosePath() {
    const order = this.preferred === "hls" ? ["hls", "ws"] : ["ws", "hls"];
    return order.find((name) => !this.given.has(name) && (name === "hls" || (Source && this.feedUrl)));
  }

  #events(name) {
    const update = (change) => () => {
      if (this.path !== name) return;
      change();
      this.requestUpdate();
    };
    return {
      onJoin: ({ audio }) => update(() => this.#joined(audio))(),
      onReplace: () => this.still.hold(),
      onPlaying: update(() => this.#play()),
      onWaiting: update(() => this.#waitSoon()),
      onLost: update(() => this.#offlineSoon()),
      onRefused: update(() => this.#offlineSoon()),
      onGiveUp: update(() => this.#giveUp(name)),
    };
  }

  #joined(audio) {
    this.hasAudio = audio;
    clearTimeout(this.offlineTimer);
    this.isOffline = false;
  }

  #play() {
    if (!this.wantsPlay) return;
    this.video.play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      this.isBlocked = true;
      this.requestUpdate();
    });
  }

  #giveUp(name) {
    this.given.add(name);
    this.#leave();
    this.#join();
  }

  #leave() {
    clearTimeout(this.hangUp);
    clearTimeout(this.offlineTimer);
    clearTimeout(this.farewell);
    this.still.hold();
    this.route?.stop();
    this.route = null;
    this.hasPicture = this.wantsPlay ? false : this.hasPicture;
    this.isWaiting = false;
    this.isOffline = false;
    this.requestUpdate();
  }

  // The tail is still in the buffer: let it play out, then say that it is over.
  #endSoon() {
    clearTimeout(this.farewell);
    this.farewell = setTimeout(() => this.#leave(), Math.min(20_000, this.route.bufferMs + 300));
  }

  // The feed may know of a new generation, or of a broadcast that is back, before the media socket
  // does; it gets a moment to find out by itself.
  #followGeneration() {
    const { route } = this;
    const isBehind = () => !route.isJoined || (route.gen && this.stream?.gen && route.gen !== this.stream.gen);
    if (!route || !isBehind()) return;
    setTimeout(() => {
      if (this.route === route && ON_AIR.includes(this.stream?.state) && isBehind()) route.rejoin();
    }, FOLLOW_MS);
  }

  // ---- small lags are not worth a word ----

  #waitSoon() {
    clearTimeout(this.waitTimer);
    this.waitTimer = setTimeout(() => {
      this.isWaiting = this.wantsPlay && this.hasPicture && this.video.readyState < 3;
      this.requestUpdate();
    }, 400);
  }

  #offlineSoon() {
    if (this.isOffline) return;
    clearTimeout(this.offlineTimer);
    this.offlineTimer = setTimeout(() => {
      this.isOffline = true;
      this.requestUpdate();
    }, OFFLINE_AFTER_MS);
  }

  #readLatency() {
    const { latencyMs } = this.stats;
    if (latencyMs === null || this.phase !== "playing") return;
    const near = this.shownLatency !== null && Math.abs(this.shownLatency - latencyMs) < 1000;
    this.shownLatency = near ? this.shownLatency * 0.6 + latencyMs * 0.4 : latencyMs;
    this.requestUpdate();
  }

  #listen() {
    const { video } = this;
    video.addEventListener("playing", () => {
      this.still.release();
      this.hasPicture = true;
      this.isWaiting = false;
      this.isBlocked = false;
      clearTimeout(this.waitTimer);
      this.requestUpdate();
    });
    video.addEventListener("volumechange", () => this.requestUpdate());
    video.addEventListener("ended", () => this.stream?.state === "ended" && this.#leave());
    this.onVisible = () => {
      if (!document.hidden && this.wantsPlay && this.route) {
        this.route.catchUp();
        this.#play();
      }
    };
    this.onFullscreen = () => {
      this.isFull = document.fullscreenElement === this;
      this.requestUpdate();
    };
  }
}

customElements.define("streamd-player", StreamdPlayer);
