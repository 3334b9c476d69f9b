/** One question being written: what it holds and what is wrong with it. Values; nothing changes. */

export const QUESTION_LENGTH = 300;
export const LABEL_LENGTH = 100;
export const END_LENGTH = 40;
export const FEWEST = 2;

/** The most choices of each kind; the other kinds have none. */
export const MOST = Object.freeze({ single: 10, multiple: 20, ranking: 8, quiz: 10 });
export const KINDS = Object.freeze(["single", "multiple", "rating", "ranking", "quiz", "text", "qa"]);

let serial = 0;

export const choice = (label = "", right = false) => ({ id: `c${++serial}`, label, right });

/** @param {object} [given] what a template or a poll says of it */
export function question(given = {}) {
  const { kind = "single", text = "", choices = ["", ""], right = [] } = given;
  return {
    key: `q${++serial}`,
    kind,
    text,
    choices: choices.map((label, place) => choice(label, right.includes(String(place + 1)))),
    minimum: given.minimum ?? 1,
    maximum: given.maximum ?? null,
    high: given.scale?.high ?? 5,
    lowLabel: given.scale?.low_label ?? "",
    highLabel: given.scale?.high_label ?? "",
    required: given.required ?? true,
    errors: {},
  };
}

/** A question of a poll's row, to be edited or asked again. */
export function fromRow(row) {
  const choices = row.kind in MOST ? row.choices.map(({ label }) => label) : ["", ""];
  return question({ ...row, choices, right: row.right ?? [] });
}

export const hasChoices = ({ kind }) => kind in MOST;

export const isBlank = (one) => !one.text.trim() && one.choices.every(({ label }) => !label.trim());

/** @returns {object} field → what is wrong, a word of `faults.js` */
export function faults(one) {
  const found = {};
  if (!one.text.trim()) found.question = "no_question";
  if (!hasChoices(one)) return found;
  const labels = one.choices.map(({ label }) => label.trim().toLocaleLowerCase());
  if (labels.some((label) => !label)) found.choices = "empty_choice";
  else if (new Set(labels).size < labels.length) found.choices = "same_choices";
  else if (one.choices.length > MOST[one.kind]) found.choices = "too_many";
  else if (one.kind === "quiz") {
    const right = one.choices.filter((each) => each.right).length;
    if (!right || right === labels.length) found.choices = "no_right";
  }
  return found;
}

/** The id of the field at fault. */
export function faultAt(one, first) {
  if (one.errors.question) return fieldId(one, first);
  if (!one.errors.choices) return "";
  const labels = one.choices.map(({ label }) => label.trim().toLocaleLowerCase());
  const empty = labels.findIndex((label) => !label);
  const twin = labels.findIndex((label, place) => labels.indexOf(label) < place);
  return (one.choices[empty] ?? one.choices[twin] ?? one.choices[0]).id;
}

/** The first question's field is simply `question`. */
export const fieldId = (one, first) => (first ? "question" : `question-${one.key}`);

/** As the server takes it; `text` or `question` is the text's name. */
export function toAsked(one, name) {
  const asked = { [name]: one.text.trim() };
  if (one.kind !== "single") asked.kind = one.kind;
  if (hasChoices(one)) asked.choices = one.choices.map(({ label }) => label.trim());
  if (one.kind === "multiple") {
    asked.minimum = Math.min(one.minimum, one.choices.length);
    asked.maximum = Math.max(asked.minimum, Math.min(one.maximum ?? one.choices.length, one.choices.length));
  }
  if (one.kind === "quiz") {
    asked.right = one.choices.flatMap(({ right }, place) => (right ? [String(place + 1)] : []));
  }
  if (one.kind === "rating") asked.scale = scaleOf(one);
  return asked;
}

const scaleOf = (one) => ({
  low: one.high === 10 ? 0 : 1,
  high: one.high,
  low_label: one.lowLabel.trim(),
  high_label: one.highLabel.trim(),
});

/** As the server would show it, for the preview. `unnamed` names what has no words yet. */
export function toRow(one, place, unnamed) {
  const scale = one.kind === "rating" ? scaleOf(one) : null;
  const values = scale ? Array.from({ length: scale.high - scale.low + 1 }, (_, step) => String(scale.low + step)) : [];
  const choices = hasChoices(one)
    ? one.choices.map(({ label }, number) => ({ id: String(number + 1), label: label.trim() || unnamed.choice(number + 1) }))
    : values.map((value) => ({ id: value, label: value }));
  const { minimum = 1, maximum = one.kind === "ranking" ? choices.length : 1 } = toAsked(one, "text");
  return {
    id: `q${place + 1}`,
    kind: one.kind,
    text: one.text.trim() || unnamed.question,
    choices,
    minimum: one.kind === "ranking" ? choices.length : minimum,
    maximum,
    scale,
    right: null,
    required: one.required,
  };
}
