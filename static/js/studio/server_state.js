/**
 * What the server says of this stream: whether the key opens it, its health, and who watches.
 */

import { Feed } from "../feed.js";
import { page } from "../page.js";
import { ApiError, call } from "./api.js";

export const Access = Object.freeze({
  CHECKING: "checking",
  OPEN: "open",
  /** The link held no key. */
  NO_KEY: "no-key",
  WRONG_KEY: "wrong-key",
  /** No such stream here. */
  UNKNOWN: "unknown",
});

const ON_AIR_MS = 2_000;
const IDLE_MS = 6_000;

export class ServerState {
  access = Access.CHECKING;
  /** The server's Health of this stream, null before the first answer. */
  health = null;
  /** Why the last request for it failed, null if it did not. */
  unreachable = null;
  viewers = page.stream.viewers ?? 0;
  /** The most viewers since `beginCount`. */
  peak = 0;
  online = true;
  /** The feed's line, null before `follow`. */
  feed = null;

  #stream;
  #key;
  #desk;
  #wasUp = false;
  #timer = 0;
  #at = 0;

  /**
   * @param {string} stream the stream's id
   * @param {() => string} key
   * @param {{isOnAir: () => boolean, onchange: () => void, onhealth: () => void,
   *   onrefused: () => void}} desk `onhealth` after each answer to the question for health,
   *   `onrefused` where the key opens nothing here
   */
  constructor(stream, key, desk) {
    this.#stream = stream;
    this.#key = key;
    this.#desk = desk;
  }

  /** Seconds that the broadcast has been on air by the server's count, null off air. */
  get uptime() {
    const seconds = this.health?.uptime_seconds ?? null;
    return seconds === null ? null : seconds + (performance.now() - this.#at) / 1000;
  }

  allow(access) {
    this.access = access;
    this.#desk.onchange();
  }

  /** Asks for the health, and again from then on for as long as the key opens the stream. */
  async check() {
    clearTimeout(this.#timer);
    try {
      this.health = await call("GET", `/streams/${encodeURIComponent(this.#stream)}/health`, {
        key: this.#key(),
      });
      this.#at = performance.now();
      this.unreachable = null;
      this.#count(this.health.viewers ?? this.viewers);
      this.access = Access.OPEN;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#refused(error);
    }
    this.#desk.onhealth();
    if (this.access === Access.WRONG_KEY || this.access === Access.UNKNOWN) return;
    this.#timer = setTimeout(() => this.check(), this.#desk.isOnAir() ? ON_AIR_MS : IDLE_MS);
  }

  #refused(error) {
    if (error.status === 401 || error.status === 403) {
      this.access = Access.WRONG_KEY;
      this.#desk.onrefused();
    } else if (error.status === 404) this.access = Access.UNKNOWN;
    else {
      // The key may well be right: the studio opens, and says that the server does not answer.
      this.unreachable = error;
      this.access = Access.OPEN;
    }
  }

  follow() {
    if (this.feed) return;
    this.feed = new Feed(page.feed_url);
    // Not `stream:{id}`: whoever subscribes to that is a viewer, and would count here as one.
    this.feed.subscribe(`event:${page.event.id}`, ({ streams = [] }) => {
      const row = streams.find((stream) => stream.id === this.#stream);
      if (row) this.#count(row.viewers ?? this.viewers);
      this.#desk.onchange();
    });
    this.feed.watch((up) => {
      // A feed that has not been up yet is on its way, not away.
      this.#wasUp ||= up;
      this.online = up || !this.#wasUp;
      this.#desk.onchange();
    });
  }

  /** A new broadcast: its peak is its own. */
  beginCount() {
    this.peak = 0;
  }

  #count(viewers) {
    this.viewers = viewers;
    if (this.#desk.isOnAir()) this.peak = Math.max(this.peak, viewers);
  }

  close() {
    this.feed?.close();
    clearTimeout(this.#timer);
  }
}
