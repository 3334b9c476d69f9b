// One voter's ballot in one poll: made once, kept until it is counted, sent again as often as the
// line demands. The same ballot id always gets the same receipt, so sending it twice is safe.

import { Backoff } from "../player/backoff.js";

const REFUSALS_FROM = 1001;
const NO_IDENTITY = 1004;
const OTHER_REFUSAL = 1999;
const TRY_LATER = [408, 425, 429];
const CODES_BY_PROBLEM = {
  unknown_poll: 1001,
  unknown_choice: 1002,
  closed: 1003,
  no_identity: NO_IDENTITY,
  already_voted: 1005,
  ballot_conflict: 1006,
};

export class Ballot {
  /**
   * @param {string} poll its id
   * @param {import("../feed.js").Feed} feed
   * @param {() => void} onChange called whenever `state` changes
   */
  constructor(poll, feed, onChange) {
    this.poll = poll;
    this.feed = feed;
    this.onChange = onChange;
    this.key = `streamd.ballot.${poll}`;
    this.kept = read(this.key);
    this.error = null;
    this.backoff = new Backoff(500, 10_000);
    this.stopWatching = feed.watch((isUp) => isUp && this.#nudge());
    if (this.state === "pending") queueMicrotask(() => this.#send());
  }

  /** "none", "pending" (not yet counted), "counted" or "refused". */
  get state() {
    if (this.error) return "refused";
    if (!this.kept) return "none";
    return this.kept.receipt ? "counted" : "pending";
  }

  get choices() {
    return this.kept ? this.kept.choices : [];
  }

  /** {poll, ballot_id, shard, seq}, or null while it is not counted. */
  get receipt() {
    return this.kept ? this.kept.receipt : null;
  }

  cast(choices) {
    this.error = null;
    this.#keep({ choices, ballot_id: random128(), nonce: random128(), receipt: null });
    this.#send();
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.stopWatching();
  }

  #nudge() {
    if (this.state === "pending" && !this.isSending) this.#send();
  }

  async #send() {
    clearTimeout(this.retry);
    this.isSending = true;
    const { choices, ballot_id, nonce } = this.kept;
    const body = { poll: this.poll, choices, ballot_id, nonce };
    try {
      const receipt = await this.#deliver(body);
      this.#keep({ ...this.kept, receipt });
    } catch (error) {
      if (error.code >= REFUSALS_FROM) this.#refused(error);
      else this.#later();
    } finally {
      this.isSending = false;
    }
  }

  // By the feed's socket; where that fails, the same ballot over HTTP.
  async #deliver(body) {
    try {
      return await this.feed.call("vote", body);
    } catch (error) {
      if (error.code === NO_IDENTITY) this.feed.forgetIdentity();
      else if (error.code >= REFUSALS_FROM) throw error;
    }
    return post(body);
  }

  #refused(error) {
    this.error = error;
    drop(this.key);
    this.kept = null;
    this.onChange();
  }

  #later() {
    if (!this.isClosed) this.retry = setTimeout(() => this.#nudge(), this.backoff.next());
  }

  #keep(kept) {
    this.kept = kept;
    try {
      localStorage.setItem(this.key, JSON.stringify(kept));
    } catch {
      // storage refused: the ballot lives as long as the page
    }
    this.onChange();
  }
}

async function post({ poll, ...vote }) {
  const response = await fetch(`/api/v1/polls/${encodeURIComponent(poll)}/votes`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(vote),
  });
  if (response.ok) return response.json();
  if (response.status >= 500 || TRY_LATER.includes(response.status)) throw new VoteError(0);
  const { type = "" } = await response.json().catch(() => ({}));
  throw new VoteError(CODES_BY_PROBLEM[type.split(":").pop()] || OTHER_REFUSAL);
}

// `code`: below 1001 the line or the server failed and the ballot may be sent again.
class VoteError extends Error {
  constructor(code) {
    super(`vote: ${code}`);
    this.code = code;
  }
}

function random128() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function drop(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // storage refused: nothing was kept either
  }
}
