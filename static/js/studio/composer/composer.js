/** A poll being written: a sheet of questions, its rules, and when it opens. */

import { call } from "../api.js";
import { choice, faultAt, faults, FEWEST, fieldId, fromRow, hasChoices, isBlank, MOST, question, toAsked } from "./question.js";
import { DEFAULTS, fitting, isDefault } from "./rules.js";

export { DURATIONS } from "./rules.js";
export const QUESTIONS_AT_MOST = 20;
const DURATION = 60;

export class Composer {
  questions = [question()];
  rules = { ...DEFAULTS };
  duration = DURATION;
  /** When it opens by itself, as `<input type=datetime-local>` has it; "" opens by hand. */
  opensAt = "";
  /** The poll's row that is changed, null for a new one. */
  editing = null;
  /** The id of the field that should have the focus next, "" otherwise. */
  focus = "";
  /** Whether the key is the headquarters': only they spread a poll over shards. */
  headquarters = false;
  scheduleFault = false;

  #key;
  #onchange;

  /** @param {() => void} onchange @param {() => string} [key] */
  constructor(onchange, key = () => "") {
    this.#onchange = onchange;
    this.#key = key;
  }

  /** Asks what the key may do. */
  async begin() {
    try {
      const { scope } = await call("GET", "/keys/me", { key: this.#key() });
      this.headquarters = scope === "hq";
      this.#onchange();
    } catch {
      // As little as most keys may do is shown.
    }
  }

  get isSurvey() {
    return this.questions.length > 1;
  }

  get empty() {
    return this.questions.every(isBlank);
  }

  /** The rules as they will be sent. */
  get fit() {
    return fitting(this.rules, this.questions);
  }

  /** Whether the poll that is changed is open: then only its questions can be. */
  get isOpen() {
    return this.editing?.state === "open";
  }

  /** Whether that poll may still be changed: until somebody has answered. */
  editable(poll) {
    if (poll.state === "draft" || poll.state === "scheduled") return true;
    return poll.state === "open" && poll.kind !== "qa" && poll.rules.shards === 1 && !poll.tally?.total;
  }

  /** @param {object} fields of the question with that key */
  set(key, fields) {
    this.questions = this.questions.map((one) => (one.key === key ? this.#checked({ ...one, ...fields }) : one));
    this.#onchange();
  }

  // What was at fault is looked at again with every letter, what was not is not.
  #checked(one) {
    return Object.keys(one.errors).length ? { ...one, errors: faults(one) } : one;
  }

  #choices(key, change) {
    const one = this.questions.find((each) => each.key === key);
    this.set(key, { choices: change(one.choices) });
  }

  kind(key, kind) {
    const one = this.questions.find((each) => each.key === key);
    const most = MOST[kind] ?? one.choices.length;
    this.set(key, { kind, choices: one.choices.slice(0, most), maximum: null, minimum: 1 });
  }

  name(key, id, label) {
    this.#choices(key, (all) => all.map((one) => (one.id === id ? { ...one, label } : one)));
  }

  mark(key, id, right) {
    this.#choices(key, (all) => all.map((one) => (one.id === id ? { ...one, right } : one)));
  }

  add(key) {
    const fresh = choice();
    this.focus = fresh.id;
    this.#choices(key, (all) => [...all, fresh]);
  }

  remove(key, id) {
    this.#choices(key, (all) => {
      if (all.length <= FEWEST) return all;
      const place = all.findIndex((one) => one.id === id);
      this.focus = all[place - 1]?.id ?? all[place + 1].id;
      return all.filter((one) => one.id !== id);
    });
  }

  /** @param {number} by -1: up, 1: down */
  move(key, id, by) {
    this.#choices(key, (all) => moved(all, all.findIndex((one) => one.id === id), by));
  }

  addQuestion() {
    if (this.questions.length >= QUESTIONS_AT_MOST) return;
    const fresh = question();
    this.questions = [...this.questions, fresh];
    this.focus = fieldId(fresh, false);
    this.#onchange();
  }

  removeQuestion(key) {
    const place = this.questions.findIndex((one) => one.key === key);
    this.questions = this.questions.filter((one) => one.key !== key);
    const near = Math.max(0, place - 1);
    this.focus = fieldId(this.questions[near], near === 0);
    this.#onchange();
  }

  moveQuestion(key, by) {
    this.questions = moved(this.questions, this.questions.findIndex((one) => one.key === key), by);
    this.#onchange();
  }

  rule(fields) {
    this.rules = { ...this.rules, ...fields };
    this.#onchange();
  }

  last(seconds) {
    this.duration = seconds;
    this.#onchange();
  }

  schedule(text) {
    this.opensAt = text;
    this.scheduleFault = false;
    this.#onchange();
  }

  /**
   * @param {boolean} [point] moves the focus to the first fault
   * @returns {boolean} whether it can be asked; else the questions' `errors` say what is missing
   */
  check(point = false) {
    this.questions = this.questions.map((one) => ({ ...one, errors: faults(one) }));
    const bad = this.questions.findIndex((one) => Object.keys(one.errors).length);
    this.scheduleFault = Boolean(this.opensAt) && !(Date.parse(this.opensAt) > Date.now());
    if (point && bad >= 0) this.focus = faultAt(this.questions[bad], bad === 0);
    else if (point && this.scheduleFault) this.focus = "opens-at";
    this.#onchange();
    return bad < 0 && !this.scheduleFault;
  }

  /** @param {boolean} now whether a new poll opens at once */
  toBody(now = false) {
    const [first] = this.questions;
    const body = this.isSurvey
      ? { questions: this.questions.map((one) => ({ ...toAsked(one, "text"), required: one.required })) }
      : toAsked(first, "question");
    if (this.isOpen) return body;
    const { fit } = this;
    if (this.editing || !isDefault(fit)) body.rules = { ...fit, who: [...fit.who] };
    body.duration_seconds = this.duration;
    if (this.editing) return body;
    if (this.opensAt && !now) body.opens_at = Date.parse(this.opensAt) / 1000;
    else body.open = now;
    return body;
  }

  /** Starts from a template or from what a poll has. */
  take({ questions, rules = {}, duration }) {
    this.questions = questions.map(question);
    this.rules = { ...DEFAULTS, ...rules };
    if (duration !== undefined) this.duration = duration;
    this.editing = null;
    this.focus = "question";
    this.#onchange();
  }

  /** The sheet as a template keeps it. */
  toTemplate(name) {
    const questions = this.questions.map((one) => ({
      ...toAsked(one, "text"),
      choices: hasChoices(one) ? one.choices.map(({ label }) => label) : ["", ""],
      required: one.required,
    }));
    return { name, questions, rules: this.fit, duration: this.duration };
  }

  /** A poll's questions and rules once more, as a new poll. */
  copy(poll) {
    this.reset();
    this.questions = poll.questions.map(fromRow);
    const { duration_seconds: duration, ...rules } = poll.rules;
    this.rules = { ...DEFAULTS, ...rules };
    this.duration = duration;
    this.focus = "question";
    this.#onchange();
  }

  edit(poll) {
    this.copy(poll);
    this.editing = poll;
    this.#onchange();
  }

  reset() {
    this.questions = [question()];
    this.rules = { ...DEFAULTS };
    this.duration = DURATION;
    this.opensAt = "";
    this.editing = null;
    this.scheduleFault = false;
    this.#onchange();
  }
}

function moved(all, place, by) {
  const goal = place + by;
  if (goal < 0 || goal >= all.length) return all;
  const order = [...all];
  [order[place], order[goal]] = [order[goal], order[place]];
  return order;
}
