// The past of a live broadcast, from its recording so far: a playlist that grows (PastPath in
// path.js). By hls.js where there is MSE, else by the browser itself.

import { Backoff } from "./backoff.js";
import { cuesOf } from "./date_ranges.js";

const NATIVE = "application/vnd.apple.mpegurl";
/** A first guess at the position that is this near needs no correction. */
const NEAR_SECONDS = 0.5;
/** Nothing newer than this is asked for: the last segment may still be on its way. */
const EDGE_SECONDS = 1;
const MOST_RETRIES = 5;

export class DvrPath {
  name = "dvr";

  /** How far back one may go now: `{from, to}` in Unix seconds, and in which recording; or null. */
  static async reach({ stream, video }) {
    if (!isPlayable(video)) return null;
    const response = await fetch(`/api/v1/recordings?state=recording&stream=${encodeURIComponent(stream)}`);
    if (!response.ok) return null;
    const { recordings } = await response.json();
    if (!recordings.length) return null;
    const [{ id, started_at: from, until: to }] = recordings;
    return { from, to, recording: id };
  }

  /** @param {{video: HTMLVideoElement, hls: string, at: number}} what */
  constructor(what, events) {
    this.what = what;
    this.video = what.video;
    this.url = new URL("dvr.m3u8", new URL(what.hls, location.href)).href;
    this.events = events;
    this.rebuffers = 0;
    this.backoff = new Backoff(1000);
    this.onPlaying = () => {
      this.hasPlayed = true;
      this.retries = 0;
      this.backoff.reset();
      events.onPlaying();
    };
    this.onWaiting = () => {
      if (this.hasPlayed) this.rebuffers += 1;
      events.onWaiting();
    };
    // Where a recording ends while its broadcast goes on, live is where it goes on.
    this.onEnded = () => events.onGiveUp("stuck");
  }

  async start() {
    this.stopped = false;
    this.retries = 0;
    this.wanted = this.what.at;
    this.video.addEventListener("playing", this.onPlaying);
    this.video.addEventListener("waiting", this.onWaiting);
    this.video.addEventListener("ended", this.onEnded);
    const { default: Hls } = await import("../../vendor/hls.js");
    if (this.stopped) return;
    if (Hls.isSupported()) await this.#byLibrary(Hls);
    else if (this.video.canPlayType(NATIVE)) this.#native();
    else this.events.onGiveUp("unsupported");
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.retry);
    this.video.removeEventListener("playing", this.onPlaying);
    this.video.removeEventListener("waiting", this.onWaiting);
    this.video.removeEventListener("ended", this.onEnded);
    this.#drop();
  }

  /** Moves to a Unix time; what is not recorded yet is the newest that is. */
  seek(at) {
    this.wanted = at;
    const position = this.#positionOf(at);
    if (position !== null) this.video.currentTime = position;
  }

  /** The Unix time of the picture shown, null before there is one. */
  get at() {
    if (this.hls) {
      const shown = this.hls.playingDate;
      return shown ? shown.getTime() / 1000 : null;
    }
    const start = nativeStart(this.video);
    return start === null ? null : start + this.video.currentTime;
  }

  get isJoined() {
    return Boolean(this.hasPlayed);
  }

  get bufferMs() {
    const { buffered, currentTime } = this.video;
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= currentTime + 0.1 && buffered.end(i) > currentTime) {
        return Math.round((buffered.end(i) - currentTime) * 1000);
      }
    }
    return 0;
  }

  latencyMs(_startedAt, now) {
    const { at } = this;
    return at === null ? null : Math.max(0, Math.round((now - at) * 1000));
  }

  /** A pause in the past goes on where it stopped. */
  catchUp() {}

  rejoin() {
    this.wanted = this.at ?? this.wanted;
    this.what = { ...this.what, at: this.wanted };
    this.events.onReplace();
    this.stop();
    this.start();
  }

  async #byLibrary(Hls) {
    const past = await DvrPath.reach(this.what).catch(() => null);
    if (this.stopped) return;
    if (!past) {
      this.events.onGiveUp("network");
      return;
    }
    // Without gaps the position is the distance from the start; the playlist corrects the guess.
    const guess = Math.max(0, Math.min(this.wanted, past.to - EDGE_SECONDS) - past.from);
    const hls = new Hls({
      startPosition: guess,
      lowLatencyMode: false,
      backBufferLength: 30,
      maxBufferLength: 30,
      maxBufferHole: 0.01, // why: vod/player.js
      enableWorker: false, // the module build has no worker inside; fMP4 passes through untouched
    });
    this.hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, (_name, { audioTracks, levels }) => {
      const audio = audioTracks.length > 0 || levels.some((level) => Boolean(level.audioCodec));
      this.events.onJoin({ audio });
    });
    hls.once(Hls.Events.LEVEL_LOADED, (_name, { details }) => {
      const position = positionIn(details.fragments, this.wanted);
      if (position === null || Math.abs(position - guess) < NEAR_SECONDS) return;
      hls.stopLoad();
      hls.startLoad(position);
    });
    hls.on(Hls.Events.LEVEL_LOADED, (_name, { details }) => {
      const cues = cuesOf(details.dateRanges);
      if (cues.length > 0) this.events.onCues?.(cues);
    });
    hls.on(Hls.Events.ERROR, (_name, error) => this.#failed(Hls, error));
    hls.loadSource(this.url);
    hls.attachMedia(this.video);
    this.video.play().catch(() => {});
  }

  #native() {
    this.video.addEventListener(
      "loadedmetadata",
      () => {
        this.events.onJoin({ audio: true });
        this.seek(this.wanted);
      },
      { once: true },
    );
    this.video.src = this.url;
    this.video.play().catch(() => {});
  }

  #positionOf(unix) {
    if (this.hls) {
      const details = this.hls.levels[Math.max(0, this.hls.currentLevel)]?.details;
      return details ? positionIn(details.fragments, unix) : null;
    }
    const start = nativeStart(this.video);
    return start === null ? null : Math.max(0, unix - start);
  }

  #failed(Hls, error) {
    if (!error.fatal) return;
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR && !this.recovered) {
      this.recovered = true;
      this.hls.recoverMediaError();
      return;
    }
    this.retries += 1;
    this.wanted = this.at ?? this.wanted;
    this.#drop();
    if (this.retries > MOST_RETRIES) {
      this.events.onGiveUp(error.type === Hls.ErrorTypes.MEDIA_ERROR ? "media" : "network");
      return;
    }
    this.events.onLost();
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.#byLibrary(Hls), this.backoff.next());
  }

  #drop() {
    this.hls?.destroy();
    this.hls = null;
  }
}

/** Where a moment stands in a playlist, in its seconds; between two runs, the later one's start. */
export function positionIn(fragments, unix) {
  if (fragments.length === 0) return null;
  for (const { programDateTime, start, duration } of fragments) {
    const begins = programDateTime / 1000;
    if (unix < begins) return start;
    if (unix < begins + duration) return start + unix - begins;
  }
  const { start, duration } = fragments.at(-1);
  return Math.max(0, start + duration - EDGE_SECONDS);
}

// hls.js itself is only loaded by whoever goes back.
function isPlayable(video) {
  return Boolean(globalThis.ManagedMediaSource ?? globalThis.MediaSource) || Boolean(video.canPlayType(NATIVE));
}

function nativeStart(video) {
  const start = video.getStartDate?.();
  return start && !Number.isNaN(start.getTime()) ? start.getTime() / 1000 : null;
}
