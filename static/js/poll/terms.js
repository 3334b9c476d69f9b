// The rules of a poll as its voters are told them before they vote: a quiet line that opens.

import { html, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { moment, t, tn } from "../page.js";
import { logSentences } from "./log_words.js";
import { regionName } from "./results/groups.js";

/** @param poll a poll's row; one without rules has nothing to tell. `more` stands after the rules. */
export function terms(poll, more = nothing) {
  const { rules } = poll;
  if (!rules) return nothing;
  return html`<details class="terms">
    <summary>
      <span class="terms-line">${line(poll)}</span><span class="terms-more">${t("Rules")}</span>${icons.chevron}
    </summary>
    <ul role="list">
      ${sentences(poll).map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
    ${more}
  </details>`;
}

function line(poll) {
  const { rules } = poll;
  const parts = [shortWho(rules)];
  if (rules.regions.length) parts.push(tn("%(count)s region", "%(count)s regions", rules.regions.length));
  if (poll.kind !== "qa") parts.push(rules.revote === "last" ? t("the last answer counts") : t("the first answer counts"));
  if (poll.kind !== "qa" && rules.results !== "live") parts.push(shortResults(rules));
  return parts.join(" · ");
}

const has = (rules, tier) => rules.who.includes(tier);

function shortWho(rules) {
  if (has(rules, "device")) return t("Open to everybody");
  if (has(rules, "code") && has(rules, "platform")) return t("With a code or through a messenger");
  return has(rules, "code") ? t("With an access code") : t("Through a messenger");
}

function shortResults(rules) {
  switch (rules.results) {
    case "after_vote":
      return t("results after your answer");
    case "after_close":
      return t("results after the close");
    default:
      return t("results to the organiser only");
  }
}

/** Every rule, a sentence each. */
export function sentences(poll) {
  const { rules } = poll;
  const isAsked = poll.kind === "qa";
  return [
    who(rules),
    where(rules),
    isAsked ? t("Each voter may ask three questions and vote once for each of the others.") : "",
    isAsked ? "" : revote(rules),
    isAsked ? "" : results(rules),
    until(poll),
    shuffle(poll),
    ...(isAsked ? [] : logSentences(rules)),
    late(poll),
  ].filter(Boolean);
}

function who(rules) {
  const ways = [
    has(rules, "device") && t("with this device: a browser is counted once, and one person may have several"),
    has(rules, "platform") && t("through a messenger that vouches for its members"),
    has(rules, "code") && t("with an access code: each code counts once"),
  ].filter(Boolean);
  return t("Who may answer: %(ways)s.", { ways: ways.join(t("; ")) });
}

const where = (rules) =>
  rules.regions.length
    ? t("Only for these regions: %(regions)s.", { regions: rules.regions.map(regionName).join(t(", ")) })
    : "";

const revote = (rules) =>
  rules.revote === "last"
    ? t("You may change your answer until the close; the last one counts. For that the link between you and your ballot is kept until the close, and then deleted.")
    : t("The first answer counts and cannot be changed. Nothing that is kept links you to your ballot.");

function results(rules) {
  switch (rules.results) {
    case "after_vote":
      return t("Results: once you have answered, and to everybody after the close.");
    case "after_close":
      return t("Results: to everybody after the close.");
    case "organiser":
      return t("Results: to the organiser only.");
    default:
      return t("Results: to everybody, live.");
  }
}

function until({ closes_at: closes, deadlines = [] }) {
  if (!closes) return t("Open until the organiser closes it.");
  const time = moment(closes);
  if (deadlines.length) return t("Open until %(time)s. The organiser has moved that while it was open; every move stands beside the results.", { time });
  return t("Open until %(time)s. The organiser may move that; every move stands beside the results.", { time });
}

function late({ rules, late_of: live }) {
  if (live) return t("These are late answers, given beside the recording: counted apart, never added to those given live.");
  return rules.late ? t("Whoever answers later, beside the recording, is counted apart.") : "";
}

function shuffle({ rules, seed }) {
  if (!rules.shuffle || !seed) return "";
  return html`${t("Each voter sees the choices in another order, drawn from this published seed:")} <bdi class="mono">${seed}</bdi>`;
}

