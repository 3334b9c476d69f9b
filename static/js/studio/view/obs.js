/** OBS instead of the browser's camera: where it sends to, with what key, and how it is set. */

import { digits, number, page, t } from "../../page.js";
import { html, nothing } from "../../../vendor/lit.js";
import { icons } from "../icons.js";
import { segments } from "./check.js";

const MASK = "••••••••••••••••";

function copyButton(desk, what, text, label) {
  const done = desk.obs.copied === what;
  return html`<button
    type="button"
    class="button small"
    aria-label=${done ? nothing : label}
    @click=${() => desk.obs.copy(what, text())}
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
    ${desk.obs.copied === `${what}-refused`
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

function reveal(desk) {
  return html`<button
    type="button"
    class="button small quiet"
    @click=${() => desk.obs.showKey(!desk.obs.keyShown)}
  >
    ${desk.obs.keyShown ? t("Hide") : t("Show")}
  </button>`;
}

function server(desk, address) {
  return line({
    desk,
    what: "server",
    label: t("Server"),
    shown: address,
    text: () => address,
    copyLabel: t("Copy the server"),
  });
}

function secret(desk, label, copyLabel, text) {
  return line({
    desk,
    what: "key",
    label,
    shown: desk.obs.keyShown ? text : MASK,
    text: () => text,
    copyLabel,
    extra: reveal(desk),
  });
}

/** Where to send to: both services want an address and a secret, under names of their own. */
function addresses(desk) {
  if (desk.obs.by === "rtmp")
    return html`${server(desk, page.rtmp_url)}
    ${secret(desk, t("Stream key"), t("Copy the stream key"), desk.obs.rtmpKey)}`;
  return html`${server(desk, desk.obs.whipUrl)}
  ${secret(desk, t("Bearer token"), t("Copy the bearer token"), desk.obs.key)}`;
}

function settings(desk) {
  const rows = [
    [t("Encoder"), "H.264 (x264)"],
    [t("Bitrate"), t("%(rate)s kbit/s", { rate: number(2500) })],
    [t("Keyframe interval"), t("%(count)s s", { count: number(2) })],
    [t("Profile"), "baseline"],
    [t("Tune"), "zerolatency"],
    [t("B-frames"), number(0)],
    [t("Audio"), desk.obs.by === "rtmp" ? "AAC, 48 kHz" : "Opus, 48 kHz"],
  ];
  return html`<dl class="settings">
      ${rows.map(
        ([name, value]) => html`<div><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>`,
      )}
    </dl>
    <p class="hint">
      ${t("B-frames would lock out viewers who watch by WebRTC. Keyframes further apart make everyone wait longer for the first picture.")}
    </p>`;
}

function choice(desk) {
  if (!page.rtmp_url) return nothing;
  return segments({
    name: "obs-by",
    legend: t("How OBS sends"),
    options: [
      { value: "rtmp", label: "RTMP" },
      { value: "whip", label: "WHIP" },
    ],
    chosen: desk.obs.by,
    choose: (by) => desk.obs.choose(by),
    hint:
      desk.obs.by === "rtmp"
        ? t("For every OBS, and wherever UDP is blocked.")
        : t("For OBS 30 and newer; viewers see you sooner."),
  });
}

export function obs(desk) {
  const service =
    desk.obs.by === "rtmp"
      ? t("In OBS open Settings, then Stream, and choose the service “Custom…”.")
      : t("In OBS open Settings, then Stream, and choose the service “WHIP”.");
  return html`<div class="card obs stack">
    <div>
      <h2>${t("Use OBS")}</h2>
      <p class="muted small">${t("For a camera, scenes and titles on a computer.")}</p>
    </div>
    ${choice(desk)}
    <ol class="steps" role="list">
      ${step(1, service, nothing)}
      ${step(
        2,
        t("Copy these two into it."),
        html`${addresses(desk)}
          <p class="hint">
            ${t("Whoever has this key can broadcast in your name. Keep it off the screen while you stream.")}
          </p>`,
      )}
      ${step(3, t("In Output, with the output mode “Advanced”, set the encoder."), settings(desk))}
      ${step(4, t("Press “Start streaming” in OBS. This page shows when it arrives."), nothing)}
    </ol>
  </div>`;
}
