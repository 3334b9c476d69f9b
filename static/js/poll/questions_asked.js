// A viewer's own questions and votes for others', in a poll that collects them.

import { drop, keep, kept, placeOf, random128 } from "./keeping.js";
import { callOrPost, REFUSALS_FROM } from "./posting.js";

export const ITEM_CHARACTERS = 300;
export const ASKED_AT_MOST = 3;

export class QuestionsAsked {
  /**
   * @param {string} poll its id
   * @param {import("../feed.js").Feed} feed
   * @param {() => void} onChange
   * @param {string} holder whose they are
   */
  constructor(poll, feed, onChange, holder) {
    this.poll = poll;
    this.feed = feed;
    this.onChange = onChange;
    this.key = placeOf("asked", poll, holder);
    const found = kept(this.key);
    this.mine = found?.mine ?? [];
    this.wanted = new Set(found?.wanted);
    this.text = found?.text ?? "";
    this.item = null;
    this.isSending = false;
    this.fault = "";
    this.error = 0;
    this.upvoting = new Set();
  }

  get isFull() {
    return this.mine.length >= ASKED_AT_MOST;
  }

  write(text) {
    this.text = text;
    this.fault = "";
    this.item = null;
    this.#keep();
  }

  /** Sends the question; true once it is held. A lost line leaves it to be sent again, once. */
  async ask() {
    const text = this.text.normalize("NFC").trim();
    this.fault = "";
    this.item ??= random128();
    const body = { id: this.item, text };
    this.isSending = true;
    this.onChange();
    try {
      const path = `/api/v1/polls/${encodeURIComponent(this.poll)}/items`;
      const held = await callOrPost(this.feed, "ask", { poll: this.poll, ...body }, path, body);
      this.mine = [...this.mine, { id: held.id, text: held.text }];
      this.text = "";
      this.item = null;
      return true;
    } catch (error) {
      this.fault = error.code >= REFUSALS_FROM ? error.code : "line";
      return false;
    } finally {
      this.isSending = false;
      this.#keep();
    }
  }

  /** Votes for `item`; resolves to how many want it now, or null where it was not taken. */
  async upvote(item) {
    if (this.wanted.has(item) || this.upvoting.has(item)) return null;
    this.upvoting.add(item);
    this.error = 0;
    this.onChange();
    try {
      const path = `/api/v1/polls/${encodeURIComponent(this.poll)}/items/${encodeURIComponent(item)}/upvote`;
      const { upvotes } = await callOrPost(this.feed, "upvote", { poll: this.poll, id: item }, path, {});
      this.wanted.add(item);
      return upvotes;
    } catch (error) {
      this.error = error.code >= REFUSALS_FROM ? error.code : "line";
      return null;
    } finally {
      this.upvoting.delete(item);
      this.#keep();
    }
  }

  #keep() {
    const found = { mine: this.mine, wanted: [...this.wanted], text: this.text };
    if (found.mine.length || found.wanted.length || found.text) keep(this.key, found);
    else drop(this.key);
    this.onChange();
  }
}
