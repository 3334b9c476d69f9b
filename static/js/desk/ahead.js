/** When viewers see what is done next: with the next picture, or some seconds of the broadcast later. */

import { page, serverNow } from "../page.js";

/** In the order in which the key goes through them. */
export const AHEAD_SECONDS = Object.freeze([0, 10, 30, 60]);

export class Ahead {
  seconds = 0;
  #stream;
  #onchange;
  #row = null;

  /** @param {string} stream its id @param {() => void} onchange */
  constructor(stream, onchange) {
    this.#stream = stream;
    this.#onchange = onchange;
  }

  /** @param {import("../feed.js").Feed} feed */
  follow(feed) {
    // Not `stream:{id}`: whoever subscribes to that counts as a viewer.
    feed.subscribe(`event:${page.event.id}`, ({ streams = [] }) => {
      this.#row = streams.find(({ id }) => id === this.#stream) ?? null;
      this.#onchange();
    });
  }

  /** Off air polls go by the wall clock, at once. */
  get isOffered() {
    return this.#row?.state === "live" && Boolean(this.#row.started_at);
  }

  choose(seconds) {
    this.seconds = seconds;
    this.#onchange();
  }

  next() {
    const place = AHEAD_SECONDS.indexOf(this.seconds);
    this.choose(AHEAD_SECONDS[(place + 1) % AHEAD_SECONDS.length]);
  }

  /** The body of a move: `at`, the media time of its picture. After it the next is at once again. */
  take() {
    const { seconds } = this;
    this.seconds = 0;
    if (!seconds || !this.isOffered) return {};
    return { at: serverNow() - this.#row.started_at + seconds };
  }
}
