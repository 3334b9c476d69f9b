// Draws the captions of a player: its own cues (captions.js) or the video's text tracks.

import { html, nothing } from "../../vendor/lit.js";
import { Cues, TextTracks } from "./captions.js";
import { asksForSound } from "./controls.js";
import { remember } from "./memory.js";

const LOOK_MS = 100;

export class CaptionLayer {
  /** @param {import("./player.js").StreamdPlayer} player */
  constructor(player, isOn) {
    this.player = player;
    this.isOn = isOn;
    this.cues = new Cues();
    this.lines = [];
    this.tracks = new TextTracks(player.video, () => this.#look());
    this.tracks.turn(isOn);
  }

  /** True where there are captions to switch on. */
  get any() {
    return this.cues.size > 0 || this.tracks.any;
  }

  /** @param {import("./captions.js").Cue[]} cues as the feed lists them, oldest first */
  take(cues) {
    this.cues.take(cues, this.player.clock);
    this.#watch();
    this.player.requestUpdate();
  }

  turn(isOn) {
    this.isOn = isOn;
    remember({ captions: isOn });
    this.tracks.turn(isOn);
    this.#watch();
    this.#look();
    this.player.requestUpdate();
  }

  clear() {
    this.cues.clear();
    this.#watch();
    this.#look();
  }

  template() {
    if (this.lines.length === 0) return nothing;
    const place = asksForSound(this.player) ? "captions raised" : "captions";
    return html`<div class=${place} part="captions">
      ${this.lines.map((line) => html`<p dir="auto">${line}</p>`)}
    </div>`;
  }

  #watch() {
    clearInterval(this.timer);
    if (this.isOn && this.cues.size > 0) this.timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #look() {
    const { clock } = this.player;
    // The feed's are as sent; a playlist has the same ones again, some of them late, and those of
    // the past, which the feed does not have.
    const hasOwn = clock !== null && this.cues.reaches(clock);
    const own = this.isOn && hasOwn ? this.cues.at(clock) : [];
    const lines = hasOwn ? own : this.tracks?.lines ?? [];
    if (lines.join("\n") === this.lines.join("\n")) return;
    this.lines = lines;
    this.player.requestUpdate();
  }
}
