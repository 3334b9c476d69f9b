/** One question's result as a chart and as a table. */

import { html, nothing } from "../../vendor/lit.js";
import { number, percent, t } from "../page.js";
import { chart } from "./chart.js";
import { live } from "./live.js";
import { isRtl, measure, saying } from "./measure.js";
import * as words from "./words.js";

/** Pixels beside a chart: its card's padding and borders; on wide screens the second column too. */
const INSETS = 42;
const SIDE = 340 + 24 + 50;

/** One question's chart, or why there is none. `id`: what its parts are named by on the page. */
export function drawing(state, figure, id = `chart-${figure.id}`) {
  if (figure.hidden && figure.kind !== "qa")
    return html`<p class="notice"><span>${hiddenUntil(state.poll)}</span></p>`;
  if (figure.kind === "qa") return live(figure);
  if (figure.kind === "text" && !figure.words.length)
    return html`<p class="muted">${t("No approved answers yet")}</p>`;
  const wide = matchMedia("(min-width: 1000px)").matches ? state.width - SIDE : state.width - INSETS;
  const sheet = { width: Math.max(200, wide), rtl: isRtl(), measure };
  const markup = chart(figure, sheet, saying(), {
    id,
    title: figure.text,
    desc: told(figure),
  });
  const drawn = new DOMParser().parseFromString(markup, "image/svg+xml").documentElement;
  return html`<div class="chart">${document.importNode(drawn, true)}</div>`;
}

/** The chart in one sentence, for who hears it. */
function told(figure) {
  if (figure.kind === "text") return figure.words.map(([word]) => word).join(t(", "));
  const rows = figure.rows.map((row) =>
    t("%(label)s: %(share)s", {
      label: row.label,
      share: figure.kind === "ranking" ? words.points(row.count) : percent(row.share),
    }),
  );
  const mean = figure.mean === null ? [] : [saying().mean(figure.mean, Number(figure.rows.at(-1).id))];
  return [...mean, ...rows].join(t(", "));
}

function hiddenUntil({ rules, state }) {
  if (rules.results === "organiser") return t("Only the organiser sees the results.");
  return state === "open"
    ? t("The results are told after the close. How many have answered is told at any time.")
    : t("The results are not told.");
}

export function table(figure) {
  if (figure.kind === "qa") return nothing;
  const isText = figure.kind === "text";
  if (isText && !figure.words.length) return nothing;
  const rows = isText
    ? figure.words.map(([word, count]) => ({ label: word, count }))
    : figure.rows;
  const last = figure.kind === "ranking" ? nothing : html`<th scope="col">${t("Share")}</th>`;
  return html`<details class="as-table">
    <summary>${t("As a table")}</summary>
    <table>
      <thead>
        <tr>
          <th scope="col">${isText ? t("Word") : t("Answer")}</th>
          <th scope="col">${figure.kind === "ranking" ? t("Points") : t("Answers")}</th>
          ${isText ? nothing : last}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`<tr>
            <th scope="row"><bdi>${figure.kind === "rating" ? number(Number(row.label)) : row.label}</bdi>${row.right ? html` <span class="tag">${t("Right answer")}</span>` : nothing}</th>
            <td class="number">${number(row.count)}</td>
            ${isText || figure.kind === "ranking" ? nothing : html`<td class="number">${percent(row.share)}</td>`}
          </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}
