/**
 * One broadcast: the WHIP session, its reconnection, and what people are told about it.
 */

import { Phase, after, onAir } from "./lifecycle.js";
import { WhipClient, WhipError, qualityNamed } from "./whip.js";

const CONNECT_MS = 12_000;
const RECONNECT_MS = 30_000;
const GRACE_MS = 3_000;
const BACKOFF_MS = [0, 500, 1_000, 2_000, 4_000, 8_000];

/** Answers that another attempt cannot change. 409 while reconnecting is our own lost session. */
const FINAL = new Set([-1, 400, 401, 403, 404, 406, 413, 415]);

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Broadcast {
  phase = Phase.CHECK;
  /** @type {WhipError | null} why the last attempt failed */
  error = null;
  /** Unix milliseconds of the first picture that reached the server, null before. */
  startedAt = null;
  endedAt = null;
  /** When reconnecting gives up, Unix milliseconds. */
  deadline = null;
  quality = qualityNamed("720p");

  #endpoint;
  #key = () => "";
  #onchange;
  #client = null;
  #media = null;
  #run = 0;
  #grace = 0;

  /**
   * @param {string} endpoint the WHIP URL
   * @param {() => string} key
   * @param {() => void} onchange
   */
  constructor(endpoint, key, onchange) {
    this.#endpoint = endpoint;
    this.#key = key;
    this.#onchange = onchange;
  }

  #move(move) {
    this.phase = after(this.phase, move);
    this.#onchange();
  }

  /** Goes live. Resolves when live or refused; the outcome stands in `phase` and `error`. */
  async start(media) {
    this.#media = media;
    this.error = null;
    this.startedAt = this.endedAt = null;
    this.#move("start");
    const run = ++this.#run;
    const error = await this.#attempt(run, CONNECT_MS);
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
    this.#run += 1;
    clearTimeout(this.#grace);
    const client = this.#client;
    this.#client = null;
    this.endedAt = Date.now();
    this.#move("stop");
    await client?.close();
  }

  /** Back from "ended" to the device check. */
  again() {
    this.error = null;
    this.#move("again");
  }

  /** The phone took the camera or microphone away (a call), or gave it back. */
  interrupted(yes) {
    if (yes && this.phase === Phase.LIVE) this.#move("interrupted");
    if (!yes && this.phase === Phase.PAUSED) this.#move("resumed");
  }

  async setQuality(name) {
    this.quality = qualityNamed(name);
    this.#onchange();
    await this.#client?.setQuality(this.quality);
  }

  async replaceTrack(track) {
    await this.#client?.replaceTrack(track);
  }

  async stats() {
    return (await this.#client?.stats()) ?? null;
  }

  /** @returns {Promise<WhipError | null>} null once media flows */
  #attempt(run, patience) {
    return new Promise((resolve) => {
      let settled = false;
      const client = new WhipClient(this.#endpoint, this.#key(), (state) => {
        if (state === "connected" && !settled) settle(null);
        else if (state === "failed" && !settled) settle(new WhipError(0, "ice"));
        else if (settled && this.#client === client) this.#watch(state);
      });
      const timer = setTimeout(() => settle(new WhipError(0, "ice")), patience);
      const settle = (error) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        if (error || run !== this.#run) client.close();
        else this.#client = client;
        resolve(error);
      };
      this.#client = client;
      client.publish(this.#media, this.quality).catch((error) => {
        settle(error instanceof WhipError ? error : new WhipError(0, String(error.message)));
      });
    });
  }

  #watch(state) {
    clearTimeout(this.#grace);
    if (state === "failed") this.#reconnect();
    // A short gap often heals by itself (ICE checks go on); a new session would cost a keyframe.
    if (state === "disconnected") this.#grace = setTimeout(() => this.#reconnect(), GRACE_MS);
  }

  async #reconnect() {
    if (this.phase !== Phase.LIVE && this.phase !== Phase.PAUSED) return;
    const run = ++this.#run;
    this.deadline = Date.now() + RECONNECT_MS;
    this.#move("lost");
    const lost = this.#client;
    this.#client = null;
    // Not awaited: on a dead line it would use up the time there is.
    const left = lost?.close();
    await Promise.race([left, pause(1_000)]);
    for (let tries = 0; run === this.#run; tries += 1) {
      await pause(BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)]);
      if (run !== this.#run) return;
      const remaining = this.deadline - Date.now();
      const error = remaining > 0 ? await this.#attempt(run, remaining) : this.error;
      if (run !== this.#run) return;
      if (!error && remaining > 0) {
        this.error = null;
        this.#move("connected");
        return;
      }
      this.error = error ?? new WhipError(0, "ice");
      if (FINAL.has(this.error.status) || Date.now() >= this.deadline) {
        this.endedAt = Date.now();
        this.#move("refused");
        return;
      }
    }
  }
}
