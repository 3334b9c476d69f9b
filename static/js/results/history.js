/** Every poll that was asked on a stream, newest first: who asked, when, how many, the result. */

import { html, nothing, render } from "../../vendor/lit.js";
import { page, t, tn } from "../page.js";
import { askedBy } from "../poll/asker.js";
import { call } from "../studio/api.js";
import { figures } from "./figures.js";
import { live } from "./live.js";
import * as words from "./words.js";

const root = document.getElementById("polls");
const only = page.stream?.id ?? "";

async function load() {
  let shown;
  try {
    const { polls } = await call("GET", only ? `/polls?stream=${encodeURIComponent(only)}` : "/polls");
    shown = polls.length ? list(polls) : empty();
  } catch {
    shown = failed();
  }
  root.querySelectorAll(".skeleton").forEach((one) => one.remove());
  render(shown, root);
}

function list(polls) {
  return html`<ol class="poll-list" role="list">${polls.map(row)}</ol>`;
}

function row(poll) {
  const total = poll.tally?.total ?? 0;
  const candidate = page.streams.find((one) => one.id === poll.stream)?.candidate;
  const all = figures(poll);
  const tiers = words.tiersLine(poll.tier_results);
  return html`<li class="card poll-row">
    <div class="poll-row-words">
      <p class="row small muted">
        <span class="tag ${poll.state === "open" ? "solid" : ""}">${words.stateName(poll.state)}</span>
        <span>${words.kindName(poll.kind)}</span>
        ${poll.simulated ? html`<span class="tag warn">${t("Simulated voters")}</span>` : nothing}
      </p>
      <h2><a href="/polls/${poll.id}" dir="auto">${poll.question}</a></h2>
      ${all.length > 1
        ? html`<p class="muted small">${tn("and %(count)s more question", "and %(count)s more questions", all.length - 1)}</p>`
        : nothing}
      <p class="muted small number">
        ${!only && candidate ? html`<bdi>${candidate.name}</bdi> · ` : nothing}${askedBy(poll)} · ${words.whenAsked(poll)}
      </p>
      <p class="small number">
        <b>${!poll.tally ? t("The answers stand on the poll's own page.") : poll.kind === "qa" ? words.answersOf(all[0]) : tn("%(count)s person answered", "%(count)s people answered", total)}</b>${tiers
          ? html` <span class="muted">· ${tiers}</span>`
          : nothing}
      </p>
      ${poll.late?.total
        ? html`<p class="muted small number">${tn("Apart from these, %(count)s person answered later, from the recording", "Apart from these, %(count)s people answered later, from the recording", poll.late.total)}</p>`
        : nothing}
    </div>
    <div class="poll-row-result">${live(all[0])}</div>
  </li>`;
}

function empty() {
  return html`<div class="card stack"><h2>${t("No polls yet")}</h2>
    <p class="muted">${t("When one is asked, it stays listed here with its result.")}</p></div>`;
}

function failed() {
  return html`<div class="card stack" role="alert"><h2>${t("The polls could not be loaded")}</h2>
    <p class="muted">${t("Check that you are online, then try again.")}</p>
    <p><button class="button" type="button" @click=${load}>${t("Try again")}</button></p></div>`;
}

load();
