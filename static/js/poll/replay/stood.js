// What everybody saw of a poll when a recording's picture was live: its numbers, or, while its
// rules hid them, what was asked.

import { html, nothing } from "../../../vendor/lit.js";
import * as icons from "../../icons.js";
import { number, t } from "../../page.js";
import { isSurvey, questionsOf } from "../questions.js";
import { results } from "../results/results.js";

/** @param {import("./card.js").StreamdReplay} element */
export function stood(element) {
  const { poll, tally } = element;
  if (poll.kind === "qa") return asked(element);
  if (tally.counts || !element.isOpen) return results(element);
  return html`${questionsOf(poll).map((question) => offered(poll, question))} ${results(element)}`;
}

/** What could be answered; it cannot be pressed. */
function offered(poll, question) {
  const title = isSurvey(poll) ? html`<h3><span dir="auto">${question.text}</span></h3>` : nothing;
  const body = choices(question);
  return title === nothing && body === nothing ? nothing : html`<section class="offered">${title} ${body}</section>`;
}

function choices({ kind, choices: offers, scale }) {
  if (kind === "rating") {
    const ends = [
      [scale.low, scale.low_label],
      [scale.high, scale.high_label],
    ];
    return html`<ul class="offers" role="list">
      ${ends.map(([mark, label]) => html`<li class="offer"><b class="number">${number(mark)}</b> <span dir="auto">${label}</span></li>`)}
    </ul>`;
  }
  if (!offers?.length) return nothing;
  return html`<ul class="offers" role="list">
    ${offers.map(({ label }) => html`<li class="offer"><span dir="auto">${label}</span></li>`)}
  </ul>`;
}

// Viewers' questions came and went as they were approved; what is kept is how they stood at last.
function asked({ poll, isOpen }) {
  const items = (poll.tally?.items ?? []).filter(({ state }) => state === "shown" || state === "answered");
  if (isOpen || !items.length) {
    return html`<p class="notice">${icons.people}<span>${isOpen ? t("Viewers wrote their questions here while it was live.") : t("No question was approved.")}</span></p>`;
  }
  return html`<ol class="offers" role="list">
    ${items.map(
      ({ text, state, upvotes }) => html`<li class="offer">
        <b class="number">${number(upvotes)}</b> <span dir="auto">${text}</span>
        ${state === "answered" ? html`<span class="tag push">${icons.check}${t("Answered")}</span>` : nothing}
      </li>`,
    )}
  </ol>`;
}
