// Answers being made, until they are sent: what was chosen, whether it is whole, and the ballot's
// part of it. A survey's are kept in this browser and taken up again.

import { drop, keep, kept, placeOf } from "./keeping.js";
import { ordered } from "./order.js";
import { isOneOf, questionsOf } from "./questions.js";

export const TEXT_CHARACTERS = 200;

export class Draft {
  /**
   * @param poll the row of a poll; its questions stand in this voter's order
   * @param {string} holder for whom it is kept
   */
  constructor(poll, holder = "") {
    this.poll = poll;
    this.questions = questionsOf(poll).map((question) => ordered(poll, question));
    this.key = placeOf("draft", poll.id, holder);
    this.answers = {};
    this.confirmed = new Set();
    this.page = 0;
    this.wasResumed = false;
    if (this.isSurvey) this.#resume();
  }

  get isSurvey() {
    return this.questions.length > 1;
  }

  /** The answer to `question`: choice ids in order, or text. */
  of({ id, kind, choices }) {
    const given = this.answers[id];
    if (kind === "text") return given ?? "";
    return given ?? (kind === "ranking" ? choices.map((choice) => choice.id) : []);
  }

  isAnswered({ id, kind }) {
    if (kind === "ranking") return id in this.answers || this.confirmed.has(id);
    return kind === "text" ? Boolean(this.answers[id]?.trim()) : Boolean(this.answers[id]?.length);
  }

  /** One of several choices. */
  choose(question, id) {
    this.#set(question, [id]);
  }

  /** Takes a choice or takes it away; false where no more may be taken. */
  toggle(question, id) {
    const chosen = this.of(question);
    if (chosen.includes(id)) this.#set(question, chosen.filter((one) => one !== id));
    else if (chosen.length >= question.maximum) return false;
    else this.#set(question, [...chosen, id]);
    return true;
  }

  /** Moves a ranked choice to `place`, from 0; returns its place. */
  move(question, id, place) {
    const order = this.of(question).filter((one) => one !== id);
    const to = Math.max(0, Math.min(order.length, place));
    order.splice(to, 0, id);
    this.#set(question, order);
    return to;
  }

  write(question, text) {
    this.#set(question, text);
  }

  clear({ id }) {
    delete this.answers[id];
    this.confirmed.delete(id);
    this.#keep();
  }

  /** The order as it stands is the voter's. */
  confirm({ id }) {
    this.confirmed.add(id);
  }

  turnTo(page) {
    this.page = Math.max(0, Math.min(this.questions.length, page));
    this.#keep();
  }

  /** What is wrong with the answer: "missing", "few", "long", "untouched" or null. */
  fault(question) {
    if (question.kind === "text" && lengthOf(this.of(question)) > TEXT_CHARACTERS) return "long";
    if (!this.isAnswered(question)) {
      if (question.required === false) return null;
      return question.kind === "ranking" ? "untouched" : "missing";
    }
    if (question.kind === "multiple" && this.of(question).length < question.minimum) return "few";
    return null;
  }

  /** The ballot's part: `{choices}`, `{text}` or `{answers}`. */
  ballot() {
    if (this.isSurvey) {
      const answered = this.questions.filter((question) => this.isAnswered(question));
      return { answers: Object.fromEntries(answered.map((one) => [one.id, this.#sent(one)])) };
    }
    const [question] = this.questions;
    const sent = this.#sent(question);
    return question.kind === "text" ? { text: sent } : { choices: sent };
  }

  /** Takes over what a ballot said, to change it. */
  resumeFrom(ballot) {
    for (const question of this.questions) {
      const said = answerIn(ballot, question, this.questions.length > 1);
      if (said?.length) this.answers[question.id] = said;
    }
    this.page = 0;
  }

  /** It is sent, or the poll is over. */
  forget() {
    drop(this.key);
  }

  #sent(question) {
    const given = this.of(question);
    if (question.kind === "text") return given.normalize("NFC").trim();
    return isOneOf(question) ? given.slice(0, 1) : given;
  }

  #set(question, answer) {
    this.answers[question.id] = answer;
    this.#keep();
  }

  #keep() {
    if (!this.isSurvey) return;
    keep(this.key, { version: this.poll.version ?? 0, page: this.page, answers: this.answers });
  }

  // An edited poll asks something else: what was kept for it is not an answer to that.
  #resume() {
    const found = kept(this.key);
    if (!found || found.version !== (this.poll.version ?? 0)) return;
    this.answers = found.answers;
    this.page = Math.min(found.page, this.questions.length);
    this.wasResumed = Object.keys(found.answers).length > 0;
  }
}

/** What a ballot says to `question`: choice ids, text, or undefined. */
export function answerIn(ballot, question, isSurvey) {
  if (!ballot) return undefined;
  if (isSurvey) return ballot.answers?.[question.id];
  return question.kind === "text" ? ballot.text : ballot.choices;
}

/** Characters as the server counts them. */
export const lengthOf = (text) => [...text.normalize("NFC").trim()].length;
