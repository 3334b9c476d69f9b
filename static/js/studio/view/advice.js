/** What to do about the broadcast, as a list; and how much later viewers see it. */

import { number, t, tn } from "../../page.js";
import { html, nothing, svg } from "../../../vendor/lit.js";
import { share, worst } from "../advice.js";
import { icons } from "../icons.js";

const ICONS = { problem: icons.warn, warning: icons.warn, note: icons.note };

/** @param {import("../advice.js").Advice[]} items worst first; nothing is drawn for none */
export function adviceList(items) {
  if (!items.length) return nothing;
  return html`<ul class="advice" role="list" aria-label=${t("What to do")}>
    ${items.map(
      ({ severity, title, advice }) =>
        html`<li class=${severity}>
          ${ICONS[severity]}
          <div>
            <b>${title}</b>
            <p class="muted small">${advice}</p>
          </div>
        </li>`,
    )}
  </ul>`;
}

/** Why an encoder's attempt was refused, while nothing of this stream is on air. */
export function refusedEncoder(desk) {
  if (desk.onAir || desk.elsewhere) return nothing;
  const told = worst(desk.health?.advice);
  if (!told || told.severity !== "problem") return nothing;
  return html`<div class="notice fault trouble told" role="alert">
    ${icons.warn}<span><b>${told.title}</b> ${told.advice}</span>
  </div>`;
}

/** The event's broadcast delay, where it has one. */
export function later(health) {
  const seconds = Math.round(health?.delay_seconds ?? 0);
  if (!seconds) return nothing;
  return html`<p class="later small">
    ${icons.clock}<span
      >${tn("Viewers see and hear this %(count)s second later.", "Viewers see and hear this %(count)s seconds later.", seconds)}</span
    >
  </p>`;
}

/** The sound that arrives, on a scale from silence to the limit. */
export function soundLevel(level) {
  if (!level) return nothing;
  const words = t("%(level)s decibels below the limit", { level: number(Math.abs(level.decibels)) });
  return html`<div class="sound-level">
    <span class="muted tiny" id="sound-level">${t("Sound level")}</span>
    <div
      class="meter"
      role="meter"
      aria-labelledby="sound-level"
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${Math.round(share(level.decibels) * 100)}
      aria-valuetext=${words}
    >
      <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
        ${svg`<rect width=${(share(level.decibels) * 100).toFixed(1)} height="1"/>`}
      </svg>
    </div>
  </div>`;
}
