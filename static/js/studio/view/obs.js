/** OBS instead of the browser's camera: where it sends to, and with what key. */

import { digits, t } from "../../page.js";
import { html, nothing } from "../../../vendor/lit.js";
import { icons } from "../icons.js";

const MASK = "••••••••••••••••";

function copyButton(desk, what, text, label) {
  const done = desk.copied === what;
  return html`<button
    type="button"
    class="button small"
    aria-label=${done ? nothing : label}
    @click=${() => desk.copy(what, text())}
  >
    ${done ? icons.check : icons.copy}${done ? t("Copied") : t("Copy")}
  </button>`;
}

function line({ desk, what, label, shown, text, copyLabel, extra = nothing }) {
  return html`<div class="field copied">
    <span class="label" id="obs-${what}">${label}</span>
    <div class="line">
      <code dir="ltr" aria-labelledby="obs-${what}" role="textbox" aria-readonly="true" tabindex="0"
        >${shown}</code
      >
      <div class="row">${extra}${copyButton(desk, what, text, copyLabel)}</div>
    </div>
    ${desk.copied === `${what}-refused`
      ? html`<p class="hint" role="status">
          ${t("This browser does not let pages copy. Select the text and copy it by hand.")}
        </p>`
      : nothing}
  </div>`;
}

function step(place, title, body) {
  return html`<li>
    <span class="ordinal number" aria-hidden="true">${digits(place)}</span>
    <div class="stack">
      <p>${title}</p>
      ${body}
    </div>
  </li>`;
}

export function obs(desk) {
  const reveal = html`<button
    type="button"
    class="button small quiet"
    @click=${() => desk.showKey(!desk.keyShown)}
  >
    ${desk.keyShown ? t("Hide") : t("Show")}
  </button>`;
  return html`<div class="card obs stack">
    <div>
      <h2>${t("Use OBS")}</h2>
      <p class="muted small">
        ${t("For a camera, scenes and titles on a computer. OBS 30 or newer is needed.")}
      </p>
    </div>
    <ol class="steps" role="list">
      ${step(1, t("In OBS open Settings, then Stream, and choose the service “WHIP”."), nothing)}
      ${step(
        2,
        t("Copy these two into it."),
        html`${line({
          desk,
          what: "server",
          label: t("Server"),
          shown: desk.whipUrl,
          text: () => desk.whipUrl,
          copyLabel: t("Copy the server"),
        })}
        ${line({
          desk,
          what: "key",
          label: t("Bearer token"),
          shown: desk.keyShown ? desk.key : MASK,
          text: () => desk.key,
          copyLabel: t("Copy the bearer token"),
          extra: reveal,
        })}
        <p class="hint">
          ${t("Whoever has this token can broadcast in your name. Keep it off the screen while you stream.")}
        </p>`,
      )}
      ${step(
        3,
        t("In Output set the encoder to H.264, 2500 kbit/s, a keyframe every 2 seconds."),
        nothing,
      )}
      ${step(4, t("Press “Start streaming” in OBS. This page shows when it arrives."), nothing)}
    </ol>
  </div>`;
}
