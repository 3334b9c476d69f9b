// A poll's questions as the API shows them, and each one's part of a tally.

/** Whether a question's answer is exactly one of its choices. */
export const isOneOf = ({ kind }) => kind === "single" || kind === "quiz" || kind === "rating";

/** The questions of `poll`; a row without them asks the one question in it. */
export function questionsOf(poll) {
  if (poll.questions?.length) return poll.questions;
  const { kind = "single", question: text, choices = [] } = poll;
  return [{ id: "q1", kind, text, choices, minimum: 1, maximum: 1, scale: null, right: null, required: true }];
}

/** Whether several questions are asked at once. */
export const isSurvey = (poll) => questionsOf(poll).length > 1;

/** What `counts` say of one question, by its own counters; null where they are not told. */
export function countsOf(poll, question, counts) {
  if (!counts) return null;
  const prefix = isSurvey(poll) ? `${question.id}.` : "";
  return Object.fromEntries(
    [...question.choices.map(({ id }) => id), "answers"].map((name) => [name, counts[prefix + name] ?? 0]),
  );
}

/** How many answered `question`; `own` as of countsOf. */
export function answersTo(question, own, total) {
  const sum = question.choices.reduce((all, { id }) => all + own[id], 0);
  const offered = question.choices.length;
  switch (question.kind) {
    case "text":
      return own.answers;
    case "multiple":
      return question.required === false ? own.answers : total;
    case "ranking":
      return (2 * sum) / (offered * (offered - 1));
    default:
      return sum;
  }
}

/** A rating's mean, or null without answers. */
export function meanOf(question, own) {
  const marks = question.choices.map(({ id }) => [Number(id), own[id]]);
  const people = marks.reduce((all, [, n]) => all + n, 0);
  return people ? marks.reduce((all, [value, n]) => all + value * n, 0) / people : null;
}
