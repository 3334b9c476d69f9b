/** Keeps the polls fresh: the tallies of open ones by the feed, all of them by asking now and then. */

const ASK_MS = 10_000;

export class PollUpdates {
  #polls;
  #followed = new Set();
  #askedAt = 0;

  /** @param {import("./polls.js").Polls} polls */
  constructor(polls) {
    this.#polls = polls;
  }

  /**
   * Follows the tallies of exactly the open polls.
   * @param {import("../feed.js").Feed | null} feed
   */
  follow(feed) {
    if (!feed) return;
    const open = new Set(this.#polls.open.map((poll) => poll.id));
    for (const id of this.#followed) if (!open.has(id)) feed.unsubscribe(`poll:${id}`);
    for (const id of open) {
      if (this.#followed.has(id)) continue;
      feed.subscribe(`poll:${id}`, (tally) => this.#polls.count(tally));
    }
    this.#followed = open;
  }

  /** Polls asked or closed by others, headquarters for one, and by their own time limit. */
  refresh() {
    if (!this.#polls.list || Date.now() - this.#askedAt < ASK_MS) return;
    this.#askedAt = Date.now();
    this.#polls.load();
  }
}
