// One question's result, by its kind; and what this voter said.

import { html, nothing } from "../../../vendor/lit.js";
import * as icons from "../../icons.js";
import { decimal, number, percent, t, tn } from "../../page.js";
import { answersTo, countsOf, meanOf } from "../questions.js";
import { spokenShare } from "../sentences.js";
import { cloud } from "./cloud.js";

/**
 * @param poll its row
 * @param question one of its questions
 * @param tally as pushed, with counts that are told
 * @param said this voter's answer: choice ids, text or undefined
 * @param {string} heading the id of what names the question
 */
export function result(poll, question, tally, said, heading) {
  const own = countsOf(poll, question, tally?.counts ?? {});
  const context = { poll, question, tally, own, said, heading, answers: answersTo(question, own, tally?.total ?? 0) };
  switch (question.kind) {
    case "text":
      return html`${cloud(context)}${written(said)}`;
    case "rating":
      return html`${mean(context)}${bars(context, byValue)}`;
    case "ranking":
      return html`${bars(context, byPoints)}${order(context)}`;
    default:
      return html`${verdict(context)}${bars(context, byCount)}`;
  }
}

const byCount = ({ question, own, answers }) =>
  question.choices.map(({ id, label }) => {
    const share = answers ? own[id] / answers : 0;
    return { id, label, share, figure: number(own[id]), words: percent(share), spoken: spokenShare(own[id], share) };
  });

const byValue = (context) => byCount(context).map((row) => ({ ...row, label: number(Number(row.id)), isStep: true }));

// Borda: of n choices the first gets n-1 points and the last none.
function byPoints({ question, own, answers }) {
  const most = answers * (question.choices.length - 1);
  return [...question.choices]
    .sort((a, b) => own[b.id] - own[a.id])
    .map(({ id, label }, place) => ({
      id,
      label: html`<span class="number">${number(place + 1)}.</span> <span dir="auto">${label}</span>`,
      isRanked: true, // its number stands where the page's lines begin
      share: most ? own[id] / most : 0,
      figure: number(own[id]),
      words: tn("point", "points", own[id]),
      spoken: tn("%(count)s point", "%(count)s points", own[id]),
    }));
}

function bars(context, rows) {
  const { question, said, heading } = context;
  const chosen = question.kind === "ranking" ? [] : (said ?? []);
  return html`<ul class="results" role="list" data-kind=${question.kind} aria-labelledby=${heading}>
    ${rows(context).map(({ id, label, share, figure, words, spoken, isStep, isRanked }) => {
      const isMine = chosen.includes(id);
      const isRight = question.right?.includes(id);
      return html`<li class="result ${isMine ? "mine" : ""} ${isRight ? "right" : ""} ${isStep ? "step" : ""}">
        <span class="result-label">
          <span dir=${isRanked ? nothing : "auto"} class=${isStep ? "number" : nothing}>${label}</span>
          ${isRight ? html`<span class="result-mine right-word">${icons.check}${t("Right answer")}</span>` : nothing}
          ${isMine ? html`<span class="result-mine">${mineIcon(question, isRight)}${t("Your answer")}</span>` : nothing}
        </span>
        <span class="bar" aria-hidden="true"><i .style=${`--value: ${share.toFixed(4)}`}></i></span>
        <span class="result-count number" aria-hidden="true">${figure}</span>
        <span class="result-share number" aria-hidden="true">${words}</span>
        <span class="visually-hidden">${spoken}</span>
      </li>`;
    })}
  </ul>`;
}

const mineIcon = (question, isRight) => (question.right && !isRight ? icons.cross : icons.check);

// Whether one's own answer was right: in words and a sign, never by colour alone.
function verdict({ question, said }) {
  if (question.kind !== "quiz" || !said?.length) return nothing;
  if (!question.right) {
    return html`<p class="notice">${icons.clock}<span>${t("Which answer is right is told once the poll has closed.")}</span></p>`;
  }
  return question.right.includes(said[0])
    ? html`<p class="verdict">${icons.check}<span>${t("Your answer is right")}</span></p>`
    : html`<p class="verdict">${icons.cross}<span>${t("Your answer is not the right one")}</span></p>`;
}

function mean({ question, own, said }) {
  const value = meanOf(question, own);
  if (value === null) return nothing;
  const { high, low_label: lowest, high_label: highest } = question.scale;
  const ends = lowest && highest ? t("from “%(low)s” to “%(high)s”", { low: lowest, high: highest }) : "";
  return html`<div class="mean">
    <span class="mean-figure number">${decimal(value, 1)}</span>
    <span class="mean-words">
      ${t("on average, of %(most)s", { most: number(high) })}${ends ? html`<br /><span dir="auto">${ends}</span>` : nothing}
      ${said?.length ? html`<br />${t("Your answer: %(answer)s", { answer: number(Number(said[0])) })}` : nothing}
    </span>
  </div>`;
}

function order({ question, said }) {
  if (!said?.length) return nothing;
  const labels = new Map(question.choices.map(({ id, label }) => [id, label]));
  return html`<div class="said">
    <p class="said-title">${t("Your order")}</p>
    <ol>${said.map((id) => html`<li dir="auto">${labels.get(id)}</li>`)}</ol>
  </div>`;
}

function written(said) {
  if (!said) return nothing;
  return html`<div class="said">
    <p class="said-title">${t("Your answer")}</p>
    <p dir="auto">${said}</p>
    <p class="tiny muted">${t("It is counted. The organiser decides whether it is shown.")}</p>
  </div>`;
}
