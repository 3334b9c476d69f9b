// fMP4 over WebSocket: socket → sink → playhead steering.

import { cuesIn } from "./emsg.js";
import { MediaSocket } from "./media_socket.js";
import { Sink, Source, plays } from "./sink.js";
import { SAVER_FASTEST, Steering, TARGET_SECONDS } from "./steering.js";

const STEER_MS = 50;
const TRIM_MS = 5000;
const RESUME_MS = 120;
const STUCK_MS = 2500;
const FAULTS_BEFORE_GIVING_UP = 3;
const TRIES_BEFORE_GIVING_UP = 3;
// While the decoder works its way from the keyframe to here, more media comes in.
const FIRST_AHEAD_SECONDS = 0.04;
const MOST_STILLS = 4;
const FILL_MS = 2500;
const TIMESCALE = 90_000;
const NOTHING = new Uint8Array();

export class SocketPath {
  name = "ws";

  /** @param {import("./path.js").What} what */
  static able({ url, mode }) {
    return Boolean(Source && url && (mode === "audio" || plays("v", "avc1.42e01f")));
  }

  /**
   * @param {import("./path.js").What} what
   * @param {import("./path.js").Events} events
   */
  constructor(what, events) {
    this.video = what.video;
    this.mode = what.mode ?? "video";
    this.events = events;
    this.rebuffers = 0;
    this.faults = 0;
    this.gen = 0;
    this.origin = null;
    this.newest = 0;
    this.stills = [];
    const audio = plays("a", "opus") ? "opus" : "aac";
    this.socket = new MediaSocket(
      {
        url: what.url,
        stream: what.stream,
        audio: what.sound ? audio : null,
        video: this.mode === "video",
      },
      {
        onJoin: (data) => this.#join(data),
        onPart: (part) => this.#part(part),
        onLost: ({ opened, tries }) => this.#lost(opened, tries),
        onRefused: (error) => events.onRefused(error),
      },
    );
    this.onVideoError = () => this.#fault();
  }

  start() {
    this.video.addEventListener("error", this.onVideoError);
    this.ready = this.#newSink(); // opens while the socket connects
    this.socket.start();
    this.steer = setInterval(() => this.#steer(), STEER_MS);
    this.trim = setInterval(() => this.sink?.trim(), TRIM_MS);
  }

  stop() {
    clearInterval(this.steer);
    clearInterval(this.trim);
    this.video.removeEventListener("error", this.onVideoError);
    this.socket.stop();
    this.ready?.close();
    this.sink?.close();
    this.sink = this.ready = null;
    this.stills = [];
  }

  /** Moves the playhead to live. */
  catchUp() {
    if (this.sink && this.sink.end !== null) this.#jump();
  }

  rejoin() {
    this.socket.rejoin();
  }

  /** True while parts are coming, or about to. */
  get isJoined() {
    return this.socket.isJoined;
  }

  /** True while the replay is on its way: one message, of which a browser shows no part. */
  get isFilling() {
    return this.socket.isAsking;
  }

  /** Bytes received so far. */
  get bytes() {
    return this.socket.bytes;
  }

  /** Media time of the picture shown, in seconds: the element's own clock. */
  get mediaTime() {
    return this.placed ? this.video.currentTime : null;
  }

  /** The same on the broadcast's clock, by the generation that plays here. */
  get at() {
    if (this.origin === null) return undefined;
    return this.placed ? this.origin + this.video.currentTime : null;
  }

  /** Milliseconds of media ahead of the playhead. */
  get bufferMs() {
    return this.sink ? Math.round(this.sink.ahead * 1000) : 0;
  }

  /** How far the playhead is behind live in ms, given the wall clock of media time 0 and of now. */
  latencyMs(startedAt, now) {
    if (!startedAt || this.video.currentTime === 0) return null;
    return Math.max(0, Math.round((now - startedAt - this.video.currentTime) * 1000));
  }

  #join(data) {
    const missing = Object.entries(data.tracks).some(([kind, { codec }]) => !plays(kind, codec));
    if (missing) {
      this.events.onGiveUp("codec");
      return;
    }
    this.events.onReplace();
    this.sink?.close();
    this.gen = data.gen;
    this.origin = data.started_at ?? null;
    if (data.cues?.length > 0) this.events.onCues?.(data.cues);
    this.timescale = data.timescale || TIMESCALE;
    this.kinds = Object.keys(data.tracks);
    this.steering = this.#newSteering(data);
    this.placed = false;
    this.next = null;
    this.progress = { at: performance.now(), time: -1 };
    const sink = this.ready ?? this.#newSink();
    this.ready = null;
    this.sink = sink;
    this.stills = data.still ? [data.still] : [];
    if (this.kinds.length > 0) {
      sink.open(data.tracks).catch(() => sink === this.sink && this.#fault());
      for (const part of data.parts) this.#part(part);
    }
    this.events.onJoin({ audio: "a" in data.tracks, video: "v" in data.tracks });
    // The first still is the newest there is; the sound is heard a moment later.
    this.#showStills(Infinity);
  }

  #newSteering(data) {
    const lump = (data.part_ms || 0) / 1000;
    if (this.mode === "audio") return new Steering(TARGET_SECONDS.saver, lump, SAVER_FASTEST);
    return new Steering(TARGET_SECONDS["a" in data.tracks ? "audio" : "video"], lump);
  }

  #newSink() {
    const sink = new Sink(this.video, {
      onAppend: () => this.#appended(sink),
      onFault: () => sink === this.sink && this.#fault(),
    });
    return sink;
  }

  #part(part) {
    if (!this.sink) return;
    if (this.next !== null && part.n < this.next) {
      // Parts count from 0 again: a generation whose subscribe reply never came.
      this.socket.rejoin();
      return;
    }
    this.next = part.n + 1;
    this.newest = part.t / this.timescale;
    if (part.skipped) this.events.onSkipped?.(part.skipped);
    if (part.still) this.#keepStill(part.still);
    if (this.kinds.length > 0) this.sink.push(part);
    this.#tellCues(part);
  }

  // Boxes that were read once stand in every part until their picture.
  #tellCues({ v, a }) {
    const cues = cuesIn(v ?? a ?? NOTHING);
    const { origin } = this;
    if (cues.length === 0 || origin === null) return;
    this.events.onCues?.(cues.map(({ seconds, ...cue }) => ({ ...cue, at: origin + seconds })));
  }

  #keepStill(still) {
    this.stills = [...this.stills, still].slice(-MOST_STILLS);
    // Without sound there is no playhead to wait for.
    if (this.kinds.length === 0) this.#showStills(Infinity);
  }

  #showStills(until) {
    const due = this.stills.filter(({ t }) => t / this.timescale <= until);
    if (due.length === 0) return;
    this.stills = this.stills.filter((still) => !due.includes(still));
    this.events.onStill?.(due.at(-1));
  }

  #appended(sink) {
    if (sink !== this.sink || this.placed || sink.end === null) return;
    // Sound alone is in no hurry: it starts when it need not stop again at once.
    const isShort = sink.end - sink.start < this.steering.landing;
    if (this.mode === "audio" && isShort && performance.now() - this.progress.at < FILL_MS) return;
    this.placed = true;
    this.#jump(this.mode === "audio" ? this.steering.landing : FIRST_AHEAD_SECONDS + this.steering.lump);
    this.events.onPlaying();
  }

  #jump(ahead = this.steering.landing) {
    const { sink, steering, video } = this;
    video.currentTime = Math.max(sink.start, sink.end - ahead);
    video.playbackRate = 1;
    steering.moved();
  }

  #steer() {
    const { sink, steering, video } = this;
    if (!sink || !this.placed || video.paused || video.seeking) return;
    this.#showStills(video.currentTime);
    const now = performance.now();
    if (video.currentTime !== this.progress.time) {
      this.progress = { at: now, time: video.currentTime };
      this.dry = false;
    } else if (now - this.progress.at > STUCK_MS && sink.ahead > steering.target) {
      this.#fault();
      return;
    }
    const { rate, jump } = steering.observe(now, sink.ahead);
    const waits = video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    if (waits && !this.dry) this.#ranDry(now);
    // A hole (the server skipped to a keyframe for us, or the publisher's line broke for a moment)
    // is crossed, not waited out. The playhead need not reach its edge: before it Chromium may wait
    // for more sound than there is.
    const stands = waits && now - this.progress.at > RESUME_MS;
    const isAtHole = sink.start > video.currentTime && (stands || sink.ahead < 0.02);
    // After running dry Chromium waits for more sound each time (200 ms, then 400, 800, 1,600),
    // until a seek makes it forget: so what is there is played at once.
    const isThere = stands && sink.ahead > steering.target;
    if (jump || isAtHole || isThere) this.#jump();
    else if (video.playbackRate !== rate) video.playbackRate = rate;
  }

  #ranDry(now) {
    this.dry = true;
    this.rebuffers += 1;
    this.steering.stalled(now);
    this.events.onWaiting();
  }

  #fault() {
    this.sink?.close();
    this.sink = null;
    this.faults += 1;
    if (this.faults > FAULTS_BEFORE_GIVING_UP) this.events.onGiveUp("media");
    else this.socket.rejoin();
  }

  #lost(opened, tries) {
    if (!opened && tries >= TRIES_BEFORE_GIVING_UP && navigator.onLine && !this.sink) {
      this.events.onGiveUp("network");
    } else {
      this.events.onLost();
    }
  }
}
