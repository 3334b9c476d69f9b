// HLS: by hls.js where there is MSE, else by the browser itself.

import { Backoff } from "./backoff.js";

const GONE = [404, 410];
// RFC 8216 §6.3.3 asks to stay three target durations behind. The playlist's target is a ceiling
// that real segments seldom reach, so three real ones are kept instead.
const SEGMENTS_BEHIND = 3;
const MOST_SEGMENTS_BEHIND = 8;
const LOOK_AGAIN_MS = 1500;

export class HlsPath {
  name = "hls";

  /** Takes the same events as SocketPath. @param {{video: HTMLVideoElement, hls: string}} what */
  constructor(what, events) {
    this.video = what.video;
    this.url = what.hls;
    this.events = events;
    this.rebuffers = 0;
    this.backoff = new Backoff(1000);
    this.onWaiting = () => {
      if (this.hasPlayed) this.rebuffers += 1;
      events.onWaiting();
    };
    this.onEnded = () => this.#awaitReturn();
    this.onPlaying = () => {
      this.hasPlayed = true;
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
    else if (this.video.canPlayType("application/vnd.apple.mpegurl")) this.#native();
    else this.events.onGiveUp();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.retry);
    clearTimeout(this.lookAgain);
    this.lookAgain = null;
    this.init = null;
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
  latencyMs(_startedAt, now) {
    const shown = this.hls ? this.hls.playingDate : nativeDate(this.video);
    return shown ? Math.max(0, Math.round(now * 1000 - shown.getTime())) : null;
  }

  #byLibrary(Hls) {
    const hls = new Hls({
      lowLatencyMode: true,
      backBufferLength: 30,
      maxLiveSyncPlaybackRate: 1.5,
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
      if (!details.live) this.#awaitReturn();
      else if (this.#isAnother(details)) this.retry = setTimeout(() => this.rejoin());
    });
    hls.on(Hls.Events.ERROR, (_name, error) => this.#failed(Hls, error));
    hls.loadSource(this.url);
    hls.attachMedia(this.video);
  }

  // By the newest generation alone: the one before may have had other keyframes.
  #stayClose({ fragments }) {
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
    if (error.response && GONE.includes(error.response.code)) {
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
