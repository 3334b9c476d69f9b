// One voter's way through a poll: question by question where there are several, then all at once.
// What is wrong is said beside its question, and the keyboard is taken there.

import { number as count, t, tn } from "../page.js";
import { Draft, TEXT_CHARACTERS } from "./draft.js";

export class Answering {
  /**
   * @param poll the row of a poll
   * @param {{say: (text: string) => void, change: () => void, focus: (selector: string) => void,
   *   begin: () => void, send: (ballot: object) => void, holder: string}} host
   */
  constructor(poll, host) {
    this.poll = poll;
    this.host = host;
    this.draft = new Draft(poll, host.holder);
    this.fault = null;
  }

  get questions() {
    return this.draft.questions;
  }

  /** The question of this page, or undefined on the last one, where all answers are reviewed. */
  get question() {
    return this.questions[this.draft.page];
  }

  /** What is wrong with the answer to `question`, as a sentence, or "". */
  faultOf(question) {
    return this.fault?.id === question.id ? this.fault.text : "";
  }

  choose(question, id) {
    this.#changed(question);
    this.draft.choose(question, id);
    this.host.change();
  }

  /** Returns whether the choice could be taken. */
  toggle(question, id) {
    this.#changed(question);
    const isTaken = this.draft.toggle(question, id);
    if (!isTaken) this.host.say(atMost(question.maximum));
    this.host.change();
    return isTaken;
  }

  write(question, text) {
    this.#changed(question);
    this.draft.write(question, text);
    this.host.change();
  }

  /** Moves a ranked choice to `place` and says where it is now. */
  move(question, id, place) {
    this.#changed(question);
    const to = this.draft.move(question, id, place);
    const { label } = question.choices.find((choice) => choice.id === id);
    this.host.say(placed(label, to, question.choices.length));
    this.host.change();
  }

  clear(question) {
    this.#changed(question);
    this.draft.clear(question);
    this.host.change();
    this.host.focus(`#question-${this.poll.id}-${question.id}`);
  }

  next() {
    if (this.#stands(this.question)) this.turnTo(this.draft.page + 1);
  }

  back() {
    this.turnTo(this.draft.page - 1);
  }

  turnTo(page) {
    this.fault = null;
    this.draft.turnTo(page);
    this.host.change();
    this.host.focus(this.question ? `#question-${this.poll.id}-${this.question.id}` : ".review-title");
  }

  /** Sends the answers, or shows the first that is not whole. */
  submit() {
    const wrong = this.questions.find((question) => this.draft.fault(question));
    if (wrong && this.draft.isSurvey) this.draft.turnTo(this.questions.indexOf(wrong));
    if (wrong && !this.#stands(wrong)) return;
    this.host.send(this.draft.ballot());
  }

  #stands(question) {
    const fault = this.draft.fault(question);
    this.fault = fault && { id: question.id, text: faultSentence(fault, question) };
    if (!fault) return true;
    // Left as it came, an order is an answer only once its voter says so.
    if (fault === "untouched") this.draft.confirm(question);
    this.host.change();
    this.host.focus(`[data-question="${question.id}"] :is(input, textarea, button)`);
    return false;
  }

  #changed(question) {
    if (this.fault?.id === question.id) this.fault = null;
    this.host.begin();
  }
}

export const atMost = (count) =>
  tn("At most %(count)s answer. Take one away first.", "At most %(count)s answers. Take one away first.", count);

const placed = (label, place, all) =>
  t("%(label)s: place %(place)s of %(all)s", { label, place: count(place + 1), all: count(all) });

function faultSentence(fault, { kind, minimum }) {
  switch (fault) {
    case "long":
      return tn("Shorten your answer to %(count)s character.", "Shorten your answer to %(count)s characters.", TEXT_CHARACTERS);
    case "untouched":
      return t("Nothing was moved yet. If this is your order, press the button again.");
    case "few":
      return tn("Choose at least %(count)s answer.", "Choose at least %(count)s answers.", minimum);
    default:
      return kind === "text" ? t("Write your answer first.") : t("Choose an answer first.");
  }
}
