/** What a hall's screen shows: one question large, its results, and how to join. */

import { html, nothing, ref } from "../../vendor/lit.js";
import { askedBy } from "../poll/asker.js";
import { duration, number, page, serverNow, t, tn } from "../page.js";
import { figures } from "../results/figures.js";
import { live } from "../results/live.js";
import { NOTICE, whenAsked } from "../results/words.js";
import * as icons from "../icons.js";

export function view(state) {
  const { poll } = state;
  return html`
    <div class="hall-main">${poll ? asked(state) : waiting()}</div>
    <aside class="hall-side">${joining(poll)} ${answered(poll)} ${clock(poll)}</aside>
    <footer class="hall-foot">
      <p>
        ${poll ? html`${askedBy(poll)} · ${whenAsked(poll)} · ` : nothing}${NOTICE()}
        ${poll?.simulated ? html`<span class="tag warn">${t("Simulated voters")}</span>` : nothing}
      </p>
      ${state.isUp ? nothing : html`<p role="status">${t("Reconnecting, you have missed nothing")}</p>`}
      ${tools(state)}
    </footer>
  `;
}

function asked(state) {
  const { poll } = state;
  const all = figures(poll);
  const figure = all[Math.min(state.place, all.length - 1)];
  const size = figure.text.length > 140 ? "long" : figure.text.length > 70 ? "middle" : "";
  const many = figure.rows.length > 6 ? "many" : figure.rows.length > 4 ? "some" : "";
  return html`
    <p class="hall-state">
      <span class="tag ${poll.state === "open" ? "solid" : ""}">${poll.state === "open" ? t("Open: answer now") : t("Closed")}</span>
      ${all.length > 1
        ? html`<span class="number">${t("Question %(number)s of %(count)s", {
            number: number(state.place + 1),
            count: number(all.length),
          })}</span>`
        : nothing}
    </p>
    <h1 class=${size}><span dir="auto">${figure.text}</span></h1>
    <div class="hall-result ${figure.kind} ${many}">${result(poll, figure)}</div>
  `;
}

/** While nobody may see the counts, the choices stand there alone. */
function result(poll, figure) {
  if (figure.kind === "qa" || !figure.hidden) return live(figure);
  return html`${figure.kind === "rating" || !figure.rows.length
      ? nothing
      : html`<ul class="hall-choices" role="list">
          ${figure.rows.map((row) => html`<li><span dir="auto">${row.label}</span></li>`)}
        </ul>`}
    <p class="muted hall-hidden">
      ${poll.state === "open" && poll.rules.results !== "organiser"
        ? t("The results come after the close.")
        : t("The results are not shown.")}
    </p>`;
}

function waiting() {
  const name = page.stream.candidate?.name ?? page.stream.id;
  return html`<div class="hall-waiting">
    <h1><span dir="auto">${name}</span></h1>
    <p class="muted">${t("The next question appears here.")}</p>
  </div>`;
}

function joining(poll) {
  return html`<div class="hall-join">
    <img src="/present/${encodeURIComponent(page.stream.id)}/qr.svg" alt=${t("QR code of the link to join")} />
    <p>${poll?.state === "open" ? t("Answer on your phone:") : t("Join on your phone:")}</p>
    <p class="hall-link" dir="ltr">${page.join}</p>
  </div>`;
}

function answered(poll) {
  if (!poll) return nothing;
  const isQa = poll.kind === "qa";
  const count = isQa ? (poll.tally?.items ?? []).length : (poll.tally?.total ?? 0);
  return html`<p class="hall-count">
    <b class="number">${number(count)}</b>
    <span>${isQa ? tn("question", "questions", count) : tn("answer", "answers", count)}</span>
  </p>`;
}

/** The time left as a line that shrinks, and in words. */
function clock(poll) {
  if (poll?.state !== "open" || !poll.closes_at) return nothing;
  const left = Math.max(0, poll.closes_at - serverNow());
  const share = left / Math.max(1, poll.closes_at - poll.opened_at);
  const sized = ref((element) => element?.style.setProperty("--value", Math.min(1, share).toFixed(4)));
  return html`<div class="hall-clock">
    <p class="number">${icons.clock}<span>${duration(Math.ceil(left))}</span></p>
    <span class="bar" aria-hidden="true"><i ${sized}></i></span>
  </div>`;
}

function tools(state) {
  const several = (state.poll?.questions.length ?? 1) > 1;
  return html`<div class="hall-tools">
    ${several
      ? html`<button class="button small" type="button" @click=${() => state.turn(-1)}>${t("Back")}</button>
          <button class="button small" type="button" @click=${() => state.turn(1)}>${t("Next")}</button>
          <button class="button small" type="button" aria-pressed=${String(state.still)} @click=${() => state.pause()}>
            ${t("Stay on this question")}
          </button>`
      : nothing}
    <button class="button small" type="button" @click=${() => state.full()}>
      ${state.isFull ? t("Leave full screen") : t("Full screen (F)")}
    </button>
  </div>`;
}
