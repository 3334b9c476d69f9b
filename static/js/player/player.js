// <streamd-player>: one live stream, by whichever path works here (path.js), in pictures or, as the
// data saver, in sound and stills.
//
// Tests read `.video`, `.path` ("ws", "hls", "whep", "dvr" or null), `.mode`, `.phase` and `.stats`.

import { LitElement, html, nothing } from "../../vendor/lit.js";
import { serverNow } from "../page.js";
import { Attendance } from "./attendance.js";
import { Attention } from "./attention.js";
import { CaptionLayer } from "./caption_layer.js";
import { CHOICES } from "./choice.js";
import * as controls from "./controls.js";
import { DvrPath } from "./dvr.js";
import { Lags } from "./lags.js";
import { recall, remember } from "./memory.js";
import * as menu from "./menu.js";
import { Notice } from "./notice.js";
import { pathHost } from "./path_host.js";
import { Pulse } from "./pulse.js";
import { Rewind } from "./rewind.js";
import { Router } from "./router.js";
import { Still } from "./still.js";
import { styles } from "./styles.js";
import * as views from "./views.js";

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
    this.lags = new Lags(this);
    this.attendance = new Attendance(this);
    this.pulse = new Pulse(this);
    this.router = new Router(pathHost(this));
    this.rewind = new Rewind(this, DvrPath);
    this.captions = new CaptionLayer(this, kept.captions);
    this.wantsPlay = true;
    this.hasPicture = false;
    this.hasAudio = false;
    this.hasVideo = true;
    this.soundSettled = false;
    this.choosing = false;
    this.isFull = false;
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
      bytesPerSecond: this.pulse.meter.bytesPerSecond,
    };
  }

  /** What the viewer is looking at, in one word. */
  get phase() {
    const state = this.stream?.state ?? "idle";
    if (this.attendance.hasFailed) return "failed";
    if (state === "idle") return "idle";
    if (state === "ended" && !this.route) return "ended";
    if (this.lags.isOffline) return "offline";
    if (this.isBlocked) return "blocked";
    if (!this.hasPicture) return "loading";
    if (!this.wantsPlay) return "paused";
    if (state === "stalled" && this.path !== "dvr") return "stalled";
    return this.lags.isWaiting ? "buffering" : "playing";
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
    this.pulse.start();
    this.attendance.start();
    document.addEventListener("fullscreenchange", this.onFullscreen);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.pulse.stop();
    this.attendance.stop();
    document.removeEventListener("fullscreenchange", this.onFullscreen);
  }

  willUpdate(changed) {
    if (changed.has("preferred")) {
      const isOurs = this.variant === "full" && CHOICES.includes(this.preferred);
      this.router.choose(isOurs ? this.preferred : "auto");
    }
    if (changed.has("stream")) this.attendance.follow();
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
    if (this.wantsPlay) {
      if (this.path !== "dvr") this.route?.catchUp();
      this.attendance.resume();
      this.play();
    } else {
      this.video.pause();
      this.attendance.pause();
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
    this.attendance.hasFailed = false;
    const isOther = this.router.choose(choice);
    if (!isOther && !this.route && this.isOnAir) this.attendance.join();
    this.requestUpdate();
  }

  /** Captions on the broadcast's clock (captions.js), oldest first. The same id again replaces one. */
  cue(...cues) {
    this.captions.take(cues);
  }

  retry() {
    this.attendance.retry();
    this.requestUpdate();
  }

  /** Takes no path any more until there is something to join. */
  leave() {
    this.attendance.leave();
  }

  /** Plays, where the viewer wants it and the browser lets it. */
  play() {
    if (!this.wantsPlay) return;
    this.video.play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      this.isBlocked = true;
      this.requestUpdate();
    });
  }

  // ---- the element ----

  #shown() {
    this.hasPicture = true;
    this.isBlocked = false;
    this.lags.shown();
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
    this.onFullscreen = () => {
      this.isFull = document.fullscreenElement === this;
      this.requestUpdate();
    };
  }
}

customElements.define("streamd-player", StreamdPlayer);
