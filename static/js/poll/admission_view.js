// Where a poll needs more than this device: the field for an access code, or the messenger's word.

import { html, ifDefined, live, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { page, t, tn } from "../page.js";

const PARENT_FAULTS = ["parent", "signed_out"];

/** @param admission as of admission.js; `id` names its parts on the page */
export function admissionView(admission, onIn) {
  const id = `code-${admission.poll.id}`;
  if (admission.isSettling) return settling();
  // Who came without a code is not met by its field, where a tab would do.
  const isTabFirst = admission.isCookieless && !admission.isAsked;
  return html`<div class="admission">
    ${admission.takes("code") && !isTabFirst ? codeForm(admission, id, onIn) : nothing}
    ${admission.takes("platform") ? platform(admission, onIn) : nothing}
    ${admission.helpsInTab && !admission.isAsked ? newTab(admission) : nothing}
    ${admission.takes("code") && isTabFirst
      ? html`<button class="button quiet small" type="button" @click=${() => admission.askForCode(true)}>${t("I have an access code")}</button>`
      : nothing}
    ${admission.isAsked
      ? html`<button class="button quiet small" type="button" @click=${() => admission.askForCode(false)}>${t("Answer without a code")}</button>`
      : nothing}
  </div>`;
}

function codeForm(admission, id, onIn) {
  const fault = admission.fault && !PARENT_FAULTS.includes(admission.fault.slug) ? codeFault(admission.fault) : "";
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
    return admission.takes("code") || admission.takes("device")
      ? nothing
      : html`<p class="notice">${icons.people}<span>${t("This poll is for members of a messenger. Open it there to answer.")}</span></p>`;
  }
  return html`${PARENT_FAULTS.includes(admission.fault?.slug)
      ? html`<p class="notice fault" role="alert">${icons.alert}<span>${parentFault(admission)}</span></p>`
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

function parentFault({ fault, helpsInTab }) {
  if (fault.slug === "signed_out") return t("The messenger says that nobody is signed in. Sign in there, then answer here.");
  return helpsInTab
    ? t("The messenger did not say who you are. Try again, or go on in a new tab.")
    : t("The messenger did not say who you are. Try again.");
}

// Where a browser keeps our cookies out of other sites' pages, an answer by device would not count.
function newTab(admission) {
  const { isCookieless } = admission;
  return html`<a class="button ${isCookieless ? "primary" : ""}" href=${page.tab ?? location.href} target="_blank" rel="noopener">${icons.outward}${t("Answer in a new tab")}</a>
    ${isCookieless
      ? html`<p class="tiny muted">${t("Your browser keeps our cookies out of this page, so an answer here would not count. It does in a tab of its own.")}</p>`
      : nothing}`;
}

const settling = () =>
  html`<div class="admission" aria-busy="true">
    <span class="visually-hidden">${t("Finding out as whom you answer")}</span>
    <div class="skeleton row-box"></div>
    <div class="skeleton row-box"></div>
    <div class="skeleton row-box"></div>
  </div>`;
