// What the poll says in words: refusals by code, time left, results for a screen reader.

import { identity } from "../identity/identity.js";
import { decimal, number, percent, t, tn } from "../page.js";
import { answersTo, countsOf, isSurvey, meanOf, questionsOf } from "./questions.js";
import { regionName } from "./results/groups.js";

/**
 * What happened to the vote and what to do, by the contract's code (1001–1010).
 * @param {number} code
 * @param {object} [poll] its row
 * @param {string} [why] which rule left this voter out, where the server's word of it came through
 */
export function refusal(code, poll, why) {
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
    case 1007:
      return leftOut(poll?.rules, why);
    case 1008:
      return t("The question was changed while you answered. Read it again, then answer.");
    case 1009:
      return t("No more questions are taken from you here. Vote for those shown.");
    case 1010:
      return t("This question is no longer there. It may have been taken away.");
    case 1998:
      return t("This answer was made under another identity, so it was not sent again. Answer again.");
    default:
      return t("Your answer was not accepted. Reload the page and answer again.");
  }
}

// The socket's client passes `why` over, and the rules say it too: the kind of identity comes first.
function leftOut(rules, why) {
  if (!rules) return t("This poll's rules leave you out. Open them to see for whom it is.");
  const isTier = why ? why === "tier" : !rules.who.includes(identity.tier ?? "device");
  if (isTier) return t("Your answer was not counted: this poll takes answers only %(ways)s.", { ways: ways(rules) });
  const regions = rules.regions.map(regionName).join(t(", "));
  return t("Your answer was not counted: this poll is only for these regions: %(regions)s. Your code or messenger names another one, or you answered without one.", { regions });
}

function ways({ who }) {
  const named = [
    who.includes("device") && t("with this device"),
    who.includes("platform") && t("through a messenger that vouches for you"),
    who.includes("code") && t("with an access code"),
  ].filter(Boolean);
  return named.join(` ${t("or")} `);
}

/** "2 minutes left", "45 seconds left". */
export function timeLeft(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole > 90) return tn("%(count)s minute left", "%(count)s minutes left", Math.round(whole / 60));
  return tn("%(count)s second left", "%(count)s seconds left", whole);
}

/** One sentence with what the results say, for announcement. */
export function spokenResults(poll, tally) {
  const total = tally.total || 0;
  const said = tally.counts && !isSurvey(poll) ? shares(poll, questionsOf(poll)[0], tally) : [];
  return said.length ? `${answered(total)}. ${said.join(t(", "))}.` : `${answered(total)}.`;
}

function shares(poll, question, tally) {
  const own = countsOf(poll, question, tally.counts);
  const answers = answersTo(question, own, tally.total || 0);
  if (question.kind === "rating") {
    const mean = meanOf(question, own);
    return mean === null ? [] : [t("on average %(mean)s", { mean: decimal(mean, 1) })];
  }
  if (question.kind === "ranking") {
    const order = [...question.choices].sort((a, b) => own[b.id] - own[a.id]);
    return order.map(({ label }, place) => `${number(place + 1)}. ${label}`);
  }
  return question.choices.map(({ id, label }) =>
    t("%(label)s: %(share)s", { label, share: percent(answers ? own[id] / answers : 0) }),
  );
}

export const answered = (total) => tn("%(count)s person answered", "%(count)s people answered", total);

/** A choice's result, said whole. */
export const spokenShare = (count, part) =>
  t("%(answers)s, %(share)s of all", {
    answers: tn("%(count)s answer", "%(count)s answers", count),
    share: percent(part),
  });

export { number, percent };
