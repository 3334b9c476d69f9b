// The form: one question with its field, or a survey question by question, then all reviewed and
// sent at once.

import { html, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { number, t } from "../page.js";
import { field, idOf } from "./fields/field.js";
import { areLive } from "./results/results.js";

/** @param answering as of answering.js */
export function form(element, answering) {
  const isSurvey = answering.draft.isSurvey;
  return html`<form novalidate @submit=${(event) => submit(event, answering)}>
    ${isSurvey ? surveyPage(element, answering) : onePage(element, answering)}
  </form>`;
}

// Where the notice at the card's foot is out of sight while voting.
const opinion = html`<p class="vote-notice">${t("Self-selected, not representative; not a vote in the election.")}</p>`;

function submit(event, answering) {
  event.preventDefault();
  if (answering.draft.isSurvey && answering.question) answering.next();
  else answering.submit();
}

function onePage(element, answering) {
  const { poll, changes } = element;
  return html`${field(answering, answering.questions[0], `question-${poll.id}`)}
    <div class="poll-actions stuck">
      <button class="button primary" type="submit">${changes ? t("Change my answer") : t("Vote")}</button>
      ${aside(element)} ${opinion}
    </div>`;
}

// Back to what was there before, or on to what others say.
function aside(element) {
  if (element.changes) {
    return html`<button class="button quiet" type="button" @click=${() => element.changeAnswer(false)}>${t("Leave it as it is")}</button>`;
  }
  if (!areLive(element.poll)) return nothing;
  return html`<button class="button quiet" type="button" @click=${() => element.peek(true)}>${t("Show results")}</button>`;
}

function surveyPage(element, answering) {
  const { draft, question } = answering;
  return html`${draft.wasResumed && draft.page > 0 ? resumed(element) : nothing}
    ${question ? field(answering, question, idOf(answering.poll, question)) : review(answering)}
    <div class="poll-actions stuck">
      ${draft.page > 0
        ? html`<button class="button" type="button" @click=${() => answering.back()}>${t("Back")}</button>`
        : nothing}
      <button class="button primary" type="submit">${question ? onward(answering) : t("Send all answers")}</button>
      ${draft.page === 0 ? aside(element) : nothing} ${opinion}
    </div>`;
}

const onward = ({ draft, questions }) => (draft.page === questions.length - 1 ? t("Review") : t("Next"));

const resumed = (element) => html`<p class="notice resumed">
  ${icons.reload}<span>${t("Your answers from before are still here.")}</span>
  <button class="button quiet small" type="button" @click=${() => element.startAgain()}>${t("Start again")}</button>
</p>`;

/** Above the question: how far it is. */
export function progress({ draft, questions }) {
  const place = Math.min(draft.page + 1, questions.length);
  const words = draft.page < questions.length
    ? t("Question %(place)s of %(all)s", { place: number(place), all: number(questions.length) })
    : t("Review your answers");
  return html`<div class="progress">
    <p class="number">${words}</p>
    <div class="progress-steps" aria-hidden="true">
      ${questions.map((_, step) => html`<i class=${step < draft.page ? "done" : step === draft.page ? "now" : ""}></i>`)}
    </div>
  </div>`;
}

function review(answering) {
  return html`<dl class="review">
      ${answering.questions.map(
        (question, place) => html`<div>
          <dt><span dir="auto">${question.text}</span></dt>
          <dd>${said(answering.draft, question)}</dd>
          <button
            class="button quiet small"
            type="button"
            aria-label=${t("Change: %(question)s", { question: question.text })}
            @click=${() => answering.turnTo(place)}
          >
            ${t("Change")}
          </button>
        </div>`,
      )}
    </dl>
    <p class="muted small">${t("They are sent and counted all together.")}</p>`;
}

/** An answer in words. */
export function said(draft, question) {
  if (!draft.isAnswered(question)) return html`<span class="muted">${t("Left out")}</span>`;
  const answer = draft.of(question);
  if (question.kind === "text") return html`<span dir="auto">${answer}</span>`;
  if (question.kind === "rating") return html`<span class="number">${number(Number(answer[0]))}</span>`;
  const labels = new Map(question.choices.map(({ id, label }) => [id, label]));
  if (question.kind !== "ranking") return html`<span dir="auto">${answer.map((id) => labels.get(id)).join(t(", "))}</span>`;
  return html`<ol>${answer.map((id) => html`<li dir="auto">${labels.get(id)}</li>`)}</ol>`;
}

/** A ballot that waits for the line: its answers, which cannot be changed now. */
export function waiting(answering) {
  return html`<dl class="review">
      ${answering.questions.map(
        (question) => html`<div>
          <dt dir="auto" class=${answering.draft.isSurvey ? nothing : "visually-hidden"}>${answering.draft.isSurvey ? question.text : t("Your answer")}</dt>
          <dd>${said(answering.draft, question)}</dd>
        </div>`,
      )}
    </dl>
    <p class="notice warn" role="status">
      ${icons.clock}<span><b>${t("Not yet counted.")}</b> ${t("Your answer is kept here and goes as soon as the line is back.")}</span>
    </p>`;
}
