/** Writing a sheet of questions, and seeing it as viewers will. */

import { html, nothing, repeat } from "../../../vendor/lit.js";
import { number, t } from "../../page.js";
import { icons } from "../icons.js";
import { QUESTIONS_AT_MOST } from "./composer.js";
import { preview } from "./preview.js";
import { questionFields } from "./question_view.js";
import { duration, rules, schedule } from "./rules_view.js";
import { keepButton, templatesMenu } from "./templates_view.js";

async function submit(host, now) {
  if (!(await host.ask(now))) return;
  // The new card stands above; on a phone the form has scrolled it out of sight.
  document.getElementById("tab-polls")?.focus({ preventScroll: true });
  document.querySelector(".polls")?.scrollIntoView({ block: "start" });
}

function more(draft) {
  if (draft.questions[0].kind === "qa" || draft.questions.length >= QUESTIONS_AT_MOST) return nothing;
  return html`<p class="row">
    <button type="button" class="button small" @click=${() => draft.addQuestion()}>${icons.plus}${t("Add a question")}</button>
    ${draft.isSurvey ? html`<span class="hint">${t("A survey: all are answered at once.")}</span>` : nothing}
  </p>`;
}

function actions(host) {
  const draft = host.composer;
  const busy = Boolean(host.polls.busy);
  const main = () => {
    if (busy) return t("Sending…");
    if (draft.editing) return t("Save the changes");
    return draft.opensAt ? t("Schedule") : t("Ask now");
  };
  return html`<div class="row actions">
    <button type="submit" form="composer" class="button primary" ?disabled=${busy}>${main()}</button>
    ${draft.editing
      ? html`<button type="button" class="button" @click=${() => draft.reset()}>${t("Leave it as it was")}</button>`
      : draft.opensAt
        ? nothing
        : html`<button type="button" class="button" ?disabled=${busy} @click=${() => submit(host, false)}>${t("Keep as a draft")}</button>`}
  </div>`;
}

function title(draft) {
  if (draft.editing) return t("Change the poll");
  return draft.isSurvey ? t("Survey of %(count)s questions", { count: number(draft.questions.length) }) : t("Ask a question");
}

/**
 * @param {{composer: import("./composer.js").Composer, polls: import("../polls.js").Polls,
 *   ask: (now: boolean) => Promise<boolean>, tell: (sentence: string) => void}} host
 */
export function composer(host) {
  const draft = host.composer;
  const kept = (is) => host.tell(is ? t("Kept as a template, in this browser.") : t("This browser keeps nothing for this page."));
  return html`<section class="card composer" aria-labelledby="composer-title">
    <header class="row">
      <h2 id="composer-title">${title(draft)}</h2>
      <span class="push">${draft.editing ? nothing : templatesMenu(draft, () => host.tell(""))}</span>
    </header>
    <form
      id="composer"
      class="stack"
      novalidate
      @submit=${(event) => {
        event.preventDefault();
        submit(host, !draft.opensAt);
      }}
    >
      ${repeat(draft.questions, (one) => one.key, (one, place) => questionFields(draft, one, place))} ${more(draft)}
      ${draft.isOpen ? nothing : duration(draft)} ${rules(draft)} ${schedule(draft)}
    </form>
    <div class="seen">
      <h3 class="label">${t("What viewers will see")}</h3>
      ${preview(draft)}
    </div>
    ${host.onAir || host.elsewhere
      ? nothing
      : html`<p class="hint">${t("You are not live. Those on your watch page can answer already.")}</p>`}
    ${actions(host)}
    ${draft.empty ? nothing : html`<p>${keepButton(draft, kept)}</p>`}
  </section>`;
}
