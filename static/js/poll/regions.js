// A closed poll's answers by region, which are told once it is over: asked for once, and not by
// everybody in the same second.

import { page } from "../page.js";

const FIRST_MS = 1000;
const SPREAD_MS = 4000;
const AGAIN_MS = 10_000;
const TRIES = 3;

export class Regions {
  /** @param {(regions: object) => void} onRegions `{region: {total, counts}}`, null: withheld */
  constructor(onRegions) {
    this.onRegions = onRegions;
    this.tries = 0;
  }

  /** The poll's row is news. */
  follow(poll) {
    const isOver = poll.state !== "open" && poll.opened_at;
    if (!isOver || this.timer || !page.regions?.length) return;
    this.timer = setTimeout(() => this.#ask(poll.id), FIRST_MS + Math.random() * SPREAD_MS);
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  async #ask(id) {
    this.tries += 1;
    try {
      const answer = await fetch(`/api/v1/polls/${encodeURIComponent(id)}`);
      const row = await answer.json();
      if (!this.isClosed && answer.ok) this.onRegions(row.regions ?? {});
    } catch {
      if (!this.isClosed && this.tries < TRIES) this.timer = setTimeout(() => this.#ask(id), AGAIN_MS);
    }
  }
}
