// Who answered, as far as it is told, which is after the close: by identity tier and by region. A
// number that could point at people is withheld, and that is said in words.

import { html, nothing } from "../../../vendor/lit.js";
import { number, page, t, tn } from "../../page.js";
import { isSurvey, questionsOf } from "../questions.js";

/**
 * "1,204 by device · 96 with a code": the tiers of `tally`, or of the poll's row before one. While
 * answers are counted it stands here when they are told: each new one would tell one voter's.
 */
export function tiers(poll, tally) {
  if (poll.state === "open" && poll.kind !== "qa" && tally?.total > 0) {
    return html`<p class="tiers">${t("By identity: told at the close")}</p>`;
  }
  const found = tally?.tiers ?? poll.tier_results ?? {};
  const told = ["device", "platform", "code"].filter((tier) => tier in found && found[tier] !== 0);
  if (!told.length || !(tally?.total > 0)) return nothing;
  const parts = told.map((tier) => (found[tier] === null ? withheld(tier) : counted(tier, found[tier])));
  return html`<p class="tiers number">${parts.join(" · ")}</p>`;
}

function counted(tier, count) {
  if (tier === "code") return tn("%(count)s with a code", "%(count)s with a code", count);
  if (tier === "platform") return tn("%(count)s through a messenger", "%(count)s through a messenger", count);
  return tn("%(count)s by device", "%(count)s by device", count);
}

function withheld(tier) {
  if (tier === "code") return t("with a code: withheld");
  return tier === "platform" ? t("through a messenger: withheld") : t("by device: withheld");
}

/** The name of a region in the page's language. */
export const regionName = (id) => page.regions?.find((region) => region.id === id)?.name ?? id;

/** Answers by region: `rows` as the API gives them after the close, {region: {total, counts}}. */
export function regions(poll, rows) {
  const names = Object.keys(rows ?? {});
  if (!names.length) return nothing;
  const isHidden = names.some((name) => rows[name].total === null || withholds(rows[name].counts));
  return html`<details class="by-region">
    <summary>${t("By region")}</summary>
    ${questionsOf(poll)
      .filter(({ choices }) => choices.length)
      .map((question) => table(poll, question, names, rows))}
    ${isHidden
      ? html`<p class="tiny muted">
          ${t("Withheld: fewer than ten people stand behind a number, or one such number could be computed from it.")}
        </p>`
      : nothing}
  </details>`;
}

const withholds = (counts) => Object.values(counts).includes(null);

function table(poll, question, names, rows) {
  const prefix = isSurvey(poll) ? `${question.id}.` : "";
  return html`<div class="region-table" tabindex="0" role="region" aria-label=${t("By region: %(question)s", { question: question.text })}>
    <table>
      <thead>
        <tr>
          <th scope="col">${t("Region")}</th>
          <th scope="col">${t("People")}</th>
          ${question.choices.map(({ label }) => html`<th scope="col" dir="auto">${label}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${names.map(
          (name) => html`<tr>
            <th scope="row" dir="auto">${regionName(name)}</th>
            <td>${told(rows[name].total)}</td>
            ${question.choices.map(({ id }) => html`<td>${told(rows[name].counts[prefix + id])}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const told = (count) =>
  count === null || count === undefined
    ? html`<span class="muted">${t("withheld")}</span>`
    : html`<span class="number">${number(count)}</span>`;

