// Where a poll needs more than this device: the field for an access code, or the messenger's word.

import { html, ifDefined, live, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { t, tn } from "../page.js";

/** @param admission as of admission.js; `id` names its parts on the page */
export function admissionView(admission, onIn) {
  const id = `code-${admission.poll.id}`;
  return html`<div class="admission">
    ${admission.takes("code") ? codeForm(admission, id, onIn) : nothing}
    ${admission.takes("platform") ? platform(admission, onIn) : nothing}
    ${admission.isForeign ? newTab() : nothing}
    ${admission.isAsked
      ? html`<button class="button quiet small" type="button" @click=${() => admission.askForCode(false)}>${t("Answer without a code")}</button>`
      : nothing}
  </div>`;
}

function codeForm(admission, id, onIn) {
  const fault = admission.fault && admission.fault.slug !== "parent" ? codeFault(admission.fault) : "";
  return html`<form class="code-form" novalidate @submit=${(event) => enter(event, admission, id, onIn)}>
    <div class="field">
      <label for=${id}>${t("Access code")}</label>
      <input
        class="input code-input"
        id=${id}
        dir="ltr"
        autocomplete="off"
        autocapitalize="characters"
        spellcheck="false"
        placeholder="XXXX-XXXX-XXXX"
        aria-describedby="${id}-hint${fault ? ` ${id}-fault` : ""}"
        aria-invalid=${ifDefined(fault ? "true" : undefined)}
        .value=${live(admission.code)}
        @input=${(event) => write(event, admission)}
      />
      <span class="hint" id="${id}-hint">${t("Twelve letters and digits from your sheet. The code counts once and is not kept with your answer.")}</span>
    </div>
    ${fault ? html`<p class="notice fault" role="alert" id="${id}-fault">${icons.alert}<span>${fault}</span></p>` : nothing}
    <button class="button primary" type="submit" aria-disabled=${ifDefined(admission.isChecking ? "true" : undefined)}>
      ${admission.isChecking ? t("Checking…") : t("Go on with this code")}
    </button>
  </form>`;
}

// The caret stays where it was: after as many letters and digits as stood before it.
function write(event, admission) {
  const field = event.target;
  const before = field.value.slice(0, field.selectionStart);
  const isAtEnd = field.selectionStart === field.value.length;
  field.value = admission.write(field.value);
  if (isAtEnd) return;
  let left = before.replace(/[^0-9A-Za-z۰-۹٠-٩]/g, "").length;
  let place = 0;
  while (left > 0 && place < field.value.length) {
    if (field.value[place] !== "-") left -= 1;
    place += 1;
  }
  field.setSelectionRange(place, place);
}

async function enter(event, admission, id, onIn) {
  event.preventDefault();
  if (admission.isChecking) return;
  const form = event.target;
  if (await admission.enter()) onIn();
  else form.querySelector(`#${id}`)?.focus();
}

function codeFault({ slug, retryAfter }) {
  switch (slug) {
    case "mistyped_code":
      return t("That is not a whole code from a sheet. Compare it character by character and enter it again.");
    case "code_refused":
      return t("This code does not hold for this poll. Look on the sheet for what it was made for, or ask those who gave it to you.");
    case "too_often":
      return tn("Too many wrong codes came from your network. Try again in %(count)s second.", "Too many wrong codes came from your network. Try again in %(count)s seconds.", retryAfter || 60);
    default:
      return t("The code could not be checked. Look at your connection and try again.");
  }
}

function platform(admission, onIn) {
  if (!admission.canAskParent) {
    return admission.takes("code")
      ? nothing
      : html`<p class="notice">${icons.people}<span>${t("This poll is for members of a messenger. Open it there to answer.")}</span></p>`;
  }
  return html`${admission.fault?.slug === "parent"
      ? html`<p class="notice fault" role="alert">${icons.alert}<span>${t("The messenger did not say who you are. Try again, or go on in a new tab.")}</span></p>`
      : nothing}
    <button
      class="button"
      type="button"
      aria-disabled=${ifDefined(admission.isChecking ? "true" : undefined)}
      @click=${async () => !admission.isChecking && (await admission.askParent()) && onIn()}
    >
      ${t("Answer as a member of this messenger")}
    </button>`;
}

const newTab = () =>
  html`<a class="button" href=${location.href} target="_blank" rel="noopener">${t("Answer in a new tab")}</a>`;
