/** A question being written: what it holds and what is wrong with it. */

export const QUESTION_LENGTH = 300;
export const LABEL_LENGTH = 100;
export const FEWEST = 2;
export const MOST = 10;
/** Seconds; null: until somebody closes it. */
export const DURATIONS = Object.freeze([null, 30, 60, 120, 300]);

let serial = 0;
const choice = (label = "") => ({ id: `c${++serial}`, label });

export class Composer {
  question = "";
  choices = [choice(), choice()];
  duration = 60;
  /** @type {{question?: string, choices?: string}} msgids, after a failed check */
  errors = {};
  /** The id of the field that should have the focus next, "" otherwise. */
  focus = "";

  #onchange;

  constructor(onchange) {
    this.#onchange = onchange;
  }

  get empty() {
    return !this.question.trim() && this.choices.every((one) => !one.label.trim());
  }

  write(question) {
    this.question = question;
    if (this.errors.question) this.check();
    this.#onchange();
  }

  name(id, label) {
    this.choices = this.choices.map((one) => (one.id === id ? { ...one, label } : one));
    if (this.errors.choices) this.check();
    this.#onchange();
  }

  add() {
    if (this.choices.length >= MOST) return;
    this.choices = [...this.choices, choice()];
    this.focus = this.choices.at(-1).id;
    this.#onchange();
  }

  remove(id) {
    if (this.choices.length <= FEWEST) return;
    const place = this.choices.findIndex((one) => one.id === id);
    this.choices = this.choices.filter((one) => one.id !== id);
    this.focus = this.choices[Math.max(0, place - 1)].id;
    this.#onchange();
  }

  /** @param {number} by -1: up, 1: down */
  move(id, by) {
    const place = this.choices.findIndex((one) => one.id === id);
    const goal = place + by;
    if (goal < 0 || goal >= this.choices.length) return;
    const moved = [...this.choices];
    [moved[place], moved[goal]] = [moved[goal], moved[place]];
    this.choices = moved;
    this.#onchange();
  }

  last(seconds) {
    this.duration = seconds;
    this.#onchange();
  }

  /**
   * @param {boolean} [point] moves the focus to the first fault
   * @returns {boolean} whether it can be asked; else `errors` says what is missing
   */
  check(point = false) {
    const labels = this.choices.map((one) => one.label.trim());
    this.errors = {};
    if (!this.question.trim()) this.errors.question = "Write the question first.";
    if (labels.some((label) => !label)) {
      this.errors.choices = "Fill in every choice, or remove the empty ones.";
    } else if (new Set(labels).size < labels.length) {
      this.errors.choices = "Two choices are the same. Make them different.";
    }
    if (point) this.focus = this.#fault(labels);
    this.#onchange();
    return !Object.keys(this.errors).length;
  }

  #fault(labels) {
    if (this.errors.question) return "question";
    if (!this.errors.choices) return "";
    const empty = labels.findIndex((label) => !label);
    const twin = labels.findIndex((label, place) => labels.indexOf(label) < place);
    return this.choices[empty < 0 ? twin : empty].id;
  }

  toBody() {
    const body = {
      question: this.question.trim(),
      choices: this.choices.map((one) => one.label.trim()),
    };
    return this.duration ? { ...body, duration_seconds: this.duration } : body;
  }

  reset() {
    this.question = "";
    this.choices = [choice(), choice()];
    this.errors = {};
    this.#onchange();
  }
}
