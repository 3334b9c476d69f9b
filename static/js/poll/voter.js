// This voter in one poll: as whom they answer, what they are answering, the ballot and its proof, and
// the results that they see before others do.

import { identity } from "../identity/identity.js";
import { Answering } from "./answering.js";
import { Ballot } from "./ballot.js";
import { Admission } from "./admission.js";
import { OwnTally } from "./own_tally.js";
import { Proof } from "./proof.js";
import { QuestionsAsked } from "./questions_asked.js";

export class Voter {
  /**
   * @param poll its row
   * @param feed
   * @param host as of answering.js, and `counted()`, `tally(tally)`, `other()`: the page answers as
   *   somebody else now
   */
  constructor(poll, feed, host) {
    this.poll = poll;
    this.feed = feed;
    this.host = host;
    this.admission = new Admission(poll, feed, host.change);
    this.#readKept();
    this.stopWatching = identity.watch(() => this.#other());
  }

  /** The poll's row is news: its state, or what it asks. */
  update(poll) {
    const isEdited = (poll.version ?? 0) !== (this.poll.version ?? 0);
    const isOver = poll.state !== "open" && this.poll.state === "open";
    this.poll = poll;
    this.admission.poll = poll;
    if (isEdited && !this.ballot?.kept) this.#answerAnew();
    else this.answering.poll = poll;
    if (isOver) {
      this.changes = false;
      this.answering.draft.forget();
      this.#follow();
    }
  }

  send(answer) {
    this.isOwn = true;
    const instead = this.changes ? (this.ballot.kept?.ballot_id ?? "") : "";
    this.ballot.cast(answer, this.poll.version ?? 0, instead);
  }

  /** Opens what was answered to be changed, or leaves it. */
  change(wants) {
    this.changes = wants;
    this.#answerAnew();
    if (wants) this.answering.draft.resumeFrom(this.ballot.said);
  }

  startAgain() {
    this.answering.draft.forget();
    this.#answerAnew();
  }

  close() {
    this.stopWatching();
    this.admission.close();
    this.#leave();
  }

  // What is kept in this browser is of whom the page answers as.
  #readKept() {
    const { poll, feed, host } = this;
    this.before = "none";
    this.isOwn = false;
    this.changes = false;
    if (poll.kind === "qa") this.asked = new QuestionsAsked(poll.id, feed, host.change, identity.holder);
    else this.ballot = new Ballot(poll.id, feed, () => this.#moved(), this.admission.ready);
    this.#answerAnew();
    // Only what is counted from now on is news.
    if (this.ballot?.state === "counted") this.before = "counted";
    this.#moved();
  }

  #leave() {
    this.ballot?.close();
    this.proof?.close();
    this.own?.close();
    this.ballot = this.proof = this.own = this.followed = null;
  }

  #other() {
    this.#leave();
    this.host.other?.();
    this.#readKept();
    this.host.change();
  }

  #answerAnew() {
    const send = (answer) => this.send(answer);
    this.answering = new Answering(this.poll, { ...this.host, send, holder: identity.holder });
  }

  #moved() {
    // While its ballot is being made there is nothing to follow.
    if (!this.ballot) return;
    const { state } = this.ballot;
    const isNew = state !== this.before;
    this.before = state;
    if (isNew && state === "pending") this.#shows();
    if (isNew && state === "counted") {
      this.changes = false;
      this.answering.draft.forget();
      this.host.counted?.(this.isOwn);
      this.isOwn = false;
    }
    if (this.changes && this.ballot.error) this.changes = false;
    this.#follow();
    this.host.change();
  }

  // A ballot that waits shows what it says, also one that was taken over or kept from before.
  #shows() {
    this.#answerAnew();
    this.answering.draft.answers = {};
    this.answering.draft.resumeFrom(this.ballot.said);
  }

  #follow() {
    const { receipt } = this.ballot ?? {};
    if (!receipt) return;
    if (this.followed !== receipt.ballot_id) {
      this.proof?.close();
      this.own?.close();
      this.proof = this.own = null;
      this.followed = receipt.ballot_id;
    }
    const isOpen = this.poll.state === "open";
    if (!this.proof && !this.ballot.proof && receipt.sig) {
      this.proof = new Proof(receipt, (proof) => this.ballot.prove(proof));
    }
    if (this.poll.rules?.results === "after_vote" && isOpen) {
      this.own ??= new OwnTally(this.feed, receipt, (tally) => this.host.tally(tally));
    }
  }
}
