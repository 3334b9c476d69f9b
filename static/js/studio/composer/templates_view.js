/** Templates to start from, and the way to keep one. */

import { html, nothing } from "../../../vendor/lit.js";
import { t } from "../../page.js";
import { icons } from "../icons.js";
import { dropTemplate, keepTemplate, ownTemplates, templates } from "./templates.js";

function take(draft, event, template) {
  event.target.closest("details").open = false;
  draft.take(template);
}

export function templatesMenu(draft, redraw) {
  const own = ownTemplates();
  return html`<details class="templates">
    <summary class="button small">${t("Start from a template")}</summary>
    <div class="stack">
      <div class="row">
        ${templates().map(
          (one) => html`<button type="button" class="button small" @click=${(event) => take(draft, event, one)}>${one.name}</button>`,
        )}
      </div>
      ${own.length
        ? html`<p class="label">${t("Your own")}</p>
            <ul role="list">
              ${own.map(
                (one) => html`<li class="row">
                  <button type="button" class="button small" dir="auto" @click=${(event) => take(draft, event, one)}>${one.name}</button>
                  <button type="button" class="button small quiet icon" aria-label=${t("Forget the template “%(name)s”", { name: one.name })} @click=${() => redraw(dropTemplate(one.id))}>${icons.remove}</button>
                </li>`,
              )}
            </ul>`
        : nothing}
    </div>
  </details>`;
}

/** @param {(kept: boolean) => void} told */
export function keepButton(draft, told) {
  const keep = () => {
    const name = draft.questions[0].text.trim().slice(0, 60) || t("Without a name");
    told(keepTemplate(draft.toTemplate(name)));
  };
  return html`<button type="button" class="button small quiet" @click=${keep}>${t("Keep as a template")}</button>`;
}
