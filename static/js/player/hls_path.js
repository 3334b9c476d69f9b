// HLS, low-latency where the playlist has parts: by hls.js where there is MSE, else by the browser
// itself.

import { Backoff } from "./backoff.js";
import { cuesOf } from "./date_ranges.js";

const NATIVE = "application/vnd.apple.mpegurl";
const GONE = [404, 410];
/** This many failures in a row without a picture: another path may do better. */
const MOST_FAILURES = 4;

// With parts, hls.js stays PART-HOLD-BACK behind live, and this path does the steering: hls.js
// speeds up only with more than a second ahead, which so near to live there never is.
const STEER_MS = 200;
const FASTEST = 1.25;
const SLOWEST = 0.95;
const STEP = 0.05;
/** As near to the wanted latency as this is near enough. */
const NEAR_SECONDS = 0.06;
/** With less ahead than this many parts nothing is sped up. */
const LEAST_PARTS_AHEAD = 1.3;
const JUMP_SECONDS = 2;
/** A stall asks for this much more room, until the page is loaded again. */
const STALL_ADDS_SECONDS = 0.2;

// Without parts RFC 8216 §6.3.3 asks to stay three target durations behind. The playlist's target is
// a ceiling that real segments seldom reach, so three real ones are kept instead.
const SEGMENTS_BEHIND = 3;
const MOST_SEGMENTS_BEHIND = 8;
const LOOK_AGAIN_MS = 1500;

export class HlsPath {
  name = "hls";

  static able({ hls, mode, video }) {
    if (!hls || mode === "audio") return false;
    return Boolean(globalThis.ManagedMediaSource ?? globalThis.MediaSource) || video.canPlayType(NATIVE) !== "";
  }

  /** Takes the same events as SocketPath. @param {{video: HTMLVideoElement, hls: string}} what */
  constructor(what, events) {
    this.video = what.video;
    this.url = what.hls;
    this.events = events;
    this.rebuffers = 0;
    this.bytes = 0;
    this.failures = 0;
    this.backoff = new Backoff(1000);
    this.onWaiting = () => {
      if (this.hasPlayed) this.rebuffers += 1;
      events.onWaiting();
    };
    this.onEnded = () => this.#awaitReturn();
    this.onPlaying = () => {
      this.hasPlayed = true;
      this.failures = 0;
      this.backoff.reset();
      events.onPlaying();
    };
  }

  async start() {
    this.stopped = false;
    this.video.addEventListener("waiting", this.onWaiting);
    this.video.addEventListener("playing", this.onPlaying);
    this.video.addEventListener("ended", this.onEnded);
    const { default: Hls } = await import("../../vendor/hls.js");
    if (this.stopped) return;
    if (Hls.isSupported()) this.#byLibrary(Hls);
    else if (this.video.canPlayType(NATIVE)) this.#native();
    else this.events.onGiveUp("unsupported");
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.retry);
    clearTimeout(this.lookAgain);
    clearInterval(this.steering);
    this.lookAgain = null;
    this.init = null;
    this.video.playbackRate = 1;
    this.video.removeEventListener("waiting", this.onWaiting);
    this.video.removeEventListener("playing", this.onPlaying);
    this.video.removeEventListener("ended", this.onEnded);
    this.hls?.destroy();
    this.hls = null;
  }

  catchUp() {
    const edge = this.hls ? this.hls.liveSyncPosition : null;
    if (edge) this.video.currentTime = edge;
  }

  rejoin() {
    this.events.onReplace();
    this.stop();
    this.start();
  }

  get isJoined() {
    return true;
  }

  get bufferMs() {
    const { buffered, currentTime } = this.video;
    if (buffered.length === 0) return 0;
    return Math.max(0, Math.round((buffered.end(buffered.length - 1) - currentTime) * 1000));
  }

  /** By PROGRAM-DATE-TIME: the playlist itself says which wall clock this picture had. */
  get at() {
    const shown = this.hls ? this.hls.playingDate : nativeDate(this.video);
    return shown ? shown.getTime() / 1000 : null;
  }

  latencyMs(_startedAt, now) {
    const { at } = this;
    return at === null ? null : Math.max(0, Math.round((now - at) * 1000));
  }

  #byLibrary(Hls) {
    const hls = new Hls({
      lowLatencyMode: true,
      backBufferLength: 30,
      maxLiveSyncPlaybackRate: 1, // see STEER_MS
      liveSyncOnStallIncrease: STALL_ADDS_SECONDS,
      enableWorker: false, // the module build has no worker inside; fMP4 passes through untouched
    });
    this.hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, (_name, { audioTracks, levels }) => {
      const audio = audioTracks.length > 0 || levels.some((level) => Boolean(level.audioCodec));
      this.events.onJoin({ audio });
      this.video.play().catch(() => {});
    });
    hls.once(Hls.Events.LEVEL_LOADED, () => {
      this.video.addEventListener("loadedmetadata", () => this.catchUp(), { once: true });
    });
    hls.on(Hls.Events.LEVEL_LOADED, (_name, { details }) => {
      this.#stayClose(details);
      const cues = cuesOf(details.dateRanges);
      if (cues.length > 0) this.events.onCues?.(cues);
      if (!details.live) this.#awaitReturn();
      else if (this.#isAnother(details)) this.retry = setTimeout(() => this.rejoin());
    });
    hls.on(Hls.Events.FRAG_BUFFERED, (_name, { stats }) => {
      this.bytes += stats.loaded;
    });
    clearInterval(this.steering);
    this.steering = setInterval(() => this.#steer(), STEER_MS);
    hls.on(Hls.Events.ERROR, (_name, error) => this.#failed(Hls, error));
    hls.loadSource(this.url);
    hls.attachMedia(this.video);
  }

  // Held near the wanted latency by the playback rate, as gently as it can be heard.
  #steer() {
    const { hls, video } = this;
    const part = hls?.latestLevelDetails?.partTarget;
    const edge = part ? hls.liveSyncPosition : null;
    if (edge === null || video.paused || video.seeking) return;
    const behind = edge - video.currentTime;
    if (behind > JUMP_SECONDS && this.bufferMs / 1000 > behind) {
      this.catchUp();
      return;
    }
    const mayHurry = this.bufferMs / 1000 > LEAST_PARTS_AHEAD * part;
    let rate = 1;
    if (behind > NEAR_SECONDS && mayHurry) rate = Math.min(FASTEST, 1 + Math.ceil((behind * 0.5) / STEP) * STEP);
    else if (behind < -NEAR_SECONDS) rate = SLOWEST;
    if (video.playbackRate !== rate) video.playbackRate = rate;
  }

  // By the newest generation alone: the one before may have had other keyframes.
  #stayClose({ fragments, partTarget }) {
    if (partTarget) return;
    const newest = fragments.at(-1)?.cc;
    const durations = fragments.filter(({ cc }) => cc === newest).map(({ duration }) => duration);
    const longest = Math.max(1, ...durations);
    this.hls.config.liveSyncDuration = SEGMENTS_BEHIND * longest;
    this.hls.config.liveMaxLatencyDuration = MOST_SEGMENTS_BEHIND * longest;
  }

  // Another broadcast under the same address lists nothing of the one that plays here. hls.js would
  // splice the two, picture and sound each at its own moment; joining anew is near live at once.
  #isAnother({ fragments }) {
    const inits = fragments.map(({ initSegment }) => initSegment?.url);
    if (this.init && inits.length > 0 && !inits.includes(this.init)) return true;
    this.init = inits.at(-1) ?? this.init;
    return false;
  }

  // Nobody reads a playlist again that has said its end (RFC 8216 §6.3.4), yet the stream may go
  // on air again under the same address.
  #awaitReturn() {
    if (this.lookAgain) return;
    const look = setTimeout(async () => {
      const isBack = await isUnended(this.url).catch(() => false);
      if (this.lookAgain !== look) return; // stopped meanwhile
      this.lookAgain = null;
      if (isBack) this.rejoin();
      else this.#awaitReturn();
    }, LOOK_AGAIN_MS);
    this.lookAgain = look;
  }

  #native() {
    this.video.src = this.url;
    this.video.addEventListener("loadedmetadata", () => this.events.onJoin({ audio: true }), {
      once: true,
    });
    this.video.play().catch(() => {});
  }

  #failed(Hls, error) {
    if (!error.fatal) return;
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR && !this.recovered) {
      this.recovered = true;
      this.hls.recoverMediaError();
      return;
    }
    clearInterval(this.steering);
    this.failures += 1;
    if (error.details === Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) {
      this.events.onGiveUp("codec");
      return;
    }
    if (this.failures > MOST_FAILURES) {
      this.events.onGiveUp(error.type === Hls.ErrorTypes.MEDIA_ERROR ? "media" : "network");
      return;
    }
    if (error.response && GONE.includes(error.response.code)) {
      this.failures = 0;
      this.events.onRefused({ code: error.response.code, message: "" });
    } else {
      this.events.onLost();
    }
    this.hls.destroy();
    this.hls = null;
    this.init = null;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.#byLibrary(Hls), this.backoff.next());
  }
}

async function isUnended(url) {
  const multivariant = await playlist(url);
  const media = multivariant.split("\n").find((line) => line && !line.startsWith("#"));
  return !(await playlist(new URL(media, new URL(url, location.href)))).includes("#EXT-X-ENDLIST");
}

async function playlist(url) {
  const response = await fetch(url, { cache: "no-store" });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.text();
}

function nativeDate(video) {
  const start = video.getStartDate ? video.getStartDate() : null;
  if (!start || Number.isNaN(start.getTime())) return null;
  return new Date(start.getTime() + video.currentTime * 1000);
}
