/** The fields of one question. */

import { html, live, nothing, repeat } from "../../../vendor/lit.js";
import { number, t, tn } from "../../page.js";
import { kindName } from "../../results/words.js";
import { icons } from "../icons.js";
import { segments } from "../view/check.js";
import { END_LENGTH, FEWEST, fieldId, hasChoices, KINDS, LABEL_LENGTH, MOST, QUESTION_LENGTH } from "./question.js";

function fault(word) {
  return {
    no_question: t("Write the question first."),
    empty_choice: t("Fill in every choice, or remove the empty ones."),
    same_choices: t("Two choices are the same. Make them different."),
    too_many: t("These are too many choices for this kind of question."),
    no_right: t("Mark at least one right answer, and leave one that is wrong."),
  }[word];
}

function tool({ icon, label, press, disabled }) {
  return html`<button type="button" class="button quiet icon small" aria-label=${label} title=${label} ?disabled=${disabled} @click=${press}>
    ${icon}
  </button>`;
}

/** @param {import("./composer.js").Composer} draft */
export function questionFields(draft, one, place) {
  const several = draft.isSurvey;
  const fields = html`${several ? head(draft, one, place) : nothing} ${text(draft, one, place)} ${kind(draft, one)}
    ${hasChoices(one) ? choices(draft, one, place) : nothing} ${bounds(draft, one)} ${scale(draft, one)} ${note(one)}
    ${several
      ? html`<label class="check"><input type="checkbox" .checked=${live(one.required)} @change=${(event) => draft.set(one.key, { required: event.target.checked })} /><span>${t("Needs an answer")}</span></label>`
      : nothing}`;
  if (!several) return html`<div class="stack asked-one">${fields}</div>`;
  return html`<section class="stack asked-one boxed" aria-label=${t("Question %(number)s", { number: number(place + 1) })}>${fields}</section>`;
}

function head(draft, one, place) {
  const name = { number: number(place + 1) };
  return html`<header class="row">
    <h3>${t("Question %(number)s", name)}</h3>
    <span class="push">
      ${tool({ icon: icons.up, label: t("Move question %(number)s up", name), press: () => draft.moveQuestion(one.key, -1), disabled: place === 0 })}${tool({
        icon: icons.down,
        label: t("Move question %(number)s down", name),
        press: () => draft.moveQuestion(one.key, 1),
        disabled: place === draft.questions.length - 1,
      })}${tool({ icon: icons.remove, label: t("Remove question %(number)s", name), press: () => draft.removeQuestion(one.key) })}
    </span>
  </header>`;
}

function text(draft, one, place) {
  const id = fieldId(one, place === 0);
  return html`<div class="field">
    <label for=${id}>${t("Question")}</label>
    <textarea
      id=${id}
      class="input"
      rows="2"
      maxlength=${QUESTION_LENGTH}
      dir="auto"
      placeholder=${t("For example: what should the town build first?")}
      aria-invalid=${one.errors.question ? "true" : nothing}
      aria-describedby=${one.errors.question ? `${id}-error` : nothing}
      .value=${live(one.text)}
      @input=${(event) => draft.set(one.key, { text: event.target.value })}
    ></textarea>
    ${one.errors.question ? html`<p class="error" id="${id}-error">${icons.warn}${fault(one.errors.question)}</p>` : nothing}
  </div>`;
}

function kind(draft, one) {
  const kinds = draft.isSurvey ? KINDS.filter((each) => each !== "qa") : KINDS;
  return html`<div class="field">
    <label for="kind-${one.key}">${t("Kind of answer")}</label>
    <select class="input" id="kind-${one.key}" .value=${live(one.kind)} @change=${(event) => draft.kind(one.key, event.target.value)}>
      ${kinds.map((each) => html`<option value=${each} ?selected=${each === one.kind}>${kindName(each)}</option>`)}
    </select>
  </div>`;
}

function choices(draft, one, place) {
  const most = MOST[one.kind];
  const error = place === 0 ? "choices-error" : `choices-error-${one.key}`;
  return html`<fieldset class="choices">
    <legend class="label">${one.kind === "quiz" ? t("Choices; tick the right ones") : t("Choices")}</legend>
    <ol role="list">
      ${repeat(one.choices, (each) => each.id, (each, row) => choiceRow(draft, one, each, row, error))}
    </ol>
    ${one.errors.choices ? html`<p class="error" id=${error}>${icons.warn}${fault(one.errors.choices)}</p>` : nothing}
    ${one.choices.length < most
      ? html`<button type="button" class="button small quiet add" @click=${() => draft.add(one.key)}>${icons.plus}${t("Add a choice")}</button>`
      : html`<p class="hint">${tn("%(count)s choice is the most.", "%(count)s choices are the most.", most)}</p>`}
  </fieldset>`;
}

function choiceRow(draft, one, each, row, error) {
  const name = t("Choice %(number)s", { number: number(row + 1) });
  const said = each.label.trim() || name;
  return html`<li>
    ${one.kind === "quiz"
      ? html`<input type="checkbox" class="right-mark" aria-label=${t("“%(choice)s” is right", { choice: said })} .checked=${live(each.right)} @change=${(event) => draft.mark(one.key, each.id, event.target.checked)} />`
      : nothing}
    <input
      class="input"
      id=${each.id}
      maxlength=${LABEL_LENGTH}
      dir="auto"
      autocomplete="off"
      aria-label=${name}
      placeholder=${name}
      aria-invalid=${one.errors.choices && !each.label.trim() ? "true" : nothing}
      aria-describedby=${one.errors.choices ? error : nothing}
      .value=${live(each.label)}
      @input=${(event) => draft.name(one.key, each.id, event.target.value)}
      @keydown=${(event) => enter(draft, one, event, row)}
    />
    ${tool({ icon: icons.up, label: t("Move “%(choice)s” up", { choice: said }), press: () => draft.move(one.key, each.id, -1), disabled: row === 0 })}
    ${tool({
      icon: icons.down,
      label: t("Move “%(choice)s” down", { choice: said }),
      press: () => draft.move(one.key, each.id, 1),
      disabled: row === one.choices.length - 1,
    })}
    ${tool({
      icon: icons.remove,
      label: t("Remove “%(choice)s”", { choice: said }),
      press: () => draft.remove(one.key, each.id),
      disabled: one.choices.length <= FEWEST,
    })}
  </li>`;
}

/** Enter goes to the next choice, and from the last one makes a new one. */
function enter(draft, one, event, row) {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  const next = one.choices[row + 1];
  if (next) document.getElementById(next.id)?.focus();
  else if (one.choices.length < MOST[one.kind]) draft.add(one.key);
}

function bounds(draft, one) {
  if (one.kind !== "multiple") return nothing;
  const offered = one.choices.length;
  const maximum = Math.min(one.maximum ?? offered, offered);
  const field = (id, label, value, least, most, set) => html`<div class="field">
    <label for="${id}-${one.key}">${label}</label>
    <select class="input" id="${id}-${one.key}" .value=${live(String(value))} @change=${(event) => set(Number(event.target.value))}>
      ${Array.from({ length: most - least + 1 }, (_, step) => least + step).map(
        (count) => html`<option value=${count} ?selected=${count === value}>${number(count)}</option>`,
      )}
    </select>
  </div>`;
  return html`<div class="pair">
    ${field("least", t("At least"), Math.min(one.minimum, maximum), 1, maximum, (minimum) => draft.set(one.key, { minimum }))}
    ${field("most", t("At most"), maximum, Math.min(one.minimum, offered), offered, (most) => draft.set(one.key, { maximum: most }))}
  </div>`;
}

function scale(draft, one) {
  if (one.kind !== "rating") return nothing;
  const end = (id, label, value, field) => html`<div class="field">
    <label for="${id}-${one.key}">${label}</label>
    <input class="input" id="${id}-${one.key}" maxlength=${END_LENGTH} dir="auto" autocomplete="off" .value=${live(value)} @input=${(event) => draft.set(one.key, { [field]: event.target.value })} />
  </div>`;
  return html`${segments({
      name: `scale-${one.key}`,
      legend: t("Scale"),
      options: [
        { value: 5, label: t("%(low)s to %(high)s", { low: number(1), high: number(5) }) },
        { value: 10, label: t("%(low)s to %(high)s", { low: number(0), high: number(10) }) },
      ],
      chosen: one.high,
      choose: (high) => draft.set(one.key, { high }),
    })}
    <div class="pair">
      ${end("low", t("The lowest means"), one.lowLabel, "lowLabel")} ${end("high", t("The highest means"), one.highLabel, "highLabel")}
    </div>`;
}

function note(one) {
  const said = {
    text: t("Up to 200 characters. Answers are held until you approve them; approved ones make a word cloud."),
    qa: t("Viewers put questions, held until you approve them; others vote for those they want answered."),
    ranking: t("Everybody puts all choices in order. The first gets the most points, the last none."),
    quiz: t("Viewers are told the right answers once the poll has closed."),
  }[one.kind];
  return said ? html`<p class="hint">${said}</p>` : nothing;
}
