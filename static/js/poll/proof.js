// Completes a receipt by itself: asks for the ballot's proof until the public log has it.

import { Backoff } from "../player/backoff.js";

// Ballots are logged within ten seconds; not everybody asks at once.
const FIRST_MS = 3000;
const SPREAD_MS = 6000;
const MOST_MS = 60_000;
const REPEATED_MS = 4000;

export class Proof {
  /**
   * @param {{poll: string, ballot_id: string}} receipt
   * @param {(proof: object) => void} onProof called once, with the answer of /proof/{ballot_id}
   * @param {number} first milliseconds until it is asked for
   */
  constructor(receipt, onProof, first = FIRST_MS + Math.random() * SPREAD_MS) {
    this.receipt = receipt;
    this.onProof = onProof;
    this.backoff = new Backoff(REPEATED_MS, MOST_MS);
    this.timer = setTimeout(() => this.#ask(), first);
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  async #ask() {
    const { poll, ballot_id } = this.receipt;
    try {
      const answer = await fetch(`/api/v1/polls/${encodeURIComponent(poll)}/proof/${encodeURIComponent(ballot_id)}`);
      const proof = answer.ok ? await answer.json() : null;
      if (this.isClosed) return;
      if (proof?.ballot_id === ballot_id && proof.index < proof.size) {
        this.onProof(proof);
        return;
      }
    } catch {
      // no line: asked again
    }
    if (!this.isClosed) this.timer = setTimeout(() => this.#ask(), this.backoff.next());
  }
}
