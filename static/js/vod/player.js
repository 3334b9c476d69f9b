// <streamd-vod>: a recording, by hls.js where there is MSE, else by the browser itself.
//
// Tests read `.video`, `.phase` ("loading", "ready", "playing", "paused", "ended", "failed") and `.at`.

import { LitElement, html, nothing } from "../../vendor/lit.js";
import { Keys } from "./keys.js";
import { positionIn, timeIn } from "./places.js";
import { styles } from "./styles.js";
import * as views from "./views.js";

const NATIVE = "application/vnd.apple.mpegurl";
const IDLE_MS = 3000;
const REDRAW_EVENTS = [
  "play",
  "pause",
  "ended",
  "timeupdate",
  "durationchange",
  "volumechange",
  "ratechange",
  "waiting",
  "playing",
  "seeking",
  "seeked",
  "progress",
];

export class StreamdVod extends LitElement {
  static styles = styles;

  static properties = {
    src: {},
    poster: {},
    captions: {},
    captionsLanguage: { attribute: "captions-language" },
    startedAt: { attribute: "started-at", type: Number },
    marks: { attribute: false },
  };

  constructor() {
    super();
    this.video = document.createElement("video");
    Object.assign(this.video, { playsInline: true, preload: "metadata", tabIndex: -1 });
    this.hasFailed = false;
    this.isWaiting = false;
    this.hasCaptions = false;
    this.showsCaptions = false;
    this.dragged = null;
    /** What stands on the time slider: `{from, to}` each, in Unix seconds; `to` may be null. */
    this.marks = [];
    this.keys = new Keys(this);
    for (const name of REDRAW_EVENTS) this.video.addEventListener(name, () => this.#heard(name));
    this.video.addEventListener("click", () => this.toggle());
    this.onFullscreen = () => this.requestUpdate();
    for (const name of ["pointermove", "focusin", "keydown"]) this.addEventListener(name, () => this.#stir());
  }

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener("fullscreenchange", this.onFullscreen);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("fullscreenchange", this.onFullscreen);
    this.hls?.destroy();
  }

  firstUpdated() {
    if (this.poster) this.video.poster = this.poster;
    if (this.captions) this.#addCaptions();
    this.#load();
  }

  render() {
    return html`${this.video} ${views.state(this)} ${views.captions(this)} ${this.hasFailed ? nothing : views.controls(this)}`;
  }

  get phase() {
    if (this.hasFailed) return "failed";
    if (this.video.readyState === 0) return "loading";
    if (this.video.ended) return "ended";
    if (!this.video.paused) return "playing";
    return this.hasPlayed ? "paused" : "ready";
  }

  /** The Unix time of the picture shown; null where the playlist does not say. */
  get at() {
    return this.timeAt(this.video.currentTime);
  }

  /** When the picture at `position` was live, in Unix seconds; null where the playlist does not say. */
  timeAt(position) {
    const found = timeIn(this.fragments, position);
    if (found !== null) return found;
    return this.begins === null ? null : this.begins + position;
  }

  /** Where the picture of a Unix time is, in seconds; null where the playlist does not say. */
  positionOf(time) {
    const found = positionIn(this.fragments, time);
    if (found !== null) return found;
    return this.begins === null ? null : Math.max(0, time - this.begins);
  }

  get fragments() {
    const { levels = [], currentLevel = 0 } = this.hls ?? {};
    return levels[Math.max(0, currentLevel)]?.details?.fragments ?? [];
  }

  // Without hls.js the browser knows when the recording began, or the page does.
  get begins() {
    const told = this.video.getStartDate?.();
    if (told && !Number.isNaN(told.getTime())) return told.getTime() / 1000;
    return this.startedAt || null;
  }

  get length() {
    const { duration, seekable } = this.video;
    if (Number.isFinite(duration)) return duration;
    return seekable.length ? seekable.end(seekable.length - 1) : 0;
  }

  get isFull() {
    return document.fullscreenElement === this;
  }

  toggle() {
    if (this.video.ended) this.seek(0);
    // The big button goes away: whoever was on it is on the small one now.
    if (this.renderRoot.activeElement?.matches(".bigplay")) this.renderRoot.querySelector(".buttons .control")?.focus();
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  seek(seconds) {
    this.video.currentTime = Math.min(Math.max(0, seconds), Math.max(0, this.length - 0.1));
    this.requestUpdate();
  }

  /** To the picture of a Unix time. */
  seekTo(time) {
    const position = this.positionOf(time);
    if (position !== null) this.seek(position);
  }

  skip(seconds) {
    this.seek(this.video.currentTime + seconds);
  }

  mute() {
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 1;
  }

  setVolume(volume) {
    this.video.volume = Math.min(Math.max(0, volume), 1);
    this.video.muted = this.video.volume === 0;
  }

  setRate(rate) {
    this.video.playbackRate = rate;
  }

  turnCaptions() {
    this.showsCaptions = !this.showsCaptions;
    this.requestUpdate();
  }

  /** The words to show now, line by line. */
  get cues() {
    const [track] = this.video.textTracks;
    if (!this.showsCaptions || !track?.activeCues) return [];
    return [...track.activeCues].map((cue) => cue.text);
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.requestFullscreen) this.requestFullscreen().catch(() => {});
    else this.video.webkitEnterFullscreen?.(); // iPhone: only the video itself may
  }

  retry() {
    this.hasFailed = false;
    this.hls?.destroy();
    this.#load();
    this.requestUpdate();
  }

  async #load() {
    const { default: Hls } = await import("../../vendor/hls.js");
    if (Hls.isSupported()) this.#byLibrary(Hls);
    else if (this.video.canPlayType(NATIVE)) this.video.src = this.src;
    else this.#fail();
  }

  #byLibrary(Hls) {
    // Always from the beginning: of what is still on air, too.
    this.hls = new Hls({
      startPosition: 0,
      maxBufferLength: 30,
      backBufferLength: 60,
      // A run's sound may end some hundredths of a second before its picture. With the usual 0.1 s
      // hls.js takes both runs for one range and then waits for its end for ever.
      maxBufferHole: 0.01,
      enableWorker: false,
      // The captions are this player's own: it shows them above its controls.
      subtitleTrackController: null,
      subtitleStreamController: null,
      timelineController: null,
    });
    this.hls.on(Hls.Events.ERROR, (_name, error) => {
      if (!error.fatal) return;
      if (error.type === Hls.ErrorTypes.MEDIA_ERROR && !this.recovered) {
        this.recovered = true;
        this.hls.recoverMediaError();
      } else this.#fail();
    });
    this.hls.loadSource(this.src);
    this.hls.attachMedia(this.video);
  }

  #fail() {
    this.hls?.destroy();
    this.hls = null;
    this.hasFailed = true;
    this.requestUpdate();
  }

  #addCaptions() {
    const track = document.createElement("track");
    Object.assign(track, {
      kind: "captions",
      src: this.captions,
      srclang: this.captionsLanguage || "und",
      label: this.captionsLanguage || "CC",
    });
    this.video.append(track);
    // The browser would draw them under the controls: it only keeps the time.
    track.track.mode = "hidden";
    track.track.addEventListener("cuechange", () => this.requestUpdate());
    this.hasCaptions = true;
    this.showsCaptions = true;
    this.requestUpdate();
  }

  #heard(name) {
    if (name === "playing") this.hasPlayed = true;
    if (name === "waiting") this.isWaiting = true;
    else if (["playing", "pause", "seeked", "timeupdate"].includes(name)) this.isWaiting = false;
    if (name === "pause") this.#stir();
    this.requestUpdate();
  }

  #stir() {
    this.removeAttribute("data-idle");
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      if (this.phase === "playing") this.setAttribute("data-idle", "");
    }, IDLE_MS);
  }
}

customElements.define("streamd-vod", StreamdVod);
