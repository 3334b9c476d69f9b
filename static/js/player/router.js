// Takes the player from path to path: the chosen one first, another where it fails, back when it
// may work again. The picture stays in sight meanwhile (Still), volume and sound are the element's.

import { Choice, isSame } from "./choice.js";
import { PATHS } from "./paths.js";
import { Watchdog } from "./watchdog.js";

/**
 * @typedef {object} Host what the player lends the router
 * @property {(mode: "video"|"audio") => import("./path.js").What} what
 * @property {(isCurrent: () => boolean) => import("./path.js").Events} events for a new path
 * @property {() => void} beforeSwitch the element is about to lose its source
 * @property {() => boolean} isOnAir whether there is a broadcast to join
 * @property {() => void} onOver a path gave up, and there is none
 * @property {() => void} onSlow media arrives, and not fast enough to be shown
 * @property {(from: object, to: object|null, reason: string) => void} onFallback
 */

export class Router {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.choice = new Choice();
    this.watchdog = new Watchdog();
    this.chosen = "auto";
    this.option = null;
    this.route = null;
    this.gen = 0;
    this.bytes = 0;
  }

  get plan() {
    return this.choice.plan(this.chosen, Boolean(navigator.connection?.saveData));
  }

  /** Starts the best path there is. False where none may be tried now. */
  join() {
    const option = this.choice.best(this.plan, this.#isAble, performance.now());
    if (option) this.#take(option);
    return Boolean(option);
  }

  leave() {
    this.#drop();
    this.option = null;
  }

  /** The viewer's wish. True where another path or mode is taken for it. */
  choose(chosen) {
    this.chosen = chosen;
    this.choice.forget();
    if (!this.route) return false;
    const best = this.choice.best(this.plan, this.#isAble, performance.now());
    if (!best || isSame(best, this.option)) return false;
    this.#take(best);
    return true;
  }

  /** Watches the past, from a Unix time on. */
  rewind(PastPath, at) {
    if (this.option?.path === "dvr") {
      this.route.seek(at);
      return;
    }
    this.#take({ path: "dvr", mode: "video", at }, PastPath);
  }

  /** The path gave up, or does nothing: the next one. */
  giveUp(reason) {
    const from = this.option;
    if (!from) return;
    const now = performance.now();
    this.choice.failed(from, reason, now);
    this.#drop();
    this.option = null;
    if (!this.host.isOnAir()) {
      this.host.onOver();
      return;
    }
    this.join();
    this.host.onFallback(from, this.option, reason);
  }

  /** Another generation may have what the one before lacked. */
  follow(gen) {
    if (!gen || gen === this.gen) return;
    if (this.gen) this.choice.forget();
    this.gen = gen;
  }

  /** Milliseconds until a path may be tried again; Infinity where none will be. */
  get waitMs() {
    const now = performance.now();
    return this.choice.nextTry(this.plan, this.#isAble, now) - now;
  }

  /**
   * Once a second. `mark` changes with everything that is played; null where nothing is expected.
   */
  tick(mark) {
    const bytes = this.route?.bytes ?? 0;
    const arrives = bytes > this.bytes || Boolean(this.route?.isFilling);
    this.bytes = bytes;
    const now = performance.now();
    if (mark === null || !this.route) {
      this.watchdog.reset();
      return;
    }
    const verdict = this.watchdog.look(now, mark, arrives);
    if (verdict === "rebuild") this.route.rejoin();
    else if (verdict === "slow") this.host.onSlow();
    else if (verdict === "fall back") this.giveUp("stuck");
    else this.#comeBack(now);
  }

  #comeBack(now) {
    if (!this.option || this.option.path === "dvr") return;
    this.choice.plays(this.option, now);
    const best = this.choice.best(this.plan, this.#isAble, now);
    const place = (one) => this.plan.findIndex((other) => isSame(one, other));
    if (best && place(best) < place(this.option)) this.#take(best);
  }

  #take(option, PathClass = PATHS[option.path]) {
    this.#drop();
    this.option = option;
    let route = null;
    const events = this.host.events(() => route !== null && this.route === route);
    route = new PathClass({ ...this.host.what(option.mode), at: option.at }, events);
    this.route = route;
    route.start();
  }

  #drop() {
    const { route } = this;
    this.watchdog.reset();
    if (!route) return;
    this.host.beforeSwitch();
    this.route = null;
    route.stop();
    const { video } = this.host.what("video");
    if (video.srcObject) video.srcObject = null;
    video.removeAttribute("src");
    video.load();
  }

  #isAble = ({ path, mode }) => {
    const PathClass = PATHS[path];
    if (!PathClass) return false;
    return PathClass.able ? PathClass.able(this.host.what(mode)) : true;
  };
}
