// What the poll shows. Each function takes the poll element and returns a template.

import { html, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { identity } from "../identity/identity.js";
import { duration, moment, t, tn } from "../page.js";
import { Answering } from "./answering.js";
import { askedBy } from "./asker.js";
import { idOf } from "./fields/field.js";
import { admissionView } from "./admission_view.js";
import { outcome } from "./outcome.js";
import { qa } from "./qa_view.js";
import { isSurvey, questionsOf } from "./questions.js";
import { results } from "./results/results.js";
import { answered, refusal, timeLeft } from "./sentences.js";
import { form, progress, waiting } from "./form.js";
import { terms } from "./terms.js";

const DAY_SECONDS = 86_400;

export function card(element) {
  const { view } = element;
  if (view === "loading") return skeleton();
  if (view === "empty") return empty();
  // A draft that its asker looks at has no voter.
  const answering = element.answering ?? new Answering(element.poll, {});
  return html`
    ${clock(element)}
    <div class="poll-body" data-view=${view} data-kind=${element.poll.kind ?? "single"}>
      ${heading(element, answering)} ${line(element)} ${problem(element)} ${content(element, answering)}
      ${outcome(element)} ${onward(element)} ${terms(element.poll, withCode(element))} ${notice(element)}
    </div>
    <p class="visually-hidden" role="status" aria-live="polite">${element.spoken}</p>
  `;
}

function content(element, answering) {
  switch (element.view) {
    case "qa":
      return qa(element);
    case "admission":
      return admissionView(element.admission, () => element.enterIn());
    case "ask":
      return form(element, answering);
    case "pending":
      return waiting(answering);
    default:
      return results(element);
  }
}

// The device would do, and a code is taken too: who has one finds it among the rules.
function withCode({ admission, view }) {
  if (view !== "ask" && view !== "qa") return nothing;
  if (!admission?.takes("code") || !admission.isOpen || admission.isAsked || identity.tier === "code") return nothing;
  return html`<button class="button small" type="button" @click=${() => admission.askForCode(true)}>
    ${t("I have an access code")}
  </button>`;
}

function skeleton() {
  return html`<div class="poll-body" aria-busy="true">
    <span class="visually-hidden">${t("Loading the question")}</span>
    <div class="skeleton line-long"></div>
    <div class="skeleton line-short"></div>
    <div class="skeleton row-box"></div>
    <div class="skeleton row-box"></div>
    <div class="skeleton row-box"></div>
  </div>`;
}

function empty() {
  return html`<div class="poll-body poll-empty">
    <h2>${t("No question right now")}</h2>
    <p class="muted small">${t("When one is asked, it appears here. Nothing to reload.")}</p>
  </div>`;
}

// Late answers are taken for days: when they end stands in words instead.
const countsDown = ({ isOpen, left, poll }) => isOpen && Number.isFinite(left) && !(poll.late_of && left > DAY_SECONDS);

// The time left: a line that shrinks, and words beside it.
export function clock(element) {
  const { poll, left } = element;
  if (!countsDown(element)) return nothing;
  const { open, close } = poll.cue ?? {};
  const whole = close ? close - (open ?? poll.opened_at) : poll.closes_at - poll.opened_at;
  const share = Math.max(0, Math.min(1, left / whole));
  return html`<div class="poll-line" aria-hidden="true">
    <i .style=${`--value: ${share.toFixed(4)}`}></i>
  </div>`;
}

export function heading(element, answering) {
  const { poll, left } = element;
  return html`<header class="poll-head">
    <p class="poll-meta">
      <span>${kindOf(element)}</span>
      ${poll.isReplayed ? html`<span class="tag outline">${t("As it was live")}</span>` : nothing}
      ${poll.simulated ? html`<span class="tag warn">${t("Simulated voters")}</span>` : nothing}
      ${countsDown(element)
        ? html`<span class="push number ${left < 30 ? "soon" : ""}"
            >${icons.clock}<span aria-hidden="true">${duration(Math.ceil(left))}</span
            ><span class="visually-hidden">${timeLeft(left)}</span></span
          >`
        : nothing}
    </p>
    ${title(element, answering)}
  </header>`;
}

function kindOf({ poll, isOpen }) {
  if (poll.kind === "qa") return isOpen ? t("Your questions") : t("Questions closed");
  if (isSurvey(poll)) return isOpen ? t("Survey") : t("Survey closed");
  return isOpen ? t("Poll") : t("Poll closed");
}

// A survey asks one question at a time; the others are named by what they ask.
function title({ poll, view }, answering) {
  if (!isSurvey(poll)) {
    return html`<h2 id="question-${poll.id}" tabindex="-1"><span dir="auto">${poll.question}</span></h2>`;
  }
  if (view !== "ask") {
    const count = questionsOf(poll).length;
    return html`<h2 id="question-${poll.id}" tabindex="-1">
      ${tn("%(count)s question, answered at once", "%(count)s questions, answered at once", count)}
    </h2>`;
  }
  const { question } = answering;
  return html`${progress(answering)}
  ${question
    ? html`<h2 id=${idOf(poll, question)} tabindex="-1"><span dir="auto">${question.text}</span></h2>`
    : html`<h2 class="review-title" tabindex="-1">${t("Your answers")}</h2>`}`;
}

// A pending vote says it in its own words.
function line(element) {
  if (!element.isLineDown || element.view === "pending") return nothing;
  return html`<p class="notice" role="status">${icons.reload}<span>${t("Reconnecting, you have missed nothing")}</span></p>`;
}

function problem(element) {
  const error = element.ballot?.error;
  if (!error) return nothing;
  return html`<p class="notice fault" role="alert">${icons.alert}<span>${refusal(error.code, element.poll, error.why)}</span></p>`;
}

// Several may be open at once: the next one that this browser has not answered.
function onward(element) {
  if (!element.next) return nothing;
  return html`<button class="button quiet small" type="button" @click=${() => element.goOn()}>${t("Next question")}</button>`;
}

export function notice(element) {
  const { poll, tally } = element;
  const asked = poll.opened_at || poll.created_at;
  return html`<footer class="poll-notice">
    <p>
      ${askedBy(poll)}${asked ? html` · <time datetime=${new Date(asked * 1000).toISOString()}>${moment(asked)}</time>` : nothing}
      ${poll.kind === "qa" ? nothing : html`· <span class="number">${answered(tally ? tally.total : 0)}</span>`}
    </p>
    <p>${t("Self-selected, not representative; not a vote in the election.")}</p>
  </footer>`;
}

/** For the folded dock on a phone: the question, and the time left or that it is over. */
export function folded(element) {
  const { poll, left } = element;
  if (!poll) return t("No question right now");
  let end = nothing;
  if (!element.isOpen) end = html`<span class="muted">${t("Poll closed")}</span>`;
  else if (Number.isFinite(left)) end = html`<span class="number">${duration(Math.ceil(left))}</span>`;
  return html`<span class="folded-question"><bdi>${poll.question}</bdi></span>${end}`;
}
