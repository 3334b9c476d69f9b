/**
 * One broadcast: the sender in use, its reconnection, and what people are told about it.
 */

import { Farewell } from "./farewell.js";
import { Phase, after, onAir } from "./lifecycle.js";
import { qualityNamed } from "./quality.js";
import { SendError } from "./send_error.js";
import { Way, makeSender, socketSupported } from "./ways.js";

const CONNECT_MS = 12_000;
const RECONNECT_MS = 30_000;
const BACKOFF_MS = [0, 500, 1_000, 2_000, 4_000, 8_000];
/** By then the server has given up our own lost session: who holds the place is somebody else. */
const OURS_MS = 8_000;

/** Answers that another attempt cannot change. 409 while reconnecting is our own lost session. */
const FINAL = new Set([-1, 400, 401, 403, 404, 406, 408, 413, 415]);

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Broadcast {
  phase = Phase.CHECK;
  /** @type {SendError | null} why the last attempt failed, or the broadcast ended */
  error = null;
  /** Unix milliseconds of the first picture that reached the server, null before. */
  startedAt = null;
  endedAt = null;
  /** When reconnecting gives up, Unix milliseconds. */
  deadline = null;
  quality = qualityNamed("720p");
  /** The way that was chosen, one of Way. */
  way;
  /** UDP turned out to be blocked: this broadcast goes over the WebSocket. */
  fellBack = false;

  #stream;
  #key = () => "";
  #onchange;
  #sender = null;
  #media = null;
  #run = 0;
  #farewell;

  /**
   * @param {string} stream the stream's id
   * @param {() => string} key
   * @param {string} way one of Way
   * @param {() => void} onchange
   */
  constructor(stream, key, way, onchange) {
    this.#stream = stream;
    this.#key = key;
    this.way = way;
    this.#onchange = onchange;
    this.#farewell = new Farewell(stream, key, onchange);
  }

  /** It has ended here, and the server, which does not answer, still has viewers wait for it. */
  get untold() {
    return this.#farewell.unanswered;
  }

  #move(move) {
    this.phase = after(this.phase, move);
    this.#onchange();
  }

  /** The way of the next attempt, and of the broadcast that is on air. */
  get wayInUse() {
    if (this.way !== Way.AUTOMATIC) return this.way;
    return this.fellBack ? Way.WEBSOCKET : Way.WEBRTC;
  }

  /** Chooses the way of the next broadcast. */
  choose(way) {
    this.way = way;
    this.fellBack = false;
    this.#onchange();
  }

  /**
   * Goes live. Resolves when live or refused; the outcome stands in `phase` and `error`.
   * @param {MediaStream} media
   * @param {boolean} [takeover] a broadcast that is on air gives way
   */
  async start(media, takeover = false) {
    this.#media = media;
    this.error = null;
    this.startedAt = this.endedAt = null;
    this.fellBack = false;
    this.#farewell.cancel();
    this.#move("start");
    const run = ++this.#run;
    const error = await this.#attempt(run, CONNECT_MS, takeover);
    if (run !== this.#run) return;
    if (error) {
      this.error = error;
      this.#move("refused");
      return;
    }
    this.startedAt = Date.now();
    this.#move("connected");
  }

  /** Ends the broadcast, or gives up an attempt to go live. */
  async stop() {
    if (this.phase !== Phase.CONNECTING && !onAir(this.phase)) return;
    const { phase } = this;
    this.#run += 1;
    const sender = this.#sender;
    this.#sender = null;
    this.endedAt = Date.now();
    this.#move("stop");
    const closed = sender?.close();
    if (!onAir(phase)) return closed;
    // While reconnecting there is no session whose end the server would have to see first, and a
    // page that goes has no time for one after the other.
    if (phase !== Phase.RECONNECTING) await closed;
    await this.#farewell.say();
  }

  /** Back from "ended" to the device check. */
  again() {
    this.error = null;
    this.#move("again");
  }

  /** What stood in the way of going live is over. */
  forget() {
    if (this.phase === Phase.CHECK) this.error = null;
  }

  /** The phone took the camera or microphone away (a call), or gave it back. */
  interrupted(yes) {
    if (yes && this.phase === Phase.LIVE) this.#move("interrupted");
    if (!yes && this.phase === Phase.PAUSED) this.#move("resumed");
  }

  async setQuality(name) {
    this.quality = qualityNamed(name);
    this.#onchange();
    await this.#sender?.setQuality(this.quality);
  }

  async replaceTrack(track) {
    await this.#sender?.replaceTrack(track);
  }

  async stats() {
    return (await this.#sender?.stats()) ?? null;
  }

  /** One attempt, by the other way too where UDP is blocked. Null once media flows. */
  async #attempt(run, patience, takeover = false) {
    const error = await this.#try(run, this.wayInUse, patience, takeover);
    const other = error?.blocked || error?.status === -1;
    if (!other || this.wayInUse !== Way.WEBRTC) return error;
    if (this.way === Way.WEBRTC) return new SendError(error.status, error.detail, { slug: "only" });
    if (run !== this.#run || !(await socketSupported())) return error;
    this.fellBack = error.blocked;
    this.#onchange();
    return this.#try(run, Way.WEBSOCKET, patience, takeover);
  }

  /** @returns {Promise<SendError | null>} null once media flows */
  async #try(run, way, patience, takeover) {
    if (way === Way.WEBSOCKET && !(await socketSupported())) return new SendError(-1, "codecs");
    return new Promise((resolve) => {
      let settled = false;
      const settle = async (error) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        if (error || run !== this.#run) await sender.close();
        else this.#sender = sender;
        resolve(error);
      };
      const sender = makeSender(way, this.#stream, this.#key(), (state, error) => {
        if (!settled && state === "connected") settle(null);
        else if (!settled && state === "failed") settle(error ?? new SendError(0, "ice"));
        else if (settled && this.#sender === sender && state === "failed") this.#lost(error);
      });
      const timer = setTimeout(() => settle(new SendError(0, "ice")), patience);
      this.#sender = sender;
      sender.publish(this.#media, this.quality, takeover).catch((error) => {
        settle(error instanceof SendError ? error : new SendError(0, String(error.message)));
      });
    });
  }

  /** The session is gone: by the server's own decision, or because the line broke. */
  #lost(error) {
    if (!onAir(this.phase) || this.phase === Phase.RECONNECTING) return;
    this.#move("lost");
    if (error && (FINAL.has(error.status) || error.slug === "taken_over")) this.#giveUp(error);
    else this.#reconnect();
  }

  #giveUp(error) {
    this.#run += 1;
    this.error = error;
    this.endedAt = Date.now();
    const sender = this.#sender;
    this.#sender = null;
    this.#move("refused");
    sender?.abandon();
    // Whoever took over has the stream now.
    if (error.slug !== "taken_over") this.#farewell.say();
  }

  async #reconnect() {
    const run = ++this.#run;
    const since = Date.now();
    this.deadline = since + RECONNECT_MS;
    this.#onchange();
    // Not closed: that would end the broadcast at the server, where it waits for the next session.
    this.#sender?.abandon();
    this.#sender = null;
    for (let tries = 0; run === this.#run; tries += 1) {
      await pause(BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)]);
      if (run !== this.#run) return;
      const error = await this.#attempt(run, Math.max(1, this.deadline - Date.now()));
      if (run !== this.#run) return;
      if (!error) {
        this.error = null;
        this.#move("connected");
        return;
      }
      const now = Date.now();
      const taken = error.status === 409 && now - since > OURS_MS;
      if (taken) error.slug = "taken_over";
      if (taken || FINAL.has(error.status) || now >= this.deadline) {
        this.#giveUp(error);
        return;
      }
    }
  }
}
