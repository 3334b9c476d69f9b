// A poll that collects questions: those approved, the most wanted first, a vote for each, and the
// field for one's own, which is held until it is approved.

import { html, ifDefined, nothing, repeat } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { number, t, tn } from "../page.js";
import { lengthOf } from "./draft.js";
import { writing } from "./fields/text.js";
import { admissionView } from "./admission_view.js";
import { ASKED_AT_MOST, ITEM_CHARACTERS } from "./questions_asked.js";
import { refusal } from "./sentences.js";

export function qa(element) {
  const items = element.tally?.items ?? [];
  return html`${element.isOpen ? asking(element) : nothing}
    ${held(element.asked, items)} ${fault(element.asked?.error, element.poll)}
    <section class="asked" aria-labelledby="asked-${element.poll.id}">
      <h3 id="asked-${element.poll.id}">${tn("%(count)s question", "%(count)s questions", items.length)}</h3>
      ${items.length
        ? html`<ul class="asked-list" role="list">
            ${repeat(items, ({ id }) => id, (item) => row(element, item))}
          </ul>`
        : html`<p class="muted small">${t("None is approved yet. Ask the first.")}</p>`}
    </section>`;
}

function asking(element) {
  const { asked, admission, poll } = element;
  if (!admission || !asked) return nothing;
  if (!admission.isOpen || admission.isAsked) return admissionView(admission, () => element.enterIn());
  if (asked.isFull) {
    return html`<p class="notice">${icons.check}<span>${tn("You have asked %(count)s question, as many as one person may. Vote for those of others.", "You have asked %(count)s questions, as many as one person may. Vote for those of others.", ASKED_AT_MOST)}</span></p>`;
  }
  const id = `ask-${poll.id}`;
  const wrong = askFault(asked.fault, element.poll);
  return html`<form class="ask-form" novalidate @submit=${(event) => ask(event, element, id)}>
    <div class="field">
      <label for=${id} id="${id}-label">${t("Your question")}</label>
      ${writing({
        id,
        written: asked.text,
        most: ITEM_CHARACTERS,
        fault: wrong,
        heading: `${id}-label`,
        described: `${id}-hint${wrong ? ` ${id}-fault` : ""}`,
        onInput: (text) => asked.write(text),
      })}
      <span class="hint" id="${id}-hint">${t("It is held until the organiser approves it, and shown without your name.")}</span>
    </div>
    ${wrong ? html`<p class="notice fault" role="alert" id="${id}-fault">${icons.alert}<span>${wrong}</span></p>` : nothing}
    <button class="button primary" type="submit" aria-disabled=${ifDefined(asked.isSending ? "true" : undefined)}>${t("Ask")}</button>
  </form>`;
}

async function ask(event, element, id) {
  event.preventDefault();
  const { asked } = element;
  if (asked.isSending) return;
  const length = lengthOf(asked.text);
  if (!length || length > ITEM_CHARACTERS) asked.fault = length ? "long" : "missing";
  else if (await asked.ask()) element.announcer.say(t("Your question is sent. It is held until the organiser approves it."));
  element.requestUpdate();
  await element.updateComplete;
  element.querySelector(`#${id}`)?.focus();
}

function askFault(fault, poll) {
  switch (fault) {
    case "":
      return "";
    case "missing":
      return t("Write your question first.");
    case "long":
      return tn("Shorten your question to %(count)s character.", "Shorten your question to %(count)s characters.", ITEM_CHARACTERS);
    case "line":
      return t("Your question did not get through. Look at your connection and ask again; it is counted once.");
    default:
      return refusal(fault, poll);
  }
}

// One's own questions that are not shown yet.
function held(asked, items) {
  const shown = new Set(items.map(({ id }) => id));
  const mine = asked?.mine.filter(({ id }) => !shown.has(id)) ?? [];
  if (!mine.length) return nothing;
  return html`<ul class="held" role="list" aria-label=${t("Your questions")}>
    ${mine.map(
      ({ text }) => html`<li>
        <span class="tag">${icons.clock}${t("Held until approved")}</span><span dir="auto">${text}</span>
      </li>`,
    )}
  </ul>`;
}

const fault = (error, poll) =>
  error
    ? html`<p class="notice fault" role="alert">${icons.alert}<span>${error === "line" ? t("Your vote did not get through. Look at your connection and press again.") : refusal(error, poll)}</span></p>`
    : nothing;

function row(element, { id, text, state, upvotes }) {
  const { asked, admission } = element;
  const isWanted = asked?.wanted.has(id) ?? false;
  const isMine = asked?.mine.some((one) => one.id === id) ?? false;
  const isAnswered = state === "answered";
  const count = Math.max(upvotes, element.upvotes?.get(id) ?? 0);
  const words = tn("%(count)s person wants this answered", "%(count)s people want this answered", count);
  return html`<li class="asked-item ${isAnswered ? "answered" : ""}">
    ${element.isOpen && admission?.isOpen && !isAnswered
      ? html`<button
          class="upvote"
          type="button"
          aria-pressed=${String(isWanted)}
          aria-label="${number(count)} ${isWanted ? t("You want this answered: %(question)s", { question: text }) : t("Want this answered: %(question)s", { question: text })}"
          @click=${() => element.upvote(id)}
        >
          ${isWanted ? icons.check : icons.upvote}<span class="number">${number(count)}</span>
        </button>`
      : html`<span class="upvote still"><span class="number" aria-hidden="true">${number(count)}</span><span class="visually-hidden">${words}</span></span>`}
    <span class="asked-text">
      <span dir="auto">${text}</span>
      ${isMine || isAnswered
        ? html`<span class="asked-tags">
            ${isAnswered ? html`<span class="tag">${icons.check}${t("Answered")}</span>` : nothing}
            ${isMine ? html`<span class="tag">${t("Your question")}</span>` : nothing}
          </span>`
        : nothing}
    </span>
  </li>`;
}
