/** The rules of a poll being written; pure. */

export const TIERS = Object.freeze(["device", "platform", "code"]);
export const RESULTS = Object.freeze(["live", "after_vote", "after_close", "organiser"]);
export const SHARDS = Object.freeze([1, 4, 16, 64, 256]);
/** Seconds; null: until somebody closes it. */
export const DURATIONS = Object.freeze([null, 30, 60, 120, 300]);

export const DEFAULTS = Object.freeze({
  who: TIERS,
  revote: "first",
  results: "live",
  shuffle: false,
  regions: [],
  shards: 1,
  log: "presence",
  late: false,
});

/**
 * What the kinds of `questions` rule out, taken back: an open answer can't be changed or opened, a
 * quiz tells its right answers at its close, and questions from viewers stand before everybody in the
 * order of their votes.
 */
export function fitting(rules, questions) {
  const kinds = new Set(questions.map(({ kind }) => kind));
  const fit = { ...rules };
  if (kinds.has("text")) {
    fit.log = "presence";
    fit.revote = "first";
  }
  if (kinds.has("qa")) {
    fit.shards = 1;
    fit.results = "live";
  }
  if (kinds.has("qa") || kinds.has("quiz")) fit.late = false;
  return fit;
}

export const isDefault = (rules) => Object.keys(DEFAULTS).every((name) => String(rules[name]) === String(DEFAULTS[name]));
