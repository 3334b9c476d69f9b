/** What the producer's desk shows. */

import { classMap, html, nothing } from "../../vendor/lit.js";
import { duration, number, page, t, timeOfDay, timeToTheSecond, tn } from "../page.js";
import { figures } from "../results/figures.js";
import { live } from "../results/live.js";
import * as words from "../results/words.js";
import { composer } from "../studio/composer/view.js";
import { icons } from "../studio/icons.js";
import { isClosing, secondsLeft } from "../studio/poll_clock.js";
import { segments } from "../studio/view/check.js";
import { pollRefusal } from "../studio/view/refusal.js";
import { AHEAD_SECONDS } from "./ahead.js";
import { heldList } from "./held_view.js";
import { list } from "./list_view.js";

export const key = (letter) => html`<kbd aria-hidden="true">${letter}</kbd>`;

export function view(desk) {
  return html`
    <p class="visually-hidden" role="status">${desk.told}</p>
    <div class="producer ${desk.held.judges && !desk.writes ? "judging" : ""}">
      <nav class="producer-list" aria-label=${t("Polls")}>${list(desk)}</nav>
      <section class="producer-main" aria-label=${t("The poll in hand")}>${main(desk)}</section>
      ${desk.held.judges && !desk.writes ? heldList(desk) : nothing}
    </div>
    ${bottom(desk)}
  `;
}

function main(desk) {
  if (desk.writes)
    return html`<div class="producer-write stack">
      ${composer(desk)}
      <p><button class="button quiet" type="button" @click=${() => desk.cancelWriting()}>${t("Back to the polls")}</button></p>
    </div>`;
  if (desk.polls.list === null) return html`<div class="card stack" aria-busy="true"><p class="skeleton">0</p><p class="skeleton">0</p></div>`;
  if (!desk.poll) return empty(desk);
  return inHand(desk, desk.poll);
}

function empty(desk) {
  return html`<div class="card stack">
    <h2>${t("No polls yet")}</h2>
    <p class="muted">${t("Write the questions before the broadcast; here they are opened, closed and shown.")}</p>
    <p><button class="button primary" type="button" @click=${() => desk.write()}>${t("Write a question")} ${key("W")}</button></p>
  </div>`;
}

function inHand(desk, poll) {
  const all = figures(poll);
  const begun = Boolean(poll.opened_at);
  return html`<article class="card in-hand ${poll.state}">
    <header class="row">
      <span class="tag ${poll.state === "open" ? "solid" : ""}">${isClosing(poll) ? t("Closing") : words.stateName(poll.state)}</span>
      <span class="muted small">${words.kindName(poll.kind)}</span>
      ${poll.shown_at ? html`<span class="tag outline">${t("On the screens")}</span>` : nothing}
      ${poll.simulated ? html`<span class="tag warn">${t("Simulated voters")}</span>` : nothing}
      <span class="push muted small number">${timing(poll)}</span>
    </header>
    ${desk.polls.error
      ? html`<p class="notice fault" role="alert">${icons.warn}<span>${pollRefusal(desk.polls.error)}</span></p>`
      : nothing}
    <h2 class="in-hand-question"><span dir="auto">${words.titleOf(poll)}</span></h2>
    ${verbs(desk)} ${ahead(desk)} ${cue(poll)}
    ${begun
      ? html`<p class="in-hand-total">
          <b class="number">${number(total(poll, all))}</b>
          <span class="muted">${poll.kind === "qa" ? tn("question on the screens", "questions on the screens", total(poll, all)) : tn("person answered", "people answered", total(poll, all))}</span>
          <span class="push muted small number">${words.tiersLine(poll.tally?.tiers ?? poll.tier_results, poll)}</span>
        </p>`
      : nothing}
    <div class="in-hand-figures">
      ${all.map((figure, place) => part(figure, begun, all.length > 1 ? place + 1 : 0))}
    </div>
    <footer class="in-hand-foot">
      <ul class="rule-list muted small">${words.ruleSentences(poll.rules).map((one) => html`<li>${one}</li>`)}</ul>
      <p class="muted tiny">${words.noticeLine(poll)}</p>
      ${tools(desk, poll)}
    </footer>
  </article>`;
}

const total = (poll, all) => (poll.kind === "qa" ? all[0].answers : (poll.tally?.total ?? 0));

function part(figure, begun, place) {
  return html`<section>
    ${place ? html`<h3>${number(place)}. <span dir="auto">${figure.text}</span></h3>` : nothing}
    ${begun ? live(figure) : choices(figure)}
  </section>`;
}

function choices(figure) {
  if (!figure.rows.length || figure.kind === "rating") return html`<p class="muted small">${words.kindName(figure.kind)}</p>`;
  return html`<ol class="plain">
    ${figure.rows.map((row) => html`<li><span dir="auto">${row.label}</span>${row.right ? html` <span class="tag">${t("Right answer")}</span>` : nothing}</li>`)}
  </ol>`;
}

function timing(poll) {
  if (isClosing(poll)) return t("Closing: ballots until %(time)s", { time: timeToTheSecond(poll.ballots_until) });
  if (poll.state === "open") {
    const left = secondsLeft(poll);
    return left === null ? t("Open until you close it") : t("%(time)s left", { time: duration(left) });
  }
  if (poll.state === "scheduled") return t("Opens by itself: %(time)s", { time: words.whenAsked(poll) });
  if (poll.state === "draft") return t("Open for: %(time)s", { time: words.lasts(poll.duration_seconds) });
  return words.whenAsked(poll);
}

/** At which moment of the broadcast the screens of viewers follow what was done last. */
function cue(poll) {
  const { open, close, show } = poll.cue ?? {};
  const last = Math.max(open ?? 0, close ?? 0, show ?? 0);
  if (!last) return nothing;
  return html`<p class="muted small number">${t("On viewers' screens at %(time)s by the broadcast's clock", { time: timeOfDay(last) })}</p>`;
}

const VERBS = [
  ["open", "O", () => t("Open now"), () => t("Press again to open")],
  ["close", "C", () => t("Close"), () => t("Press again to close")],
  ["show", "S", () => t("Show the results")],
];

function verbs(desk) {
  return html`<div class="verbs">
    <button class="button" type="button" aria-keyshortcuts="N" @click=${() => desk.next()}>${t("Next")} ${key("N")}</button>
    ${VERBS.map(([verb, letter, name, again]) => {
      const { armed, slow } = desk.arms[verb] ?? {};
      const can = desk.can(verb);
      return html`<button
        type="button"
        class=${classMap({ button: true, primary: can && verb !== "show" && !armed, closes: true, armed, slow })}
        aria-keyshortcuts=${letter}
        aria-disabled=${String(!can)}
        @click=${(event) => desk.press(verb, event)}
      >
        <span>${armed ? again() : name()}</span> ${key(letter)}
        ${armed ? html`<i class="fuse" aria-hidden="true"></i>` : nothing}
      </button>`;
    })}
    ${minute(desk)}
  </div>`;
}

function minute(desk) {
  if (desk.poll?.state !== "open") return nothing;
  return html`<button
    class="button"
    type="button"
    aria-keyshortcuts="M"
    aria-disabled=${String(!desk.can("extend"))}
    @click=${() => desk.extend()}
  >
    <span>${desk.poll.closes_at ? t("One minute more") : t("Close in a minute")}</span> ${key("M")}
  </button>`;
}

/** At which picture of the broadcast viewers see what is done next. */
function ahead(desk) {
  if (!desk.ahead.isOffered) return nothing;
  const name = (seconds) => (seconds ? t("%(count)s s", { count: number(seconds) }) : t("none"));
  return html`<div class="row ahead">
    ${segments({
      name: "ahead",
      legend: t("Delay until viewers see it"),
      options: AHEAD_SECONDS.map((seconds) => ({ value: seconds, label: name(seconds) })),
      chosen: desk.ahead.seconds,
      choose: (seconds) => desk.ahead.choose(seconds),
    })}
    ${key("T")}
  </div>`;
}

function tools(desk, poll) {
  const waits = poll.state === "draft" || poll.state === "scheduled";
  return html`<div class="row">
    ${desk.composer.editable(poll)
      ? html`<button class="button small" type="button" @click=${() => desk.edit(poll)}>${t("Edit")}</button>`
      : nothing}
    <button class="button small" type="button" @click=${() => desk.duplicate(poll)}>${icons.copy}${t("Duplicate")}</button>
    ${poll.opened_at ? html`<a class="button small" href="/polls/${poll.id}">${t("Results and files")}</a>` : nothing}
    ${waits || poll.state === "closed"
      ? html`<button class="button small quiet" type="button" @click=${() => desk.withdraw(poll)}>${t("Put away")}</button>`
      : nothing}
  </div>`;
}

function bottom(desk) {
  return html`<div class="producer-bottom">
    <p class="producer-told" aria-hidden="true">${desk.told}</p>
    <label class="check small">
      <input type="checkbox" .checked=${desk.shortcuts} @change=${() => desk.switchShortcuts()} />
      <span>${t("Keys on")}</span>
    </label>
    <p class="legend muted small">
      <kbd>↑</kbd><kbd>↓</kbd> ${t("choose a poll")} · <kbd>W</kbd> ${t("write")} ·
      <kbd>J</kbd><kbd>K</kbd> ${t("choose an answer")} · <kbd>Esc</kbd> ${t("cancel")}
    </p>
    <a class="button small" href="/present/${encodeURIComponent(page.stream.id)}" target="_blank" rel="noopener">${t("Hall screen")}</a>
  </div>`;
}
