// One question to answer: its words, what is expected, its field, and what is wrong with it.

import { html, nothing } from "../../../vendor/lit.js";
import * as icons from "../../icons.js";
import { number, t, tn } from "../../page.js";
import { choices } from "./choices.js";
import { ranking } from "./ranking.js";
import { rating } from "./rating.js";
import { text } from "./text.js";

const FIELDS = { single: choices, quiz: choices, multiple: choices, rating, ranking, text };

/** Ids of the parts of a question on the page. */
export const idOf = (poll, question, part = "") => `question-${poll.id}-${question.id}${part}`;

/**
 * @param answering as of answering.js
 * @param question one of its questions
 * @param {string} heading the id of what names the question
 */
export function field(answering, question, heading) {
  const { poll } = answering;
  const fault = answering.faultOf(question);
  const hint = hintOf(question, answering.draft);
  const described = [hint && idOf(poll, question, "-hint"), fault && idOf(poll, question, "-fault")].filter(Boolean);
  const context = { answering, question, fault, heading, described: described.join(" ") };
  return html`<div class="question-field" data-question=${question.id} data-kind=${question.kind}>
    ${hint ? html`<p class="question-hint" id=${idOf(poll, question, "-hint")}>${hint}</p>` : nothing}
    ${(FIELDS[question.kind] ?? choices)(context)}
    ${fault
      ? html`<p class="notice fault" role="alert" id=${idOf(poll, question, "-fault")}>${icons.alert}<span>${fault}</span></p>`
      : nothing}
    ${question.required === false && answering.draft.isAnswered(question)
      ? html`<button class="button quiet small leave-out" type="button" @click=${() => answering.clear(question)}>
          ${t("Leave this question out")}
        </button>`
      : nothing}
  </div>`;
}

function hintOf(question, draft) {
  const sentences = [expected(question, draft)];
  if (question.required === false) sentences.push(t("You may leave this one out."));
  return sentences.filter(Boolean).join(" ");
}

function expected(question, draft) {
  const { kind, minimum, maximum } = question;
  if (kind === "ranking") return t("Put them in order, the most important first: with the arrows, or by dragging.");
  if (kind === "text") return t("Your answer is held until the organiser approves it; then it counts in the word cloud, without your name.");
  if (kind !== "multiple") return "";
  const taken = tn("%(count)s chosen.", "%(count)s chosen.", draft.of(question).length);
  return `${howMany(minimum, maximum)} ${taken}`;
}

function howMany(minimum, maximum) {
  if (minimum === maximum) return tn("Choose %(count)s answer.", "Choose %(count)s answers.", minimum);
  if (minimum > 1) {
    return t("Choose %(minimum)s to %(maximum)s answers.", { minimum: number(minimum), maximum: number(maximum) });
  }
  return tn("Choose up to %(count)s answer.", "Choose up to %(count)s answers.", maximum);
}
