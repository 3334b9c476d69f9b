/** Names and sentences of polls that every organiser's page uses. */

import { askedBy } from "../poll/asker.js";
import { date, duration, number, page, t, tn, timeOfDay } from "../page.js";

export function kindName(kind) {
  return {
    single: t("One choice"),
    multiple: t("Several choices"),
    rating: t("Rating"),
    ranking: t("Ranking"),
    quiz: t("Quiz"),
    text: t("Open answer"),
    qa: t("Viewers' questions"),
    survey: t("Survey"),
  }[kind] ?? kind;
}

/** What stands above a poll: its question, or how many there are. */
export function titleOf(poll) {
  if (poll.questions.length === 1) return poll.question;
  return t("Survey of %(count)s questions", { count: number(poll.questions.length) });
}

export function stateName(state) {
  return {
    draft: t("Draft"),
    scheduled: t("Scheduled"),
    open: t("Open"),
    closed: t("Closed"),
    archived: t("Archived"),
  }[state] ?? state;
}

export function tierName(tier) {
  return {
    device: t("Devices"),
    platform: t("Messenger accounts"),
    code: t("Access codes"),
  }[tier] ?? tier;
}

/** Each sentence as the poll's rules have it, for who reads its results. */
export function ruleSentences(rules) {
  const who = rules.who.map(tierName).join(t(", "));
  const several = [t("May answer: %(who)s.", { who })];
  several.push(
    rules.revote === "last"
      ? t("The last answer counts, until the poll closes.")
      : t("The first answer counts."),
  );
  several.push(
    {
      live: t("Everybody sees the results at any time."),
      after_vote: t("Who has answered sees the results."),
      after_close: t("The results are told after the close."),
      organiser: t("Only the organiser sees the results."),
    }[rules.results] ?? "",
  );
  if (rules.shuffle) several.push(t("Each person sees the choices in an order of their own."));
  if (rules.regions.length) {
    const regions = rules.regions.map(regionName).join(t(", "));
    several.push(t("Only for: %(regions)s.", { regions }));
  }
  several.push(
    rules.log === "recount"
      ? t("Its log can be recounted by anybody.")
      : t("Its log shows every ballot, no answer."),
  );
  if (rules.late) several.push(t("Whoever answers later, beside the recording, is counted apart."));
  return several.filter(Boolean);
}

export const regionName = (id) => (page.regions ?? []).find((one) => one.id === id)?.name ?? id;

/** When a poll was asked: day, and from when to when. */
export function whenAsked(poll) {
  const { opened_at: from, closed_at: to } = poll;
  if (!from) return poll.opens_at ? `${date(poll.opens_at)}${t(", ")}${timeOfDay(poll.opens_at)}` : "";
  const begun = `${date(from)}${t(", ")}${timeOfDay(from)}`;
  return to ? `${begun}–${timeOfDay(to)}` : begun;
}

export function answersOf(figure) {
  if (figure.kind === "qa")
    return tn("%(count)s question", "%(count)s questions", figure.answers);
  return tn("%(count)s answer", "%(count)s answers", figure.answers);
}

export const points = (count) => tn("%(count)s point", "%(count)s points", count);

const TIERS = ["device", "platform", "code"];

/** Tier and number, null: withheld; in the order in which pages name them. */
export const tierRows = (tiers) =>
  TIERS.filter((tier) => tier in (tiers ?? {})).map((tier) => [tier, tiers[tier]]);

/** "Devices 96 · Access codes (withheld)"; of a poll that is open, when it is told. */
export function tiersLine(tiers, poll = null) {
  if (poll && isTiersLater(poll)) return t("By identity: told at the close");
  const known = tierRows(tiers).filter(([, count]) => count !== 0);
  return known
    .map(([tier, count]) => `${tierName(tier)} ${count === null ? t("(withheld)") : number(count)}`)
    .join(" · ");
}

/** Whether `poll` is open and has answers; by which identities they came is told at its close. */
export const isTiersLater = (poll) => poll.state === "open" && poll.kind !== "qa" && poll.tally?.total > 0;

export const NOTICE = () => t("Self-selected, not representative; not a vote in the election.");

/** What belongs beside a poll's numbers, less how many: who asked, when, and what it is not. */
export const noticeLine = (poll) => [askedBy(poll), whenAsked(poll), NOTICE()].filter(Boolean).join(" · ");

/** What "withheld" means, of the tiers. */
export const tiersWithheld = () => t("How many answered with each kind of identity is told from 10 people on, and withheld too where it would give away a smaller number.");

/** The same of regions. */
export const regionsWithheld = () => t("How many answered in each region is told from 10 people on, and withheld too where it would give away a smaller number.");

export const lasts = (seconds) => (seconds ? duration(seconds) : t("until it is closed"));
