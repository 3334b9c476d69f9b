// One voter's ballot in one poll: made once, kept until it is counted, sent again as often as the
// line demands. The same ballot id always gets the same receipt, so sending it twice is safe.
//
// A voter's tabs share the ballot through localStorage: the first that votes makes it, the others
// take it over, and whichever is answered first tells the rest.

import { identity } from "../identity/identity.js";
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
    this.key = keyOf(poll);
    this.kept = read(this.key);
    this.error = null;
    this.backoff = new Backoff(500, 10_000);
    this.stopWatching = feed.watch((isUp) => isUp && this.#nudge());
    this.onStorage = ({ key }) => key === this.key && this.#adopt();
    addEventListener("storage", this.onStorage);
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

  /** Makes the ballot and sends it; where another tab has made one already, that one stands. */
  async cast(choices) {
    await exclusively(this.key, () => {
      if (this.#adopt() || this.kept) return;
      this.error = null;
      this.#keep({ choices, ballot_id: random128(), nonce: random128(), receipt: null });
      this.#send();
    });
  }

  close() {
    this.isClosed = true;
    removeEventListener("storage", this.onStorage);
    clearTimeout(this.retry);
    this.stopWatching();
  }

  #nudge() {
    if (this.state === "pending" && !this.isSending) this.#send();
  }

  // Takes over what another tab has kept; says whether that is a ballot. The tab that made it sends
  // it; this one helps where no receipt comes.
  #adopt() {
    const kept = read(this.key);
    if (!kept) return false;
    const isNews = kept.ballot_id !== this.kept?.ballot_id || (kept.receipt && !this.receipt);
    if (!isNews) return true;
    this.kept = kept;
    this.error = null;
    if (!kept.receipt) this.#later();
    this.onChange();
    return true;
  }

  async #send() {
    clearTimeout(this.retry);
    this.isSending = true;
    const sent = this.kept;
    const { choices, ballot_id, nonce } = sent;
    const body = { poll: this.poll, choices, ballot_id, nonce };
    try {
      const receipt = await this.#deliver(body);
      this.#keep({ ...sent, receipt });
    } catch (error) {
      if (error.code >= REFUSALS_FROM) this.#refused(error, ballot_id);
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

  // What is kept is only thrown away if it is the ballot that was refused: another tab may have
  // been counted meanwhile.
  #refused(error, ballot_id) {
    const kept = read(this.key);
    if (kept && (kept.ballot_id !== ballot_id || kept.receipt)) {
      this.#adopt();
      if (this.state === "pending") this.#later();
      return;
    }
    this.error = error;
    drop(this.key);
    this.kept = null;
    this.onChange();
  }

  #later() {
    clearTimeout(this.retry);
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
    headers: { "Content-Type": "application/json", ...(await identity.headers()) },
    body: JSON.stringify(vote),
  });
  if (response.ok) return response.json();
  if (response.status >= 500 || TRY_LATER.includes(response.status)) throw new VoteError(0);
  const { type = "" } = await response.json().catch(() => ({}));
  const slug = type.split(":").pop();
  // The proof of work is handed in for the feed's token, which is asked for again.
  if (slug === "proof_needed") throw new VoteError(0);
  throw new VoteError(CODES_BY_PROBLEM[slug] || OTHER_REFUSAL);
}

// `code`: below 1001 the line or the server failed and the ballot may be sent again.
class VoteError extends Error {
  constructor(code) {
    super(`vote: ${code}`);
    this.code = code;
  }
}

// One tab at a time; without locks (plain HTTP) two tabs would have to press in the same instant.
async function exclusively(name, act) {
  if (navigator.locks) await navigator.locks.request(name, act);
  else act();
}

/** Whether this browser has answered that poll, counted or not yet. */
export const isAnswered = (poll) => read(keyOf(poll)) !== null;

const keyOf = (poll) => `streamd.ballot.${poll}`;

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
