/** The polls of the stream beside the one in hand: open, prepared, over. */

import { html, nothing, repeat } from "../../vendor/lit.js";
import { number, t, tn } from "../page.js";
import { kindName, whenAsked } from "../results/words.js";
import { icons } from "../studio/icons.js";

export function list(desk) {
  return html`
    <p class="row">
      <button class="button small" type="button" aria-keyshortcuts="W" @click=${() => desk.write()}>
        ${icons.plus}${t("Write a question")} <kbd aria-hidden="true">W</kbd>
      </button>
    </p>
    ${group(desk, t("Open"), desk.open)} ${group(desk, t("Prepared"), desk.prepared)} ${group(desk, t("Over"), desk.done)}
  `;
}

function group(desk, name, polls) {
  if (!polls.length) return nothing;
  return html`<h2 class="heading">${name} <span class="muted number">${number(polls.length)}</span></h2>
    <ol role="list">
      ${repeat(polls, (poll) => poll.id, (poll) => html`<li>${entry(desk, poll)}</li>`)}
    </ol>`;
}

function entry(desk, poll) {
  const isChosen = desk.chosen === poll.id && !desk.writes;
  const total = poll.tally?.total ?? 0;
  const state =
    poll.state === "scheduled"
      ? whenAsked(poll)
      : poll.opened_at && poll.kind !== "qa"
        ? tn("%(count)s person answered", "%(count)s people answered", total)
        : kindName(poll.kind);
  return html`<button
    class="poll-entry ${poll.state}"
    type="button"
    aria-current=${isChosen ? "true" : nothing}
    @click=${() => desk.choose(poll.id)}
  >
    <span class="poll-entry-question"><bdi>${poll.question}</bdi></span>
    <span class="muted tiny number">${state}</span>
  </button>`;
}
