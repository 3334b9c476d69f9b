// The polls of a broadcast on air, for a viewer who has gone back in it: what is over meanwhile
// stands as it stood at his picture. What is open is the live card's, which takes his vote.

import "./card.js";
import { chosen } from "./replay.js";

/** The numbers of late answers move, and polls end. */
const AGAIN_MS = 10_000;

export class PastPolls {
  /** @param {HTMLElement} dock  @param {import("../../feed.js").Feed} feed */
  constructor(dock, feed) {
    this.card = document.createElement("streamd-replay");
    this.card.feed = () => feed;
    this.card.hidden = true;
    dock.append(this.card);
    this.entries = [];
    this.askedAt = -Infinity;
  }

  /**
   * Shows what stood at the picture of `time`; says whether there is anything.
   * @param {string|undefined} recording its id, where it is known
   */
  show(recording, time) {
    this.#ask(recording);
    this.card.show(chosen(this.entries, time, this.card.held), time);
    this.card.hidden = this.card.poll === null;
    return !this.card.hidden;
  }

  leave() {
    this.card.show(null, 0);
    this.card.hidden = true;
    this.askedAt = -Infinity;
  }

  async #ask(recording) {
    if (!recording || performance.now() - this.askedAt < AGAIN_MS) return;
    this.askedAt = performance.now();
    try {
      const answer = await fetch(`/vod/${encodeURIComponent(recording)}/polls.json`);
      const { polls } = await answer.json();
      this.entries = polls.filter(({ poll }) => poll.state !== "open");
    } catch {
      // no line: what is known stands
    }
  }
}
