/** Writing a question, and seeing it as viewers will. */

import { number, page, t, tn } from "../../page.js";
import { html, live, nothing, repeat } from "../../../vendor/lit.js";
import { DURATIONS, FEWEST, LABEL_LENGTH, MOST, QUESTION_LENGTH } from "../composer.js";
import { icons } from "../icons.js";
import { segments } from "./check.js";
import { preview } from "./preview.js";

function tool({ icon, label, press, disabled }) {
  return html`<button
    type="button"
    class="button quiet icon small"
    aria-label=${label}
    title=${label}
    ?disabled=${disabled}
    @click=${press}
  >
    ${icon}
  </button>`;
}

function row(draft, choice, place) {
  const name = t("Choice %(number)s", { number: number(place + 1) });
  const said = choice.label.trim() || name;
  const last = draft.choices.length - 1;
  return html`<li>
    <input
      class="input"
      id=${choice.id}
      maxlength=${LABEL_LENGTH}
      dir="auto"
      autocomplete="off"
      aria-label=${name}
      placeholder=${name}
      aria-invalid=${draft.errors.choices && !choice.label.trim() ? "true" : nothing}
      aria-describedby=${draft.errors.choices ? "choices-error" : nothing}
      .value=${live(choice.label)}
      @input=${(event) => draft.name(choice.id, event.target.value)}
      @keydown=${(event) => enter(draft, event, place)}
    />
    ${tool({
      icon: icons.up,
      label: t("Move “%(choice)s” up", { choice: said }),
      press: () => draft.move(choice.id, -1),
      disabled: place === 0,
    })}
    ${tool({
      icon: icons.down,
      label: t("Move “%(choice)s” down", { choice: said }),
      press: () => draft.move(choice.id, 1),
      disabled: place === last,
    })}
    ${tool({
      icon: icons.remove,
      label: t("Remove “%(choice)s”", { choice: said }),
      press: () => draft.remove(choice.id),
      disabled: draft.choices.length <= FEWEST,
    })}
  </li>`;
}

/** Enter goes to the next choice, and from the last one makes a new one. */
function enter(draft, event, place) {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  const next = draft.choices[place + 1];
  if (next) document.getElementById(next.id)?.focus();
  else draft.add();
}

function choices(draft) {
  return html`<fieldset class="choices">
    <legend class="label">${t("Choices")}</legend>
    <ol role="list">
      ${repeat(
        draft.choices,
        (choice) => choice.id,
        (choice, place) => row(draft, choice, place),
      )}
    </ol>
    ${draft.errors.choices
      ? html`<p class="error" id="choices-error">${icons.warn}${t(draft.errors.choices)}</p>`
      : nothing}
    ${draft.choices.length < MOST
      ? html`<button type="button" class="button small quiet add" @click=${() => draft.add()}>
          ${icons.plus}${t("Add a choice")}
        </button>`
      : html`<p class="hint">${tn("%(count)s choice is the most.", "%(count)s choices are the most.", MOST)}</p>`}
  </fieldset>`;
}

const lasting = (seconds) => {
  if (seconds === null) return t("No limit");
  return seconds < 60
    ? t("%(count)s s", { count: number(seconds) })
    : t("%(count)s min", { count: number(seconds / 60) });
};

function question(draft) {
  return html`<div class="field">
    <label for="question">${t("Question")}</label>
    <textarea
      id="question"
      class="input"
      rows="2"
      maxlength=${QUESTION_LENGTH}
      dir="auto"
      placeholder=${t("For example: what should the town build first?")}
      aria-invalid=${draft.errors.question ? "true" : nothing}
      aria-describedby=${draft.errors.question ? "question-error" : nothing}
      .value=${live(draft.question)}
      @input=${(event) => draft.write(event.target.value)}
    ></textarea>
    ${draft.errors.question
      ? html`<p class="error" id="question-error">${icons.warn}${t(draft.errors.question)}</p>`
      : nothing}
  </div>`;
}

async function submit(desk, now) {
  if (!(await desk.ask(now))) return;
  // The new card stands above; on a phone the form has scrolled it out of sight.
  document.getElementById("tab-polls")?.focus({ preventScroll: true });
  document.querySelector(".polls")?.scrollIntoView({ block: "start" });
}

function actions(desk) {
  const busy = desk.polls.busy === "new";
  return html`<div class="row actions">
    <button type="submit" form="composer" class="button primary" ?disabled=${busy}>
      ${busy ? t("Sending…") : t("Ask now")}
    </button>
    <button type="button" class="button" ?disabled=${busy} @click=${() => submit(desk, false)}>
      ${t("Keep as a draft")}
    </button>
  </div>`;
}

export function composer(desk) {
  const draft = desk.composer;
  return html`<section class="card composer" aria-labelledby="composer-title">
    <h2 id="composer-title">${t("Ask a question")}</h2>
    <form
      id="composer"
      class="stack"
      novalidate
      @submit=${(event) => {
        event.preventDefault();
        submit(desk, true);
      }}
    >
      ${question(draft)} ${choices(draft)}
      ${segments({
        name: "duration",
        legend: t("Open for"),
        options: DURATIONS.map((seconds) => ({ value: seconds, label: lasting(seconds) })),
        chosen: draft.duration,
        choose: (seconds) => draft.last(seconds),
      })}
    </form>
    <div class="seen">
      <h3 class="label">${t("What viewers will see")}</h3>
      ${preview({
        question: draft.question.trim(),
        labels: draft.choices.map((choice) => choice.label.trim()),
        asker: page.event?.asker ?? "",
        seconds: draft.duration,
      })}
    </div>
    ${desk.onAir || desk.elsewhere
      ? nothing
      : html`<p class="hint">${t("You are not live. Those on your watch page can answer already.")}</p>`}
    ${actions(desk)}
  </section>`;
}
