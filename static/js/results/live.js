/** Results that move: bars, a histogram, words, questions. For the desk, the studio and the hall. */

import { html, nothing, ref, repeat } from "../../vendor/lit.js";
import { decimal, number, percent, t, tn } from "../page.js";
import * as icons from "../icons.js";
import { points } from "./words.js";

/** A style property by script: the page's policy refuses style attributes. */
const sized = (share) => ref((element) => element?.style.setProperty("--value", share.toFixed(4)));

/** @param {import("./figures.js").Figure} figure */
export function live(figure) {
  if (figure.kind === "qa") return questions(figure.items);
  if (figure.hidden)
    return html`<p class="muted small fig-hidden">${t("Results stay hidden for now.")}</p>`;
  if (figure.kind === "text") return words(figure);
  if (figure.kind === "rating") return histogram(figure);
  return bars(figure);
}

function bars(figure) {
  return html`<ul class="fig-rows" role="list">
    ${repeat(figure.rows, (row) => row.id, (row) => bar(figure, row))}
  </ul>`;
}

function bar({ kind }, row) {
  const share = kind === "ranking" ? points(row.count) : percent(row.share);
  const votes = tn("%(count)s answer", "%(count)s answers", row.count);
  const said =
    kind === "ranking"
      ? points(row.count)
      : t("%(answers)s, %(share)s of all", { answers: votes, share: percent(row.share) });
  return html`<li class="fig-row ${row.right ? "right" : ""}">
    <span class="fig-label">
      <span dir="auto">${row.label}</span>
      ${row.right ? html`<span class="fig-right">${icons.check}${t("Right answer")}</span>` : nothing}
    </span>
    <span class="bar" aria-hidden="true"><i ${sized(Math.min(1, row.share))}></i></span>
    <span class="fig-count number" aria-hidden="true">${number(row.count)}</span>
    <span class="fig-share number" aria-hidden="true">${kind === "ranking" ? t("points") : share}</span>
    <span class="visually-hidden">${said}</span>
  </li>`;
}

function histogram({ rows, mean, scale, answers }) {
  const most = Math.max(1, ...rows.map((row) => row.count));
  return html`<div class="fig-marks">
    <p class="fig-mean">
      ${mean === null
        ? html`<span class="muted">${t("No answers yet")}</span>`
        : html`<b class="number">${decimal(mean)}</b> <span class="muted small">${t("mean of %(answers)s", {
              answers: tn("%(count)s answer", "%(count)s answers", answers),
            })}</span>`}
    </p>
    <ul class="fig-columns" role="list">
      ${rows.map(
        (row) => html`<li>
          <span class="fig-column" aria-hidden="true"
            ><span class="fig-column-count number">${number(row.count)}</span><i ${sized(row.count / most)}></i
          ></span>
          <span class="fig-column-name number" aria-hidden="true">${number(Number(row.label))}</span>
          <span class="visually-hidden">${number(Number(row.label))}: ${tn("%(count)s answer", "%(count)s answers", row.count)}</span>
        </li>`,
      )}
    </ul>
    ${scale?.low_label || scale?.high_label
      ? html`<p class="fig-ends muted small"><span dir="auto">${scale.low_label}</span><span dir="auto">${scale.high_label}</span></p>`
      : nothing}
  </div>`;
}

function words({ words: found }) {
  if (!found.length) return html`<p class="muted small">${t("No approved answers yet")}</p>`;
  const most = Math.max(...found.map(([, count]) => count));
  return html`<ul class="fig-cloud" role="list">
    ${repeat(
      found,
      ([word]) => word,
      ([word, count]) => html`<li ${sized(Math.sqrt(count / most))} dir="auto">
        ${word}<span class="visually-hidden">: ${number(count)}</span>
      </li>`,
    )}
  </ul>`;
}

function questions(items) {
  if (!items.length) return html`<p class="muted small">${t("No approved questions yet")}</p>`;
  return html`<ol class="fig-asked" role="list">
    ${repeat(
      items,
      (item) => item.id,
      (item) => html`<li class=${item.state}>
        <span class="fig-votes number"
          ><b>${number(item.upvotes)}</b><span class="visually-hidden"> ${tn("vote for it", "votes for it", item.upvotes)}</span></span
        >
        <span dir="auto">${item.text}</span>
        ${item.state === "answered" ? html`<span class="tag">${icons.check}${t("Answered")}</span>` : nothing}
      </li>`,
    )}
  </ol>`;
}
