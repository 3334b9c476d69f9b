// Answers given beside a recording: apart from those given live, in a place and words of their own.

import { html, nothing } from "../../../vendor/lit.js";
import * as icons from "../../icons.js";
import { serverNow, t, tn } from "../../page.js";
import { lateSentence, lateUntil } from "../late_words.js";
import { isSurvey, questionsOf } from "../questions.js";
import { result } from "../results/question.js";

/** Below what stood live: how many answered later, and the way to do so. */
export function late(element) {
  const found = element.entry?.late;
  if (!found) return element.isStillOpen ? still(element) : nothing;
  const { poll } = element;
  const tally = element.lateTally ?? found.tally;
  const total = Math.max(found.total, element.lateTally?.total ?? 0);
  const isOpen = found.state === "open" && (found.closes_at ?? Infinity) > serverNow();
  if (!isOpen && !total) return nothing;
  const id = `late-${poll.id}`;
  return html`<section class="late" aria-labelledby=${id}>
    <h3 id=${id}>${t("Answered later, from the recording")}</h3>
    ${total
      ? html`<p class="late-total number">${tn("%(count)s person", "%(count)s people", total)}</p>`
      : html`<p class="muted small">${t("Nobody so far")}</p>`}
    ${tally?.counts && element.tally.counts ? questionsOf(poll).map((question) => one(poll, question, tally, id)) : nothing}
    ${isOpen ? way(element) : nothing}
    ${fault(element)}
    <p class="tiny muted">${lateSentence()} ${isOpen ? lateUntil(found.closes_at) : nothing}</p>
  </section>`;
}

function one(poll, question, tally, id) {
  if (!isSurvey(poll)) return result(poll, question, tally, undefined, id);
  const heading = `${id}-${question.id}`;
  return html`<h4 id=${heading} dir="auto">${question.text}</h4>
    ${result(poll, question, tally, undefined, heading)}`;
}

// The broadcast goes on, and so does the poll.
const still = (element) => html`<section class="late" aria-label=${t("This poll is still open")}>
  <p>${t("This poll is still open: your answer counts with those given live.")}</p>
  ${way(element)} ${fault(element)}
</section>`;

const fault = ({ lateFault }) =>
  lateFault
    ? html`<p class="notice fault" role="alert">${icons.alert}<span>${t("The question could not be loaded. Look at your connection and try again.")}</span></p>`
    : nothing;

const way = (element) => html`<button class="button ${element.hasAnswered ? "small" : "primary"}" type="button" @click=${() => element.answer()}>
  ${element.hasAnswered ? html`${icons.check}${element.isStillOpen ? t("Your answer") : t("Your late answer")}` : t("Answer now")}
</button>`;

/** The usual card, for the poll of late answers, or for the one that is still open. */
export function answering(element) {
  return html`<div class="answering-late">
    <button class="button quiet small" type="button" @click=${() => element.leave()}>${icons.back}${t("As it was live")}</button>
    ${element.latePoll.late_of ? html`<p class="notice"><span><b>${t("A late answer.")}</b> ${lateSentence()} ${lateUntil(element.latePoll.closes_at)}</span></p>` : nothing}
  </div>
  <streamd-poll .poll=${element.latePoll} .feed=${element.lateFeed} .isWaiting=${false}></streamd-poll>`;
}
