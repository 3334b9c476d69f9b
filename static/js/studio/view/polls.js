/** The polls of this stream: the open one first, then drafts, then results. */

import { digits, duration, number, page, t, timeOfDay, timeToTheSecond } from "../../page.js";
import { classMap, html, nothing, ref, repeat } from "../../../vendor/lit.js";
import { answered } from "../../poll/sentences.js";
import { figures } from "../../results/figures.js";
import { live } from "../../results/live.js";
import { kindName, noticeLine, stateName, titleOf, whenAsked } from "../../results/words.js";
import { composer } from "../composer/view.js";
import { icons } from "../icons.js";
import { isClosing, minuteLater, secondsLeft, shareLeft } from "../poll_clock.js";
import { pollRefusal } from "./refusal.js";

/** A style property by script: the page's policy refuses style attributes, lit's styleMap too. */
const sized = (share) => ref((element) => element?.style.setProperty("--value", String(share)));

function figure(one, begun, place) {
  return html`<section class="stack poll-part">
    ${place ? html`<h4>${number(place)}. <span dir="auto">${one.text}</span></h4>` : nothing}
    ${begun ? live(one) : choices(one)}
  </section>`;
}

function choices(one) {
  if (!one.rows.length || one.kind === "rating") return html`<p class="muted small">${kindName(one.kind)}</p>`;
  return html`<ol class="plain">
    ${one.rows.map((row) => html`<li><span dir="auto">${row.label}</span></li>`)}
  </ol>`;
}

function timing(poll) {
  if (isClosing(poll)) return t("Closing: ballots until %(time)s", { time: timeToTheSecond(poll.ballots_until) });
  if (poll.state === "open") {
    const left = secondsLeft(poll);
    return left === null
      ? t("Open until you close it")
      : html`<span class="number">${t("%(time)s left", { time: duration(left) })}</span>`;
  }
  if (poll.state === "scheduled") return t("Opens by itself: %(time)s", { time: whenAsked(poll) });
  if (poll.state === "draft")
    return poll.duration_seconds
      ? t("Will stay open for %(time)s", { time: duration(poll.duration_seconds) })
      : t("Will stay open until you close it");
  return poll.closed_at ? t("Closed at %(time)s", { time: timeOfDay(poll.closed_at) }) : nothing;
}

function closeButton(desk, poll) {
  const armed = desk.closing(poll.id);
  return html`<button
    type="button"
    class=${classMap({ button: true, small: true, closes: true, armed: armed.armed, slow: armed.slow })}
    ?disabled=${desk.polls.busy === poll.id}
    @click=${(event) => armed.press(event)}
    @blur=${() => armed.disarm()}
    @keydown=${(event) => event.key === "Escape" && armed.disarm()}
  >
    <span>${armed.armed ? t("Press again to close") : t("Close poll")}</span>
    ${armed.armed ? html`<i class="fuse" aria-hidden="true"></i>` : nothing}
  </button>`;
}

function minuteButton(desk, poll) {
  return html`<button
    type="button"
    class="button small"
    ?disabled=${desk.polls.busy === poll.id}
    @click=${() => desk.polls.move(poll.id, "deadline", { closes_at: minuteLater(poll) })}
  >
    ${poll.closes_at ? t("One minute more") : t("Close in a minute")}
  </button>`;
}

function action(desk, poll) {
  if (isClosing(poll)) return nothing;
  if (poll.state === "open") return html`${minuteButton(desk, poll)} ${closeButton(desk, poll)}`;
  if (poll.state !== "draft" && poll.state !== "scheduled") return nothing;
  return html`<button
    type="button"
    class="button small primary"
    ?disabled=${desk.polls.busy === poll.id}
    @click=${() => desk.polls.move(poll.id, "open")}
  >
    ${t("Ask now")}
  </button>`;
}

function tools(desk, poll) {
  return html`${desk.composer.editable(poll)
      ? html`<button type="button" class="button small quiet" @click=${() => desk.composer.edit(poll)}>${t("Edit")}</button>`
      : nothing}
    <button type="button" class="button small quiet" @click=${() => desk.composer.copy(poll)}>${t("Duplicate")}</button>
    ${poll.opened_at ? html`<a class="button small quiet" href="/polls/${poll.id}" target="_blank" rel="noopener">${t("Results")}</a>` : nothing}`;
}

/** The time left as a line, on an open poll with a limit. */
function fuse(poll) {
  if (secondsLeft(poll) === null || !poll.opened_at) return nothing;
  return html`<div class="poll-line" aria-hidden="true">
    <i ${sized(shareLeft(poll))}></i>
  </div>`;
}

function card(desk, poll) {
  const shown = poll.state !== "draft" && poll.state !== "scheduled";
  const total = poll.tally?.total ?? 0;
  const all = figures(poll);
  return html`<article class="card poll ${poll.state}">
    ${fuse(poll)}
    <header class="row">
      <span class="tag ${poll.state === "open" ? "solid" : ""}">${isClosing(poll) ? t("Closing") : stateName(poll.state)}</span>
      ${poll.kind === "single" ? nothing : html`<span class="muted small">${kindName(poll.kind)}</span>`}
      ${poll.simulated ? html`<span class="tag outline">${t("Simulated voters")}</span>` : nothing}
      <span class="muted small push">${timing(poll)}</span>
    </header>
    ${poll.state === "open"
      ? html`<h2 class="asks"><span dir="auto">${titleOf(poll)}</span></h2>`
      : html`<h3 class="asks"><span dir="auto">${titleOf(poll)}</span></h3>`}
    ${all.map((one, place) => figure(one, shown, all.length > 1 ? place + 1 : 0))}
    ${shown ? html`<p class="muted tiny asked-line">${noticeLine(poll)}</p>` : nothing}
    <footer class="row">
      ${shown && poll.kind !== "qa" ? html`<span class="muted small number">${answered(total)}</span>` : nothing}
      <span class="push row">${tools(desk, poll)} ${action(desk, poll)}</span>
    </footer>
  </article>`;
}

const RANKS = { open: 0, draft: 1, scheduled: 1 };
const rank = (poll) => RANKS[poll.state] ?? 2;

function ordered(list) {
  return [...list].sort((a, b) => rank(a) - rank(b) || b.created_at - a.created_at);
}

function waiting() {
  return html`<div class="card stack" aria-hidden="true">
    <p class="skeleton">${digits("0")}</p>
    <p class="skeleton">${digits("0")}</p>
    <p class="skeleton">${digits("0")}</p>
  </div>`;
}

export function polls(desk) {
  const { polls: model } = desk;
  const list = ordered(model.list ?? []);
  const open = list.filter((poll) => poll.state === "open");
  const rest = list.filter((poll) => poll.state !== "open" && poll.state !== "archived");
  const stream = encodeURIComponent(page.stream.id);
  return html`<div class="stack polls">
    ${desk.onAir
      ? nothing
      : html`<p class="row">
          <a class="button small" href="/studio/${stream}/desk">${t("Producer's desk")}</a>
          <a class="button small" href="/present/${stream}" target="_blank" rel="noopener">${t("Hall screen")}</a>
        </p>`}
    ${model.error
      ? html`<p class="notice fault" role="alert">${icons.warn}<span>${pollRefusal(model.error)}</span></p>`
      : nothing}
    ${model.error || !desk.told ? nothing : html`<p class="notice">${icons.check}<span>${t(desk.told)}</span></p>`}
    ${repeat(open, (poll) => poll.id, (poll) => card(desk, poll))} ${composer(desk)}
    ${model.list === null
      ? waiting()
      : rest.length
        ? html`<h2 class="heading">${t("Earlier polls and drafts")}</h2>
            ${repeat(rest, (poll) => poll.id, (poll) => card(desk, poll))}`
        : nothing}
  </div>`;
}
