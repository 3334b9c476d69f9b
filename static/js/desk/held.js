/**
 * What viewers wrote and nobody has judged yet: open answers, or questions. Rejecting waits a few
 * seconds at this desk, because the server can't take it back.
 */

import { call } from "../studio/api.js";

const ASK_MS = 3_000;
const REGRET_MS = 5_000;

export class Held {
  /** @type {{id: string, text: string, question: string}[]} */
  list = [];
  /** Viewers' questions that are shown: for "answered" and "hide". */
  shown = [];
  total = 0;
  place = 0;
  /** What was rejected and can still be taken back. */
  regret = null;
  error = null;

  #key;
  #onchange;
  #poll = null;
  #timer = 0;
  #sent = new Set();

  constructor(key, onchange) {
    this.#key = key;
    this.#onchange = onchange;
  }

  /** Whether the poll in hand collects anything to judge. */
  get judges() {
    return this.#poll !== null;
  }

  get isQa() {
    return this.#poll?.kind === "qa";
  }

  get current() {
    return this.list[this.place] ?? null;
  }

  /** @param {object | null} poll the one in hand */
  follow(poll) {
    const writes = poll?.opened_at && poll.questions.some(({ kind }) => kind === "qa" || kind === "text");
    const wanted = writes ? poll : null;
    if (wanted?.id === this.#poll?.id) return;
    this.settle();
    this.#poll = wanted;
    this.list = [];
    this.shown = [];
    this.total = 0;
    this.place = 0;
    this.error = null;
    clearTimeout(this.#timer);
    if (wanted) this.#ask();
  }

  async #ask() {
    const poll = this.#poll;
    if (!poll) return;
    clearTimeout(this.#timer);
    try {
      const found = await (this.isQa ? this.#items(poll) : this.#answers(poll));
      if (poll !== this.#poll) return;
      const kept = this.current?.id;
      this.list = found.filter((one) => !this.#sent.has(one.id));
      const place = this.list.findIndex((one) => one.id === kept);
      this.place = place < 0 ? Math.min(this.place, Math.max(0, this.list.length - 1)) : place;
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    if (poll !== this.#poll) return;
    this.#timer = setTimeout(() => this.#ask(), ASK_MS);
    this.#onchange();
  }

  async #answers(poll) {
    const { answers, total } = await call("GET", `/polls/${poll.id}/answers?state=held`, { key: this.#key() });
    this.total = total;
    return answers.map(({ ballot_id, question, text }) => ({ id: `${ballot_id}/${question}`, ballot_id, question, text }));
  }

  async #items(poll) {
    const { items } = await call("GET", `/polls/${poll.id}/items`, { key: this.#key() });
    this.shown = items
      .filter((one) => one.state === "shown" || one.state === "answered")
      .sort((a, b) => (a.state === b.state ? b.upvotes - a.upvotes : a.state === "shown" ? -1 : 1));
    const held = items.filter((one) => one.state === "held");
    this.total = held.length;
    return held.map(({ id, text }) => ({ id, text, question: "" }));
  }

  choose(by) {
    this.place = Math.max(0, Math.min(this.list.length - 1, this.place + by));
    this.#onchange();
  }

  pick(id) {
    this.place = Math.max(0, this.list.findIndex((one) => one.id === id));
    this.#onchange();
  }

  approve(one = this.current) {
    if (one) this.#judge(one, "approve");
  }

  /** @returns {boolean} whether there was one to reject */
  reject(one = this.current) {
    if (!one) return false;
    this.settle();
    this.#drop(one);
    this.regret = { one, poll: this.#poll, timer: setTimeout(() => this.settle(), REGRET_MS) };
    this.#onchange();
    return true;
  }

  /** Takes the last rejection back. */
  restore() {
    if (!this.regret) return false;
    clearTimeout(this.regret.timer);
    this.#sent.delete(this.regret.one.id);
    this.list = [this.regret.one, ...this.list];
    this.place = 0;
    this.regret = null;
    this.#onchange();
    return true;
  }

  /** Sends the rejection that waits, if there is one. */
  settle() {
    if (!this.regret) return;
    const { one, poll, timer } = this.regret;
    clearTimeout(timer);
    this.regret = null;
    this.#send(poll, one, "reject");
    this.#onchange();
  }

  /** A viewer's question that is on the screens: "answer" or "hide". */
  async move(item, move) {
    await this.#send(this.#poll, item, move);
    this.#ask();
  }

  #judge(one, verdict) {
    this.#drop(one);
    this.#send(this.#poll, one, verdict);
    this.#onchange();
  }

  #drop(one) {
    this.#sent.add(one.id);
    this.list = this.list.filter((other) => other.id !== one.id);
    this.place = Math.max(0, Math.min(this.place, this.list.length - 1));
  }

  async #send(poll, one, move) {
    const isQa = poll.kind === "qa";
    const path = isQa ? `items/${one.id}` : `answers/${one.ballot_id}`;
    const body = isQa ? { move } : { verdict: move, question: one.question };
    try {
      await call("POST", `/polls/${poll.id}/${path}`, { key: this.#key(), body, keepalive: true });
    } catch (error) {
      // What another desk has judged meanwhile is judged; anything else stands in the list again.
      if (error.status !== 409 && error.status !== 404) {
        this.#sent.delete(one.id);
        this.error = error;
      }
    }
    if (poll === this.#poll && isQa) this.#ask();
    this.#onchange();
  }
}
