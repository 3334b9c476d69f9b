// One quiet line over the picture, for what the viewer should know and need not act upon.

import { html, nothing } from "../../vendor/lit.js";
import { t } from "../page.js";
import { titleOf } from "./menu.js";
import { Slowness } from "./slowness.js";

const SHOWN_MS = 6000;
const OFFER_SHOWN_MS = 30_000;
const LASTING = ["unsupported", "codec", "b-frames"];

export class Notice {
  /** @param {import("./player.js").StreamdPlayer} player */
  constructor(player) {
    this.player = player;
    this.slowness = new Slowness();
    this.text = null;
    this.isOffer = false;
  }

  /** The server passed over parts for us: said each time, and sometimes with a way out. */
  skipped() {
    if (this.slowness.skipped(performance.now()) === "offer") this.slow();
    else if (!this.isOffer) this.#say(t("Your connection is slow: we skipped ahead to live"), SHOWN_MS);
  }

  /** The line is too narrow for the picture: sound and stills are offered. */
  slow() {
    if (this.player.mode !== "video") return;
    const text = t("Your connection is slow for the picture. Go on with sound and stills?");
    this.#say(text, OFFER_SHOWN_MS, true);
  }

  /** A path gave up and another took its place. */
  fellBack(from, to, reason) {
    const names = { from: titleOf(from), to: titleOf(to) };
    const text = LASTING.includes(reason)
      ? t("%(from)s cannot carry this broadcast here. You are watching by: %(to)s.", names)
      : t("%(from)s does not get through. You are watching by: %(to)s.", names);
    this.#say(text, SHOWN_MS);
  }

  clear() {
    clearTimeout(this.timer);
    this.text = null;
    this.isOffer = false;
    this.player.requestUpdate();
  }

  template() {
    if (this.text === null) return html`<div class="toast notice" role="status"></div>`;
    return html`<div class="toast notice" role="status">
      <span>${this.text}${this.isOffer ? this.#answers() : nothing}</span>
    </div>`;
  }

  #answers() {
    const answer = (act) => () => {
      this.slowness.answered(performance.now());
      this.clear();
      act();
    };
    return html`<span class="answers">
      <button type="button" class="yes" @click=${answer(() => this.player.take("saver"))}>
        ${t("Sound and stills")}
      </button>
      <button type="button" @click=${answer(() => {})}>${t("Keep the picture")}</button>
    </span>`;
  }

  #say(text, forMs, isOffer = false) {
    clearTimeout(this.timer);
    this.text = text;
    this.isOffer = isOffer;
    this.timer = setTimeout(() => this.clear(), forMs);
    this.player.requestUpdate();
  }
}
