/** The controls under the thumb. */

import { t } from "../../page.js";
import { classMap, html, nothing } from "../../../vendor/lit.js";
import { Device } from "../devices.js";
import { icons } from "../icons.js";
import { Phase } from "../lifecycle.js";

function round({ icon, label, press, on = false, disabled = false, title = "" }) {
  return html`<div class="round">
    <button
      type="button"
      class=${classMap({ button: true, icon: true, on })}
      ?disabled=${disabled}
      title=${title || nothing}
      @click=${press}
    >
      ${icon}<span class="caption">${label}</span>
    </button>
  </div>`;
}

function mute(desk) {
  const { devices } = desk;
  return round({
    icon: devices.muted ? icons.microphoneOff : icons.microphone,
    label: devices.muted ? t("Unmute") : t("Mute"),
    press: () => devices.setMuted(!devices.muted),
    on: devices.muted,
    disabled: devices.soundless,
    title: devices.soundless ? t("No microphone was found") : "",
  });
}

function flip(desk) {
  const one = desk.devices.cameras.length < 2;
  return round({
    icon: icons.flip,
    label: t("Flip"),
    press: () => desk.devices.flip(),
    disabled: one,
    title: one ? t("This device has one camera") : t("Change to the other camera"),
  });
}

function main({ label, press, kind = "primary", disabled = false, armed = null }) {
  const classes = {
    button: true,
    main: true,
    [kind]: true,
    armed: armed?.armed ?? false,
    slow: armed?.slow ?? false,
  };
  return html`<button
    type="button"
    class=${classMap(classes)}
    ?disabled=${disabled}
    @click=${press}
    @keydown=${(event) => event.key === "Escape" && armed?.disarm()}
    @blur=${() => armed?.disarm()}
  >
    <span>${label}</span>${armed?.armed ? html`<i class="fuse" aria-hidden="true"></i>` : nothing}
  </button>`;
}

function watch(desk) {
  return html`<a
    class="button main"
    href="/watch/${encodeURIComponent(desk.stream.id)}"
    target="_blank"
    rel="noopener"
    >${t("Open your watch page")}</a
  >`;
}

function goingLive({ contested, goLive }) {
  if (contested) return goLive.armed ? t("Yes, take over") : t("Take over here");
  return goLive.armed ? t("Press again to go live") : t("Go live");
}

function center(desk) {
  const { devices, phase, goLive, end } = desk;
  if (desk.onAir) {
    return main({
      label: end.armed ? t("Press again to end") : t("End broadcast"),
      press: (event) => end.press(event),
      kind: "outline",
      armed: end,
    });
  }
  if (phase === Phase.CONNECTING)
    return main({ label: t("Cancel"), press: () => desk.stop(), kind: "outline" });
  if (phase === Phase.ENDED)
    return main({ label: t("Broadcast again"), press: () => desk.again() });
  if (desk.elsewhere && devices.state !== Device.READY) return watch(desk);
  if (devices.state === Device.READY) {
    return main({
      label: goingLive(desk),
      press: (event) => goLive.press(event),
      kind: goLive.armed ? "live" : "primary",
      disabled: Boolean(devices.interruption),
      armed: goLive,
    });
  }
  if (devices.state === Device.PRIME)
    return main({ label: t("Turn on camera and microphone"), press: () => desk.openDevices() });
  if (devices.state === Device.ASKING)
    return main({ label: t("Waiting for your answer…"), press: () => {}, disabled: true });
  if (devices.state === Device.INSECURE || devices.state === Device.UNSUPPORTED)
    return main({ label: t("Broadcast with OBS"), press: () => desk.show("obs") });
  return main({ label: t("Try again"), press: () => desk.openDevices() });
}

export function dock(desk) {
  const with_devices = desk.devices.state === Device.READY && desk.phase !== Phase.ENDED;
  return html`<div class="dock" role="group" aria-label=${t("Broadcast controls")}>
    ${with_devices ? mute(desk) : nothing} ${center(desk)} ${with_devices ? flip(desk) : nothing}
  </div>`;
}
