/** The viewer's poll card, drawn from a draft; nothing in it can be pressed. */

import { t } from "../../page.js";
import { html, nothing } from "../../../vendor/lit.js";

export function preview({ question, labels, asker, left }) {
  return html`<div class="preview card floating">
    ${left ? html`<div class="left-line" aria-hidden="true"><i></i></div>` : nothing}
    <p class="row small muted">
      <span>${asker}</span>${left ? html`<span class="push number">${left}</span>` : nothing}
    </p>
    <p class="asked ${question ? "" : "blank"}" dir="auto">${question || t("Your question")}</p>
    <ul role="list">
      ${labels.map(
        (label, place) =>
          html`<li class=${label ? "" : "blank"} dir="auto">
            <i aria-hidden="true"></i>${label || t("Choice %(number)s", { number: place + 1 })}
          </li>`,
      )}
    </ul>
    <p class="tiny muted">
      ${t("Self-selected, not representative; not a vote in the election.")}
    </p>
  </div>`;
}
