/** Answers that were given beside the recording: in a place of their own, never added. */

import { html, nothing } from "../../vendor/lit.js";
import { t, tn } from "../page.js";
import { lateSentence, lateUntil } from "../poll/late_words.js";
import { drawing, table } from "./drawing.js";
import { figures } from "./figures.js";

/** @param {{poll: object, late: object | null, width: number}} state `late`: the row of late answers */
export function late(state) {
  const told = state.poll.late;
  if (!told) return nothing;
  const row = state.late ?? null;
  const total = row?.tally?.total ?? told.total;
  const all = row && total ? figures(row) : [];
  return html`<section class="card figure-card" aria-labelledby="late">
    <header>
      <h2 id="late">${t("Answered later, from the recording")}</h2>
      <p class="muted small number">${tn("%(count)s person answered later", "%(count)s people answered later", total)}</p>
    </header>
    <p class="muted small">${lateSentence()} ${row?.state === "open" ? lateUntil(row.closes_at) : nothing}</p>
    ${all.some(({ hidden }) => hidden) ? hidden(row) : all.map((figure) => one(state, row, figure, all.length > 1))}
    <p class="small"><a href="/polls/${told.poll}">${t("The late answers' own page: rules, files, log")}</a></p>
  </section>`;
}

const one = (state, row, figure, several) => html`${several ? html`<h3 dir="auto">${figure.text}</h3>` : nothing}
  ${drawing({ ...state, poll: row }, figure, `late-${figure.id}`)} ${table(figure)}`;

const hidden = ({ rules }) => html`<p class="notice">
  <span
    >${rules.results === "organiser"
      ? t("Only the organiser sees the results.")
      : t("What they answered is told to whoever answers too, and to everybody once no more late answers are taken.")}</span
  >
</p>`;

/** Above a poll of late answers: what it is, and the way to the answers given live. */
export const ofLive = ({ late_of: live }) => html`<div class="notice">
  <p><b>${t("Late answers.")}</b> ${lateSentence()} <a href="/polls/${live}">${t("The answers given live")}</a></p>
</div>`;
