/** What a poll's page shows. */

import { html, nothing } from "../../vendor/lit.js";
import { number, page, t, timeToTheSecond, tn } from "../page.js";
import { askerName } from "../poll/asker.js";
import { downloads } from "./downloads.js";
import { drawing, table } from "./drawing.js";
import { figures } from "./figures.js";
import { late, ofLive } from "./late.js";
import * as words from "./words.js";

/** @param {{poll: object, width: number, statement: string | null}} state */
export function view(state, redraw) {
  const { poll } = state;
  const all = figures(poll);
  return html`
    <div class="stack results-main">
      ${poll.late_of ? ofLive(poll) : nothing}
      ${all.map((figure, place) => question(state, figure, all.length > 1 ? place + 1 : 0))}
      ${regions(poll)} ${late(state)}
    </div>
    <aside class="stack results-side">
      ${facts(poll)} ${downloads(state, redraw)} ${proof(state)}
    </aside>
  `;
}

function question(state, figure, place) {
  const name = place
    ? html`<p class="muted small">${t("Question %(number)s", { number: number(place) })} · ${words.kindName(figure.kind)}</p>
        <h2><span dir="auto">${figure.text}</span></h2>`
    : html`<h2 class="visually-hidden">${t("Result")}</h2>`;
  return html`<section class="card figure-card">
    <header>${name}<p class="muted small number">${answers(state.poll, figure)}</p></header>
    ${drawing(state, figure)} ${figure.hidden ? nothing : table(figure)}
  </section>`;
}

// What is hidden is not none: how many there are is told all the same.
const answers = ({ tally }, figure) =>
  figure.hidden && figure.kind !== "qa"
    ? tn("%(count)s person answered", "%(count)s people answered", tally?.total ?? 0)
    : words.answersOf(figure);

function regions(poll) {
  const rows = Object.entries(poll.regions ?? {});
  if (!rows.length) return nothing;
  return html`<section class="card figure-card">
    <h2>${t("By region")}</h2>
    <table>
      <thead><tr><th scope="col">${t("Region")}</th><th scope="col">${t("Answers")}</th></tr></thead>
      <tbody>
        ${rows.map(
          ([id, row]) => html`<tr>
            <th scope="row"><bdi>${words.regionName(id)}</bdi></th>
            <td class="number">${row.total === null ? t("(withheld)") : number(row.total)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
    <p class="muted tiny">${words.regionsWithheld()}</p>
  </section>`;
}

function facts(poll) {
  const tiers = words.tierRows(poll.tier_results);
  const total = poll.tally?.total ?? 0;
  const rows = [
    [t("Asked by"), html`<bdi>${askerName(poll)}</bdi>`],
    [t("When"), words.whenAsked(poll)],
    ...(poll.kind === "qa" ? [] : [[t("Answered"), tn("%(count)s person", "%(count)s people", total)]]),
    ...(page.stream?.candidate ? [[t("On the stream of"), html`<bdi>${page.stream.candidate.name}</bdi>`]] : []),
  ];
  return html`<section class="card facts">
    <h2>${t("About this poll")}</h2>
    <dl>
      ${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd class="number">${value}</dd></div>`)}
      ${tiers.map(
        ([tier, count]) => html`<div><dt>${words.tierName(tier)}</dt><dd class="number">${count === null ? t("(withheld)") : number(count)}</dd></div>`,
      )}
    </dl>
    ${words.isTiersLater(poll) ? html`<p class="muted tiny">${t("By identity: told at the close")}</p>` : nothing}
    ${tiers.some(([, count]) => count === null)
      ? html`<p class="muted tiny">${words.tiersWithheld()}</p>`
      : nothing}
    <ul class="rule-list muted small">
      ${words.ruleSentences(poll.rules).map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
    ${deadlines(poll)}
    <p class="opinion small">${words.NOTICE()}</p>
  </section>`;
}

/** Whoever answered was told another time: that it was moved stands beside the results for good. */
function deadlines(poll) {
  if (!poll.deadlines?.length) return nothing;
  const sentence = ({ at, from, to }) => {
    const times = { at: timeToTheSecond(at), from: timeToTheSecond(from), to: timeToTheSecond(to) };
    if (from === null) return t("At %(at)s its close was set to %(to)s.", times);
    return to > from
      ? t("Extended at %(at)s: from %(from)s to %(to)s.", times)
      : t("Shortened at %(at)s: from %(from)s to %(to)s.", times);
  };
  return html`<h3 class="label">${t("Its time was changed while it was open")}</h3>
    <ul class="rule-list deadlines muted small number">${poll.deadlines.map((one) => html`<li>${sentence(one)}</li>`)}</ul>`;
}

function proof({ poll, statement }) {
  const base = `/api/v1/polls/${poll.id}`;
  return html`<section class="card facts">
    <h2>${t("Check it yourself")}</h2>
    <p class="muted small">${t("Every ballot is in a public log that nobody can change later without being found out.")}</p>
    <ul class="links small">
      <li><a href="/verify">${t("Check a receipt")}</a></li>
      <li><a href="${base}/checkpoint">${t("Newest checkpoint of the log")}</a></li>
      ${statement === null
        ? nothing
        : html`<li><a href="${base}/close-statement">${t("Signed statement at the close")}</a></li>`}
      ${statement !== null && poll.rules.log === "recount"
        ? html`<li><a href="${base}/openings.jsonl">${t("All answers, to recount")}</a></li>`
        : nothing}
      ${statement !== null && poll.rules.revote === "last"
        ? html`<li><a href="${base}/superseded">${t("Replaced ballots, by their place in the log")}</a></li>`
        : nothing}
      <li><a href="/api/v1/log/key?poll=${poll.id}">${t("Public key of the log")}</a></li>
    </ul>
    ${statement === null && poll.state !== "open"
      ? html`<p class="muted tiny">${t("The signed statement comes when every ballot is in the log.")}</p>`
      : nothing}
    ${statement === null
      ? nothing
      : html`<details><summary>${t("The statement, as it was signed")}</summary><pre class="statement" dir="ltr" tabindex="0">${statement}</pre></details>`}
  </section>`;
}
