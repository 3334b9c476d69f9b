// One voter's ballot in one poll: made once, kept until it is counted, sent again as often as the
// line demands. The same ballot id always gets the same receipt, so sending it twice is safe.
//
// A ballot is its voter's: while the page answers as somebody else, it is neither shown nor sent.
//
// A voter's tabs share the ballot through localStorage: the first that votes makes it, the others
// take it over, and whichever is answered first tells the rest. Where the last answer counts, a
// later ballot takes an earlier one's place; until it is counted, the earlier one stands.

import { identity } from "../identity/identity.js";
import { Backoff } from "../player/backoff.js";
import { drop, keep, kept as read, placeOf, random128 } from "./keeping.js";
import { callOrPost, OTHER_IDENTITY, Refused, REFUSALS_FROM } from "./posting.js";

export class Ballot {
  /**
   * @param {string} poll its id
   * @param {import("../feed.js").Feed} feed
   * @param {() => void} onChange called whenever `state` changes
   * @param {Promise<void>} ready once it is known as whom this page answers
   */
  constructor(poll, feed, onChange, ready = Promise.resolve()) {
    this.poll = poll;
    this.feed = feed;
    this.onChange = onChange;
    this.ready = ready;
    this.isFromOtherTab = false;
    this.holder = identity.holder;
    this.key = placeOf("ballot", poll, this.holder);
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
    if (this.error && !this.kept) return "refused";
    if (!this.kept) return "none";
    return this.kept.receipt ? "counted" : "pending";
  }

  /** What it says: `choices`, `text` or `answers`; null without a ballot. */
  get said() {
    return this.kept;
  }

  get choices() {
    return this.kept?.choices ?? [];
  }

  /** {poll, ballot_id, shard, seq, log, sig}, or null while it is not counted. */
  get receipt() {
    return this.kept ? this.kept.receipt : null;
  }

  /** What completes the receipt, or null before. */
  get proof() {
    return this.kept?.proof ?? null;
  }

  /**
   * Makes the ballot and sends it; where another tab has made one already, that one stands.
   * @param answer `{choices}`, `{text}` or `{answers}`
   * @param version the poll's as its voter read it
   * @param {string} instead of which counted ballot, where the last answer counts
   */
  async cast(answer, version = 0, instead = "") {
    await exclusively(this.key, () => {
      this.#adopt();
      if (this.kept && (!instead || this.kept.ballot_id !== instead)) return;
      this.error = null;
      const before = this.kept;
      this.isFromOtherTab = false;
      const made = { ...answer, version, ballot_id: random128(), nonce: random128(), tier: tierNow() };
      this.#keep({ ...made, receipt: null, ...(before && { before }) });
      this.#send();
    });
  }

  /** Keeps the proof of a counted ballot with it. */
  prove(proof) {
    if (proof.ballot_id !== this.kept?.ballot_id || !this.receipt) return;
    this.#keep({ ...this.kept, proof });
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
    const isNews =
      kept.ballot_id !== this.kept?.ballot_id || (kept.receipt && !this.receipt) || (kept.proof && !this.proof);
    if (!isNews) return true;
    this.isFromOtherTab ||= kept.ballot_id !== this.kept?.ballot_id;
    this.kept = kept;
    this.error = null;
    if (!kept.receipt) this.#later();
    this.onChange();
    return true;
  }

  async #send() {
    clearTimeout(this.retry);
    this.isSending = true;
    await this.ready;
    if (this.isClosed || this.state !== "pending" || identity.holder !== this.holder) {
      this.isSending = false;
      return;
    }
    const { before, receipt: _none, tier, ...sent } = this.kept;
    const body = sent;
    try {
      if (tier && tier !== tierNow()) {
        // It may be counted already: as another voter it could be counted twice. The tab that made
        // it goes on.
        if (this.isFromOtherTab) return;
        throw new Refused(OTHER_IDENTITY);
      }
      const path = `/api/v1/polls/${encodeURIComponent(this.poll)}/votes`;
      const receipt = await callOrPost(this.feed, "vote", { poll: this.poll, ...body }, path, body);
      if (!this.isClosed) this.#keep({ ...sent, receipt });
    } catch (error) {
      if (error.code >= REFUSALS_FROM) this.#refused(error, sent.ballot_id, before);
      else this.#later();
    } finally {
      this.isSending = false;
    }
  }

  // What is kept is only thrown away if it is the ballot that was refused: another tab may have
  // been counted meanwhile. A counted ballot that it should have replaced stands again.
  #refused(error, ballot_id, before) {
    const kept = read(this.key);
    if (kept && (kept.ballot_id !== ballot_id || kept.receipt)) {
      this.#adopt();
      if (this.state === "pending") this.#later();
      return;
    }
    this.error = error;
    if (before) {
      this.#keep(before);
      return;
    }
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
    keep(this.key, kept);
    this.onChange();
  }
}

// One tab at a time; without locks (plain HTTP, or refused in another site's frame) two tabs would
// have to press in the same instant.
async function exclusively(name, act) {
  let isHeld = false;
  const run = () => {
    isHeld = true;
    act();
  };
  await navigator.locks?.request(name, run).catch(() => {});
  if (!isHeld) act();
}

/**
 * Whether this voter has answered that poll, counted or not yet. Who answers by device here and by
 * code there is one.
 */
export function isAnswered(poll) {
  const holders = identity.tier === "platform" ? [identity.holder] : ["", identity.codeHolder];
  return holders.some((holder) => read(placeOf("ballot", poll, holder)) !== null);
}

// Before a token was asked for, this page answers by its cookie.
const tierNow = () => identity.tier ?? "device";
