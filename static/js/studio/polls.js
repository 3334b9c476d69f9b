/** The polls of this stream: drafts and results, kept fresh by the feed. */

import { call } from "./api.js";

/** At most so often a tally that the feed does not tell is asked for. */
const ASK_MS = 500;

export class Polls {
  /** null until the first answer. */
  list = null;
  /** Set by the last request that failed, cleared by the next that works. */
  error = null;
  /** The id of a poll with a request under way, "new" for the composer. */
  busy = "";

  #stream;
  #key;
  #onchange;
  #asking = null;

  /**
   * @param {string} stream
   * @param {() => string} key
   * @param {() => void} onchange
   */
  constructor(stream, key, onchange) {
    this.#stream = stream;
    this.#key = key;
    this.#onchange = onchange;
  }

  get open() {
    return (this.list ?? []).filter((poll) => poll.state === "open");
  }

  /** Reads all of them anew. A tally that the feed has brought meanwhile stays if it is newer. */
  async load() {
    const query = `/polls?stream=${encodeURIComponent(this.#stream)}`;
    try {
      const { polls } = await call("GET", query, { key: this.#key() });
      const known = new Map((this.list ?? []).map((poll) => [poll.id, poll.tally]));
      this.list = polls.map((poll) => ({ ...poll, tally: newer(known.get(poll.id), poll.tally) }));
    } catch (error) {
      // With a list in hand the next reading will do.
      if (!this.list) this.error = error;
    }
    this.#onchange();
  }

  /**
   * Makes a poll of what the composer wrote, or changes the one that it was opened with.
   * @param {object} body
   * @param {object | null} [editing] that poll's row
   * @returns {Promise<object | null>} the poll's row, null where it did not work
   */
  async keep(body, editing = null) {
    let kept = null;
    const path = editing
      ? `/polls/${encodeURIComponent(editing.id)}`
      : `/streams/${encodeURIComponent(this.#stream)}/polls`;
    await this.#run("new", async () => {
      kept = await call(editing ? "PATCH" : "POST", path, { key: this.#key(), body });
      this.take(kept);
    });
    return kept;
  }

  /**
   * @param {"open" | "close" | "show" | "archive" | "deadline"} verb
   * @param {object} [body] `at`, or the deadline's `closes_at`
   * @returns {Promise<boolean>}
   */
  async move(id, verb, body = {}) {
    return this.#run(id, async () => {
      const path = `/polls/${encodeURIComponent(id)}/${verb}`;
      this.take(await call("POST", path, { key: this.#key(), body }));
    });
  }

  async #run(what, request) {
    this.busy = what;
    this.#onchange();
    try {
      await request();
      this.error = null;
      return true;
    } catch (error) {
      this.error = error;
      return false;
    } finally {
      this.busy = "";
      this.#onchange();
    }
  }

  /** Takes a poll whole, from an answer or from the feed. */
  take(poll) {
    const list = this.list ?? [];
    const place = list.findIndex((one) => one.id === poll.id);
    if (place < 0) {
      this.list = [poll, ...list].sort((a, b) => b.created_at - a.created_at);
    } else {
      const known = list[place].tally;
      const tally = newer(known, poll.tally);
      this.list = list.with(place, { ...poll, tally });
    }
    this.#onchange();
  }

  /** Takes a tally from `poll:{id}`. */
  count(tally) {
    const place = (this.list ?? []).findIndex((poll) => poll.id === tally.poll);
    if (place < 0) return;
    const poll = this.list[place];
    if (tally.counts === null && poll.tally?.counts) {
      // The feed tells what everybody may know; the organiser may know more, and asks.
      this.#askSoon(poll.id);
      tally = { ...poll.tally, total: tally.total };
    }
    this.list = this.list.with(place, { ...poll, tally: newer(poll.tally, tally) });
    this.#onchange();
    if (tally.state && tally.state !== poll.state) this.load();
  }

  #askSoon(id) {
    this.#asking ??= setTimeout(async () => {
      this.#asking = null;
      try {
        this.take(await call("GET", `/polls/${encodeURIComponent(id)}`, { key: this.#key() }));
      } catch {
        // The next tally asks again.
      }
    }, ASK_MS);
  }
}

/** A tally only grows: an older one that arrives late is dropped. */
function newer(known, fresh) {
  if (!known) return fresh;
  if (!fresh) return known;
  return fresh.seq >= known.seq ? fresh : known;
}
