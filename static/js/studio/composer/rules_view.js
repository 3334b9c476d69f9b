/** The rules of a poll being written, each with what it means. */

import { html, live, nothing } from "../../../vendor/lit.js";
import { moment, number, page, t } from "../../page.js";
import { tierName } from "../../results/words.js";
import { icons } from "../icons.js";
import { segments } from "../view/check.js";
import { DURATIONS, RESULTS, SHARDS, TIERS } from "./rules.js";

const lasting = (seconds) => {
  if (seconds === null) return t("No limit");
  return seconds < 60
    ? t("%(count)s s", { count: number(seconds) })
    : t("%(count)s min", { count: number(seconds / 60) });
};

export function duration(draft) {
  const options = DURATIONS.includes(draft.duration) ? DURATIONS : [...DURATIONS, draft.duration];
  return segments({
    name: "duration",
    legend: t("Open for"),
    options: options.map((seconds) => ({ value: seconds, label: lasting(seconds) })),
    chosen: draft.duration,
    choose: (seconds) => draft.last(seconds),
  });
}

function resultsWord(results) {
  return {
    live: t("At any time"),
    after_vote: t("After answering"),
    after_close: t("After the close"),
    organiser: t("Only the organiser"),
  }[results];
}

/** The rules in a line, for whoever leaves them as they are. */
function summary({ fit }) {
  const who = fit.who.length === TIERS.length ? t("everybody") : fit.who.map(tierName).join(t(", "));
  const revote = fit.revote === "last" ? t("last answer counts") : t("first answer counts");
  return [who, revote, t("results: %(when)s", { when: resultsWord(fit.results) })].join(" · ");
}

export function rules(draft) {
  if (draft.isOpen) return html`<p class="hint">${t("The rules are fixed since the poll opened.")}</p>`;
  return html`<details class="rules">
    <summary><span class="label">${t("Rules")}</span> <span class="hint">${summary(draft)}</span></summary>
    <div class="stack">
      ${who(draft)} ${revote(draft)} ${results(draft)} ${log(draft)} ${switches(draft)} ${regions(draft)} ${shards(draft)}
    </div>
  </details>`;
}

function check(label, checked, set, { hint = "", disabled = false } = {}) {
  return html`<label class="check">
    <input type="checkbox" .checked=${live(checked)} ?disabled=${disabled} @change=${(event) => set(event.target.checked)} />
    <span>${label}${hint ? html`<span class="hint">${hint}</span>` : nothing}</span>
  </label>`;
}

function options(name, legend, values, chosen, choose) {
  return html`<fieldset class="options">
    <legend class="label">${legend}</legend>
    ${values.map(
      ({ value, label, hint, disabled }) => html`<label class="check">
        <input type="radio" name=${name} .checked=${live(value === chosen)} ?disabled=${disabled} @change=${() => choose(value)} />
        <span>${label}${hint ? html`<span class="hint">${hint}</span>` : nothing}</span>
      </label>`,
    )}
  </fieldset>`;
}

function who(draft) {
  const hints = {
    device: t("One answer a browser. Easy for everybody; the weakest proof."),
    platform: t("One answer an account of a messenger that vouches for it."),
    code: t("One answer a code on paper. The strongest proof."),
  };
  const set = (tier, on) => {
    const chosen = TIERS.filter((one) => (one === tier ? on : draft.rules.who.includes(one)));
    // Somebody must be able to answer.
    draft.rule({ who: chosen.length ? chosen : draft.rules.who });
  };
  return html`<fieldset class="options">
    <legend class="label">${t("Who may answer")}</legend>
    ${TIERS.map((tier) => check(tierName(tier), draft.rules.who.includes(tier), (on) => set(tier, on), { hint: hints[tier] }))}
    ${draft.rules.who.includes("code") ? codes() : nothing}
  </fieldset>`;
}

/** Codes are the headquarters' to make, for the event or for one poll. */
function codes() {
  return html`<details class="codes">
    <summary class="hint">${t("How to get access codes")}</summary>
    <p class="hint">
      ${t("The headquarters makes them, as a sheet to print with a QR code each, for the whole event or for one poll:")}
    </p>
    <p><code dir="ltr">streamd codes make 200 --event --sheet codes.html</code></p>
    <p><code dir="ltr">streamd codes make 200 --poll POLL --sheet codes.html</code></p>
    <p class="hint">${t("POLL is the number in the address of the poll's page.")}</p>
  </details>`;
}

function revote(draft) {
  const hasText = draft.questions.some(({ kind }) => kind === "text");
  return options(
    "revote",
    t("Which answer counts"),
    [
      { value: "first", label: t("The first"), hint: t("Nobody can change an answer. The proof comes within seconds.") },
      {
        value: "last",
        label: t("The last"),
        hint: hasText
          ? t("Not with open answers.")
          : t("People may change their minds until the close. The proof comes after the close."),
        disabled: hasText,
      },
    ],
    draft.fit.revote,
    (value) => draft.rule({ revote: value }),
  );
}

function results(draft) {
  const isQa = draft.questions.some(({ kind }) => kind === "qa");
  return options(
    "results",
    t("Who sees the results, and when"),
    RESULTS.map((value) => {
      const disabled = isQa && value !== "live";
      return { value, label: resultsWord(value), hint: disabled ? t("Not with questions from viewers.") : "", disabled };
    }),
    draft.fit.results,
    (value) => draft.rule({ results: value }),
  );
}

function log(draft) {
  const hasText = draft.questions.some(({ kind }) => kind === "text");
  return options(
    "log",
    t("What the public log proves"),
    [
      { value: "presence", label: t("That each ballot is recorded"), hint: t("Answers stay secret for ever.") },
      {
        value: "recount",
        label: t("That, and the count itself"),
        hint: hasText
          ? t("Not with open answers.")
          : t("At the close every answer is published without a name, and anybody recounts. A voter could prove to others how they answered."),
        disabled: hasText,
      },
    ],
    draft.fit.log,
    (value) => draft.rule({ log: value }),
  );
}

function switches(draft) {
  return html`<div class="options">
    ${check(t("Shuffle the choices"), draft.rules.shuffle, (shuffle) => draft.rule({ shuffle }), {
      hint: t("Each person sees them in an order of their own, so that none gains by standing first."),
    })}
    ${late(draft)}
  </div>`;
}

function late(draft) {
  const kinds = draft.questions.map(({ kind }) => kind);
  let hint = t("Viewers of the recording may answer later; counted apart.");
  if (kinds.includes("quiz")) hint = t("Not with a quiz: its right answers are told at its close.");
  if (kinds.includes("qa")) hint = t("Not with questions from viewers.");
  const disabled = kinds.includes("quiz") || kinds.includes("qa");
  return check(t("Take answers from the recording"), draft.fit.late, (wanted) => draft.rule({ late: wanted }), {
    hint,
    disabled,
  });
}

function regions(draft) {
  const known = page.regions ?? [];
  if (!known.length) return nothing;
  const set = (id, on) =>
    draft.rule({ regions: known.map((one) => one.id).filter((one) => (one === id ? on : draft.rules.regions.includes(one))) });
  return html`<fieldset class="options">
    <legend class="label">${t("Only for these regions")}</legend>
    ${known.map((one) => check(one.name, draft.rules.regions.includes(one.id), (on) => set(one.id, on)))}
    <p class="hint">${t("None ticked: everywhere. Devices have no region.")}</p>
  </fieldset>`;
}

function shards(draft) {
  if (!draft.headquarters || draft.editing) return nothing;
  return html`<div class="field">
    <label for="shards">${t("Spread over parts of the store")}</label>
    <select class="input" id="shards" .value=${live(String(draft.fit.shards))} @change=${(event) => draft.rule({ shards: Number(event.target.value) })}>
      ${SHARDS.map((count) => html`<option value=${count} ?selected=${count === draft.fit.shards}>${number(count)}</option>`)}
    </select>
    <p class="hint">${t("One does for most. More, for a Cluster and a hundred thousand answers a second; such a poll cannot be changed once it is open.")}</p>
  </div>`;
}

export function schedule(draft) {
  if (draft.editing) return nothing;
  const when = Date.parse(draft.opensAt);
  return html`<details class="rules" ?open=${Boolean(draft.opensAt)}>
    <summary>
      <span class="label">${t("Open by itself")}</span>
      <span class="hint">${Number.isFinite(when) ? moment(when / 1000) : t("no: you open it")}</span>
    </summary>
    <div class="field">
      <label for="opens-at">${t("Date and time")}</label>
      <input
        class="input"
        type="datetime-local"
        id="opens-at"
        dir="ltr"
        aria-invalid=${draft.scheduleFault ? "true" : nothing}
        aria-describedby=${draft.scheduleFault ? "opens-at-error" : nothing}
        .value=${live(draft.opensAt)}
        @input=${(event) => draft.schedule(event.target.value)}
      />
      ${draft.scheduleFault ? html`<p class="error" id="opens-at-error">${icons.warn}${t("Choose a time that is still to come.")}</p>` : nothing}
    </div>
  </details>`;
}
