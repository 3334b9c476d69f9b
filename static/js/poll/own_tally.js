// The results that only those who have answered see: asked for with the ballot's id, at most once
// in some seconds while answers come in.

import { postJson } from "./posting.js";

const AGAIN_MS = 10_000;
const SPREAD_MS = 3000;

export class OwnTally {
  /**
   * @param feed
   * @param {{poll: string, ballot_id: string}} receipt of a counted ballot
   * @param {(tally: object) => void} onTally
   */
  constructor(feed, { poll, ballot_id }, onTally) {
    this.feed = feed;
    this.body = { poll, ballot_id };
    this.onTally = onTally;
    this.seq = -1;
    this.#ask();
  }

  /** The poll stands at `seq` now. */
  news(seq) {
    if (this.isClosed || this.timer || seq <= this.seq) return;
    this.timer = setTimeout(() => this.#ask(), AGAIN_MS + Math.random() * SPREAD_MS);
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  async #ask() {
    this.timer = null;
    const tally = await this.#read().catch(() => null);
    if (this.isClosed) return;
    if (!tally) {
      this.timer = setTimeout(() => this.#ask(), AGAIN_MS);
      return;
    }
    this.seq = tally.seq;
    this.onTally(tally);
  }

  async #read() {
    try {
      return await this.feed.call("tally", this.body);
    } catch {
      const { poll, ballot_id } = this.body;
      return postJson(`/api/v1/polls/${encodeURIComponent(poll)}/tally`, { ballot_id });
    }
  }
}
