// WebRTC by WHEP: the quickest path, for networks that lose a little on the way.

import { Backoff } from "./backoff.js";
import { Refused, WhepSession } from "./whep_session.js";

const CONNECT_MS = 6000;
const LOOK_MS = 1000;
const RESTART_MS = 1500;
const GAP_MS = 1000;
const TRIES_BEFORE_GIVING_UP = 3;
const REASONS = { "b-frames": "b-frames", profile: "codec", audio: "codec" };

export class WhepPath {
  name = "whep";

  /** @param {import("./path.js").What} what */
  static able({ whep, mode }) {
    if (!whep || mode === "audio" || !globalThis.RTCPeerConnection) return false;
    const codecs = globalThis.RTCRtpReceiver?.getCapabilities?.("video")?.codecs;
    return !codecs || codecs.some(({ mimeType }) => mimeType.toLowerCase() === "video/h264");
  }

  /**
   * @param {import("./path.js").What} what
   * @param {import("./path.js").Events} events
   */
  constructor(what, events) {
    this.video = what.video;
    this.endpoint = what.whep;
    this.sound = what.sound;
    this.events = events;
    this.rebuffers = 0;
    this.backoff = new Backoff(500);
    this.#forget();
  }

  start() {
    this.stopped = false;
    this.session = null;
    this.tries = 0;
    this.#connect();
  }

  stop() {
    this.stopped = true;
    this.#hangUp();
    if (this.video.srcObject) this.video.srcObject = null;
  }

  /** What is shown is live, always. */
  catchUp() {}

  /** Another generation goes on in the same session, if only its clock is known. */
  async rejoin() {
    const before = this.gen;
    if (this.isFlowing) {
      await this.session.readClock().catch(() => null);
      if (this.stopped || this.gen !== before) return;
    }
    this.#again(0);
  }

  get isJoined() {
    return Boolean(this.session);
  }

  get isFlowing() {
    return this.session?.connection.connectionState === "connected" && this.moved + GAP_MS > performance.now();
  }

  get gen() {
    return this.session?.clock?.gen ?? 0;
  }

  get mediaTime() {
    const clock = this.session?.clock;
    if (!clock || this.shown === null) return null;
    return clock.mediaTime(this.shown, Date.now() / 1000);
  }

  /** The broadcast's clock, by the generation that this session tells of. */
  get at() {
    const time = this.mediaTime;
    return time === null ? null : this.session.clock.started + time;
  }

  pictureTime({ rtpTimestamp }) {
    const clock = this.session?.clock;
    if (!clock || rtpTimestamp === undefined) return null;
    return clock.started + clock.mediaTime(rtpTimestamp, Date.now() / 1000);
  }

  /** From the server's clock to the picture on screen. */
  latencyMs(startedAt, now) {
    const time = this.mediaTime;
    return startedAt && time !== null ? Math.max(0, Math.round((now - startedAt - time) * 1000)) : null;
  }

  // ---- the connection ----

  async #connect() {
    this.#forget();
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const session = new WhepSession(this.endpoint, connection);
    this.session = session;
    const media = new MediaStream();
    connection.addEventListener("track", ({ track }) => media.addTrack(track));
    connection.addEventListener("connectionstatechange", () => this.#changed(session));
    for (const kind of this.sound ? ["video", "audio"] : ["video"]) {
      connection.addTransceiver(kind, { direction: "recvonly" });
    }
    this.deadline = setTimeout(() => this.#giveUp(session, "network"), CONNECT_MS);
    try {
      await session.open();
      if (session !== this.session) return;
      this.events.onReplace();
      this.video.srcObject = media;
      this.#watchPictures(session);
      this.#watchTransport(session);
      this.events.onPlaying();
    } catch (error) {
      if (session === this.session) this.#failed(session, error);
    }
  }

  #changed(session) {
    if (session !== this.session) return;
    const state = session.connection.connectionState;
    clearTimeout(this.restart);
    if (state === "connected") {
      clearTimeout(this.deadline);
      this.tries = 0;
      this.backoff.reset();
      this.#joined(false);
      this.#look(session);
    } else if (state === "disconnected") {
      this.events.onLost();
      this.restart = setTimeout(() => session.restart().catch(() => {}), RESTART_MS);
    } else if (state === "failed" || state === "closed") {
      this.#lost();
    }
  }

  // The server's goodbye: the connection itself would be given up only after many seconds.
  #watchTransport(session) {
    const { transport } = session.connection.getReceivers()[0];
    transport?.addEventListener("statechange", () => {
      if (session === this.session && transport.state === "closed") this.#lost();
    });
  }

  #joined(audio) {
    this.hasAudio = audio;
    this.events.onJoin({ audio, video: true });
  }

  #failed(session, error) {
    if (!(error instanceof Refused)) {
      this.#lost();
    } else if (error.status === 406) {
      this.#giveUp(session, REASONS[error.slug] ?? "codec");
    } else if (error.status === 409) {
      this.events.onRefused({ code: error.status, message: error.slug });
      this.#again(1000 * (error.retryAfter || 3));
    } else if (error.status === 503 && !this.hasPlayed) {
      this.#giveUp(session, "network");
    } else {
      this.#lost();
    }
  }

  #lost() {
    this.tries += 1;
    if (this.tries > TRIES_BEFORE_GIVING_UP) {
      this.#giveUp(this.session, "network");
      return;
    }
    this.events.onLost();
    this.#again(this.backoff.next());
  }

  #again(ms) {
    this.#hangUp();
    this.retry = setTimeout(() => this.#connect(), ms);
  }

  #giveUp(session, reason) {
    if (this.stopped || session !== this.session) return;
    this.#hangUp();
    this.events.onGiveUp(reason);
  }

  #hangUp() {
    for (const timer of [this.retry, this.deadline, this.restart, this.looking]) clearTimeout(timer);
    this.session?.close();
    this.session = null;
  }

  #forget() {
    this.shown = null;
    this.moved = -Infinity;
    this.hasAudio = false;
    this.bytes = 0;
    this.bufferMs = 0;
    this.freezes = 0;
    this.played = { delay: 0, count: 0 };
  }

  // ---- what comes ----

  #watchPictures(session) {
    const next = (now, { rtpTimestamp }) => {
      if (session !== this.session) return;
      // After a gap another publisher may have come, with another clock.
      if (now - this.moved > GAP_MS && this.hasPlayed) session.readClock().catch(() => {});
      this.moved = now;
      this.shown = rtpTimestamp ?? null;
      this.hasPlayed = true;
      this.video.requestVideoFrameCallback(next);
    };
    this.video.requestVideoFrameCallback?.(next);
  }

  async #look(session) {
    const reports = await session.connection.getStats().catch(() => null);
    if (session !== this.session || !reports) return;
    for (const report of reports.values()) {
      if (report.type === "transport") this.bytes = report.bytesReceived;
      if (report.type !== "inbound-rtp") continue;
      if (report.kind === "video") this.#readVideo(report);
      else if (report.packetsReceived > 0 && !this.hasAudio) this.#joined(true);
    }
    this.looking = setTimeout(() => this.#look(session), LOOK_MS);
  }

  #readVideo({ jitterBufferDelay = 0, jitterBufferEmittedCount = 0, freezeCount = 0 }) {
    const count = jitterBufferEmittedCount - this.played.count;
    const delay = jitterBufferDelay - this.played.delay;
    if (count > 0) this.bufferMs = Math.round((1000 * delay) / count);
    this.played = { delay: jitterBufferDelay, count: jitterBufferEmittedCount };
    if (freezeCount > this.freezes) {
      this.rebuffers += freezeCount - this.freezes;
      this.freezes = freezeCount;
    }
  }
}
