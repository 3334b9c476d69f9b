// What the poll says in words: refusals by code, time left, results for a screen reader.

import { number, percent, t, tn } from "../page.js";

/** What happened to the vote and what to do, by the contract's code (1001–1006). */
export function refusal(code) {
  switch (code) {
    case 1001:
      return t("This poll is no longer there, so your answer was not counted.");
    case 1002:
      return t("That answer is not one of the choices. Reload the page and answer again.");
    case 1003:
      return t("The poll has closed. Your answer came too late to be counted.");
    case 1004:
      return t("This browser could not be recognised, so your answer was not counted. Allow cookies for this site and answer again.");
    case 1005:
      return t("You have already answered this poll, perhaps in another tab. Each person is counted once.");
    case 1006:
      return t("Another answer of yours is already counted. It cannot be changed.");
    default:
      return t("Your answer was not accepted. Reload the page and answer again.");
  }
}

/** "2 minutes left", "45 seconds left". */
export function timeLeft(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole > 90) return tn("%(count)s minute left", "%(count)s minutes left", Math.round(whole / 60));
  return tn("%(count)s second left", "%(count)s seconds left", whole);
}

/** One sentence with all shares, for announcement. */
export function spokenResults(poll, tally) {
  const total = tally.total || 0;
  const shares = poll.choices.map(({ id, label }) => {
    const part = total ? (tally.counts?.[id] || 0) / total : 0;
    return t("%(label)s: %(share)s", { label, share: percent(part) });
  });
  return `${answered(total)}. ${shares.join(t(", "))}.`;
}

export const answered = (total) => tn("%(count)s person answered", "%(count)s people answered", total);

/** A choice's result, said whole. */
export const spokenShare = (count, part) =>
  t("%(answers)s, %(share)s of all", {
    answers: tn("%(count)s answer", "%(count)s answers", count),
    share: percent(part),
  });

export { number, percent };
