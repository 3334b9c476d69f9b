/** The stream is on air from somewhere else: may this page have it? */

import { t } from "../../page.js";
import { html, nothing } from "../../../vendor/lit.js";
import { Device } from "../devices.js";

export function takeover(desk) {
  const ready = desk.devices.state === Device.READY;
  const closed = desk.devices.state === Device.PRIME || desk.devices.state === Device.ASKING;
  return html`<div class="card stack takeover" role="group" aria-labelledby="takeover">
    <div>
      <h2 id="takeover">${t("Take over here?")}</h2>
      <p class="muted small">
        ${t("Your stream is on air from somewhere else: OBS, another phone, or someone of your team. If you take over, that broadcast ends; viewers stay, and see you.")}
      </p>
    </div>
    ${ready ? html`<p class="small">${t("Press “Take over here” twice.")}</p>` : nothing}
    ${closed
      ? html`<div class="row">
          <button type="button" class="button small" @click=${() => desk.openDevices()}>
            ${t("Turn on camera and microphone")}
          </button>
        </div>`
      : nothing}
  </div>`;
}
