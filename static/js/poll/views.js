// What the poll shows. Each function takes the poll element and returns a template.

import { html, live, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { duration, moment, number, percent, t } from "../page.js";
import { answered, refusal, spokenShare, timeLeft } from "./sentences.js";

export function card(element) {
  const { view } = element;
  if (view === "loading") return skeleton();
  if (view === "empty") return empty();
  return html`
    ${clock(element)}
    <div class="poll-body" data-view=${view}>
      ${heading(element)} ${line(element)} ${problem(element)}
      ${view === "ask" || view === "pending" ? form(element) : results(element)} ${outcome(element)}
      ${onward(element)} ${notice(element)}
    </div>
    <p class="visually-hidden" role="status" aria-live="polite">${element.spoken}</p>
  `;
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

// The time left: a line that shrinks, and words beside it.
function clock(element) {
  const { poll, left } = element;
  if (!element.isOpen || !Number.isFinite(left)) return nothing;
  const whole = poll.duration_seconds || poll.closes_at - poll.opened_at;
  const share = Math.max(0, Math.min(1, left / whole));
  return html`<div class="poll-line" aria-hidden="true">
    <i .style=${`--value: ${share.toFixed(4)}`}></i>
  </div>`;
}

function heading(element) {
  const { poll, left } = element;
  return html`<header class="poll-head">
    <p class="poll-meta">
      <span>${element.isOpen ? t("Poll") : t("Poll closed")}</span>
      ${poll.simulated ? html`<span class="tag warn">${t("Simulated voters")}</span>` : nothing}
      ${element.isOpen && Number.isFinite(left)
        ? html`<span class="push number ${left < 30 ? "soon" : ""}"
            >${icons.clock}<span aria-hidden="true">${duration(Math.ceil(left))}</span
            ><span class="visually-hidden">${timeLeft(left)}</span></span
          >`
        : nothing}
    </p>
    <h2 id="question-${poll.id}" dir="auto">${poll.question}</h2>
  </header>`;
}

// A pending vote says it in its own words.
function line(element) {
  if (!element.isLineDown || element.view === "pending") return nothing;
  return html`<p class="notice" role="status">${icons.reload}<span>${t("Reconnecting, you have missed nothing")}</span></p>`;
}

function problem(element) {
  const error = element.ballot?.error;
  if (!error) return nothing;
  return html`<p class="notice fault" role="alert">${icons.alert}<span>${refusal(error.code)}</span></p>`;
}

function form(element) {
  const { poll, ballot } = element;
  const isPending = element.view === "pending";
  const chosen = isPending ? ballot.choices[0] : element.picked;
  return html`<form @submit=${(event) => submit(event, element)}>
    <fieldset ?disabled=${isPending} aria-labelledby="question-${poll.id}">
      ${poll.choices.map(
        ({ id, label }) => html`<label class="choice">
          <input
            type="radio"
            name="choice-${poll.id}"
            value=${id}
            .checked=${live(chosen === id)}
            @change=${() => element.pick(id)}
          />
          <span dir="auto">${label}</span>
        </label>`,
      )}
    </fieldset>
    ${isPending
      ? html`<p class="notice warn" role="status">
          ${icons.clock}<span
            ><b>${t("Not yet counted.")}</b> ${t("Your answer is kept here and goes as soon as the line is back.")}</span
          >
        </p>`
      : html`<div class="poll-actions">
          <button class="button primary" type="submit" ?disabled=${!element.picked}>${t("Vote")}</button>
          <button class="button quiet" type="button" @click=${() => element.peek(true)}>${t("Show results")}</button>
        </div>`}
  </form>`;
}

function submit(event, element) {
  event.preventDefault();
  element.vote();
}

function results(element) {
  const { poll, tally, ballot } = element;
  const total = tally ? tally.total : 0;
  const mine = ballot ? ballot.choices : [];
  return html`<ul class="results" role="list" aria-labelledby="question-${poll.id}">
    ${poll.choices.map(({ id, label }) => {
      const count = tally?.counts?.[id] || 0;
      const share = total ? count / total : 0;
      const isMine = mine.includes(id);
      return html`<li class="result ${isMine ? "mine" : ""}">
        <span class="result-label">
          <span dir="auto">${label}</span>
          ${isMine ? html`<span class="result-mine">${icons.check}${t("Your answer")}</span>` : nothing}
        </span>
        <span class="bar" aria-hidden="true"><i .style=${`--value: ${share.toFixed(4)}`}></i></span>
        <span class="result-count number" aria-hidden="true">${number(count)}</span>
        <span class="result-share number" aria-hidden="true">${percent(share)}</span>
        <span class="visually-hidden">${spokenShare(count, share)}</span>
      </li>`;
    })}
  </ul>`;
}

// "Counted" and the receipt; or the way back to voting.
function outcome(element) {
  const { ballot, view } = element;
  if (view === "results" && !ballot?.error) {
    return html`<div class="poll-actions">
      <button class="button" type="button" @click=${() => element.peek(false)}>${t("Back to the answers")}</button>
    </div>`;
  }
  if (ballot?.state !== "counted") return nothing;
  return html`<div class="counted">
    <span class="counted-word">${icons.check}${t("Counted")}</span>
    <button
      class="button quiet small push"
      type="button"
      aria-expanded=${String(element.showsReceipt)}
      aria-controls="receipt-${element.poll.id}"
      @click=${() => element.toggleReceipt()}
    >
      ${icons.receipt}${t("Receipt")}
    </button>
    <div id="receipt-${element.poll.id}" class="receipt" ?hidden=${!element.showsReceipt}>${receipt(element)}</div>
  </div>`;
}

// Several may be open at once: the next one that this browser has not answered.
function onward(element) {
  if (!element.next) return nothing;
  return html`<button class="button quiet small" type="button" @click=${() => element.goOn()}>${t("Next question")}</button>`;
}

function receipt(element) {
  const { receipt: kept } = element.ballot;
  const rows = [
    [t("Poll"), kept.poll],
    [t("Ballot"), kept.ballot_id],
    [t("Position"), `${kept.shard}:${kept.seq}`],
  ];
  return html`<dl>
      ${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>`)}
    </dl>
    <p class="tiny muted">
      ${t("It shows that this ballot stands in the poll's ledger. It holds neither your name nor your answer.")}
    </p>
    <button class="button small" type="button" @click=${() => element.copyReceipt()}>
      ${element.copied === "yes" ? icons.check : icons.copy}${copyWord(element.copied)}
    </button>`;
}

function copyWord(copied) {
  if (copied === "yes") return t("Copied");
  return copied === "refused" ? t("Select the text and copy it yourself") : t("Copy");
}

// The asker's name stands as it was asked: in its own language and direction.
const isolated = (text) => `\u2068${text}\u2069`;

function notice(element) {
  const { poll, tally } = element;
  const asked = poll.opened_at || poll.created_at;
  return html`<footer class="poll-notice">
    <p>
      ${t("Asked by %(asker)s", { asker: isolated(poll.asker) })}${asked ? html` · <time datetime=${new Date(asked * 1000).toISOString()}>${moment(asked)}</time>` : nothing}
      · <span class="number">${answered(tally ? tally.total : 0)}</span>
    </p>
    <p>${t("Self-selected, not representative; not a vote in the election.")}</p>
  </footer>`;
}

/** For the folded sheet on a phone: the question, and the time left or that it is over. */
export function folded(element) {
  const { poll, left } = element;
  if (!poll) return t("No question right now");
  let end = nothing;
  if (!element.isOpen) end = html`<span class="muted">${t("Poll closed")}</span>`;
  else if (Number.isFinite(left)) end = html`<span class="number">${duration(Math.ceil(left))}</span>`;
  return html`<span class="folded-question" dir="auto">${poll.question}</span>${end}`;
}
