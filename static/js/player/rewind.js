// Back in time while it is live: the slider over what is recorded so far, and the way back to live.
// The past is played by a path of its own (PastPath in path.js).

import { html, nothing } from "../../vendor/lit.js";
import { duration, serverNow, t, timeOfDay } from "../page.js";

const LOOK_MS = 30_000;
const LEAST_SECONDS = 10;
/** Nearer to the end than this, the slider means live. */
const LIVE_SECONDS = 5;
const STEP_SECONDS = 10;

export class Rewind {
  /**
   * @param {import("./player.js").StreamdPlayer} player
   * @param {{new(what, events): import("./path.js").PastPath, reach(what): Promise<import("./path.js").Past|null>}} Path
   */
  constructor(player, Path) {
    this.player = player;
    this.past = null;
    this.Path = Path;
    this.lookedAt = -Infinity;
    this.dragged = null;
  }

  /** Asks, at most every 30 seconds and only while the controls are wanted, how far back one may go. */
  async look() {
    const now = performance.now();
    if (!this.player.route || this.player.variant !== "full" || now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    try {
      this.past = await this.Path.reach(this.player.router.host.what("video"));
    } catch {
      this.past = null; // nothing recorded, or no answer: live alone
    }
    this.player.requestUpdate();
  }

  get isBack() {
    return this.player.path === "dvr";
  }

  /** To a Unix time; close to the end is live. */
  to(at) {
    const { player, past } = this;
    if (!past) return;
    if (at > serverNow() - LIVE_SECONDS) {
      this.toLive();
      return;
    }
    player.wantsPlay = true;
    player.video.autoplay = true;
    player.router.rewind(this.Path, Math.max(past.from, at));
    player.requestUpdate();
  }

  toLive() {
    const { player } = this;
    if (!this.isBack) {
      player.route?.catchUp();
      return;
    }
    if (player.isOnAir) player.router.join();
    else player.leave(); // over meanwhile: there is no live to go to
    player.requestUpdate();
  }

  /** True where there is enough of a past to go back to. */
  get any() {
    return this.past !== null && serverNow() - this.past.from >= LEAST_SECONDS;
  }

  /** After each drawing: how much of the slider is behind the thumb (a style needs no attribute). */
  paint() {
    this.player.toggleAttribute("data-past", this.any);
    const slider = this.player.renderRoot.querySelector(".time-slider");
    if (!slider) return;
    const { min, max, value } = slider;
    slider.style.setProperty("--done", `${(100 * (value - min)) / (max - min)}%`);
  }

  template() {
    const { past } = this;
    const end = serverNow();
    if (!this.any) return nothing;
    const at = this.dragged ?? (this.isBack ? this.player.route.at ?? end : end);
    const behind = Math.max(0, end - at);
    const isLive = !this.isBack && this.dragged === null;
    const words = isLive ? t("Live") : t("%(time)s behind live", { time: duration(behind) });
    return html`<div class="timeline" dir="ltr">
      <span class="time">${isLive ? timeOfDay(past.from) : `−${duration(behind)}`}</span>
      <input
        type="range"
        class="time-slider"
        min=${past.from}
        max=${end}
        step="1"
        aria-label=${t("Time in the broadcast")}
        aria-valuetext=${words}
        .value=${String(at)}
        @input=${(event) => this.#drag(Number(event.target.value))}
        @change=${(event) => this.#drop(Number(event.target.value))}
        @keydown=${(event) => this.#step(event, at)}
      />
      <button type="button" class="to-live" aria-pressed=${String(isLive)} @click=${() => this.toLive()}>
        ${t("Live")}
      </button>
    </div>`;
  }

  #drag(at) {
    this.dragged = at;
    this.player.requestUpdate();
  }

  #drop(at) {
    this.dragged = null;
    this.to(at);
  }

  // By a second an arrow key would be of no use in an hour.
  #step(event, at) {
    const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    this.to(at + way * STEP_SECONDS);
  }
}
