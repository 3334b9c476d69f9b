// Which path is taken. Pure: it is told what the viewer chose, what this browser is able to do and
// what failed, and answers with the path to try. `now` in milliseconds.

import { Backoff } from "./backoff.js";

/** What a viewer can choose, in the menu's order. */
export const CHOICES = ["auto", "ws", "hls", "whep", "saver"];

/**
 * A path and what it is to carry.
 * @typedef {{path: "ws"|"hls"|"whep", mode: "video"|"audio"}} Option
 */
const option = (path, mode = "video") => ({ path, mode });

const WS = option("ws");
const WHEP = option("whep");
const HLS = option("hls");
const SOUND = option("ws", "audio");

const PLANS = {
  auto: [WS, WHEP, HLS],
  ws: [WS, WHEP, HLS],
  whep: [WHEP, WS, HLS],
  hls: [HLS, WS, WHEP],
  saver: [SOUND, HLS],
};

// Nothing but another generation of the stream changes these.
const LASTING = ["unsupported", "codec", "b-frames"];
const FIRST_PAUSE_MS = 20_000;
const MOST_PAUSE_MS = 300_000;
const GOOD_MS = 60_000;

const key = ({ path, mode }) => `${path}/${mode}`;

export class Choice {
  /** @param {() => number} random from 0 to 1 */
  constructor(random = Math.random) {
    this.random = random;
    this.failures = new Map();
  }

  /** The options of a choice, best first; a saver of data is served by "auto" too. */
  plan(chosen, savesData = false) {
    return PLANS[chosen === "auto" && savesData ? "saver" : chosen] ?? PLANS.auto;
  }

  /**
   * The best option that is able and not resting after a failure, or null.
   * @param {Option[]} plan
   * @param {(option: Option) => boolean} isAble
   */
  best(plan, isAble, now) {
    return plan.find((one) => isAble(one) && this.#restsUntil(one) <= now) ?? null;
  }

  /** When the next option that now rests may be tried again; Infinity where none will be. */
  nextTry(plan, isAble, now) {
    const times = plan.filter(isAble).map((one) => this.#restsUntil(one));
    return Math.min(Infinity, ...times.filter((time) => time > now));
  }

  /** @param {import("./path.js").Reason} reason why it gave up */
  failed(one, reason, now) {
    const failure = this.failures.get(key(one)) ?? {
      backoff: new Backoff(FIRST_PAUSE_MS, MOST_PAUSE_MS, this.random),
    };
    const isLasting = LASTING.includes(reason);
    failure.reason = reason;
    failure.until = isLasting ? Infinity : now + failure.backoff.next();
    failure.goodSince = null;
    this.failures.set(key(one), failure);
  }

  /** It plays: once it has played for a minute, an earlier failure no longer counts. */
  plays(one, now) {
    const failure = this.failures.get(key(one));
    if (!failure) return;
    failure.goodSince ??= now;
    if (now - failure.goodSince > GOOD_MS) this.failures.delete(key(one));
  }

  /** Why an option rests, or null where it does not. */
  reason(one, now) {
    return this.#restsUntil(one) > now ? this.failures.get(key(one)).reason : null;
  }

  /** Another generation, or a network that is back: everything may be tried at once. */
  forget() {
    this.failures.clear();
  }

  #restsUntil(one) {
    return this.failures.get(key(one))?.until ?? 0;
  }
}

/** True for the same path in the same mode. */
export const isSame = (a, b) => Boolean(a && b && key(a) === key(b));
