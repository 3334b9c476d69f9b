/** Device check: pickers, level, quality. */

import { decimal, digits, t, tn } from "../../page.js";
import { html, live, nothing } from "../../../vendor/lit.js";
import { Device } from "../devices.js";
import { icons } from "../icons.js";
import { QUALITIES } from "../quality.js";
import { Way } from "../ways.js";

const HINTS = {
  "360p": "For weak networks",
  "540p": "For most phones on mobile data",
  "720p": "Sharpest, for good Wi-Fi or 4G",
};

function picker({ id, label, chosen, choices, choose, unnamed }) {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <div class="select">
      <select
        id=${id}
        class="input"
        .value=${live(chosen)}
        ?disabled=${choices.length < 2}
        @change=${(event) => choose(event.target.value)}
      >
        ${choices.map(
          (choice, place) =>
            html`<option value=${choice.id} ?selected=${choice.id === chosen}>
              ${choice.label || `${unnamed} ${digits(place + 1)}`}
            </option>`,
        )}
      </select>
      ${icons.down}
    </div>
  </div>`;
}

function meter(desk) {
  const heard = desk.heard;
  const words = {
    heard: t("We hear you."),
    quiet: t("We hear nothing yet. Say something."),
    muted: t("You are muted. Viewers hear nothing."),
    asleep: t("Press anywhere on the page to see the level."),
  };
  return html`<div class="level">
    <div
      class="meter"
      role="meter"
      aria-label=${t("Microphone level")}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${heard === "heard" ? 60 : 0}
      aria-valuetext=${words[heard]}
      data-level
    >
      <i></i>
    </div>
    <p class="hint ${heard}">${heard === "heard" ? icons.check : nothing}${words[heard]}</p>
  </div>`;
}

function soundless() {
  return html`<p class="notice warn">
    ${icons.warn}<span
      >${t("No microphone was found. You can go live, but viewers will hear nothing.")}</span
    >
  </p>`;
}

/** A radio group drawn as one row of segments. */
export function segments({ name, legend, options, chosen, choose, hint }) {
  return html`<fieldset class="segments">
    <legend class="label">${legend}</legend>
    <div class="track">
      ${options.map(
        ({ value, label }) =>
          html`<label
            ><input
              type="radio"
              name=${name}
              value=${String(value)}
              .checked=${live(value === chosen)}
              @change=${() => choose(value)}
            /><span>${label}</span></label
          >`,
      )}
    </div>
    ${hint ? html`<p class="hint">${hint}</p>` : nothing}
  </fieldset>`;
}

export function quality(desk) {
  const { quality: chosen } = desk.broadcast;
  const gigabytes = (chosen.bitrate * 3600) / 8 / 1e9;
  return segments({
    name: "quality",
    legend: t("Picture quality"),
    options: QUALITIES.map((one) => ({ value: one.name, label: digits(one.name) })),
    chosen: chosen.name,
    choose: (name) => desk.setQuality(name),
    hint: `${t(HINTS[chosen.name])} · ${t("up to %(amount)s GB an hour", { amount: decimal(gigabytes) })}`,
  });
}

export function pickers(desk) {
  const { devices } = desk;
  return html`
    ${picker({
      id: "camera",
      label: t("Camera"),
      chosen: devices.camera,
      choices: devices.cameras,
      choose: (id) => devices.chooseCamera(id),
      unnamed: t("Camera"),
    })}
    ${devices.soundless
      ? soundless()
      : html`<div class="stack sound">
          ${picker({
            id: "microphone",
            label: t("Microphone"),
            chosen: devices.microphone,
            choices: devices.microphones,
            choose: (id) => devices.chooseMicrophone(id),
            unnamed: t("Microphone"),
          })}
          ${meter(desk)}
        </div>`}
    ${quality(desk)}
  `;
}

function connection(desk) {
  const hints = {
    [Way.AUTOMATIC]: t("WebRTC, and the web connection where a network blocks it."),
    [Way.WEBRTC]: t("The quickest way. Some company and hotel networks block it."),
    [Way.WEBSOCKET]: t("Passes wherever web pages do. A weak network delays it more."),
  };
  const { way } = desk.broadcast;
  return html`<div class="stack way">
    ${picker({
      id: "way",
      label: t("Connection"),
      chosen: way,
      choices: [
        { id: Way.AUTOMATIC, label: t("Automatic") },
        { id: Way.WEBRTC, label: t("WebRTC only") },
        ...(desk.canSocket ? [{ id: Way.WEBSOCKET, label: t("Web connection only") }] : []),
      ],
      choose: (chosen) => desk.chooseWay(chosen),
      unnamed: "",
    })}
    <p class="hint">${hints[way]}</p>
  </div>`;
}

/** What the candidate does before going live, step by step. */
export function check(desk) {
  if (desk.devices.state !== Device.READY) return steps(desk);
  return html`<div class="card stack check">
    <div>
      <h2>${t("Check your picture and sound")}</h2>
      <p class="muted small">${t("Then press “Go live” twice.")}</p>
    </div>
    ${desk.devices.upright
      ? html`<p class="notice">
          ${icons.turn}<span>${t("Turn the phone sideways to fill your viewers' screens.")}</span>
        </p>`
      : nothing}
    ${pickers(desk)} ${connection(desk)}
  </div>`;
}

/** Without a camera: what can be done all the same. */
function without(desk) {
  return html`<div class="card stack">
    <h2>${t("Meanwhile")}</h2>
    <p class="muted small">
      ${t("The rest of the studio works without a camera: broadcast with OBS, prepare your questions.")}
    </p>
    <div class="row">
      <button type="button" class="button small" @click=${() => desk.show("obs")}>${t("Use OBS")}</button>
      <button type="button" class="button small" @click=${() => desk.show("polls")}>
        ${t("Prepare a question")}
      </button>
    </div>
  </div>`;
}

/** After the end: what is off, and what is still open. */
export function after(desk) {
  const open = desk.polls.open.length;
  return html`<div class="card stack">
    <ul class="facts" role="list">
      <li>${icons.check}${t("Your camera and microphone are off.")}</li>
      ${desk.broadcast.error?.slug === "taken_over"
        ? nothing
        : html`<li>${icons.check}${t("Viewers see that the broadcast has ended.")}</li>`}
      ${open
        ? html`<li>
            ${icons.warn}${tn("%(count)s poll is still open.", "%(count)s polls are still open.", open)}
          </li>`
        : nothing}
    </ul>
    <div class="row">
      <button type="button" class="button small" @click=${() => desk.show("polls")}>
        ${open ? t("Go to the open polls") : t("See the results of your polls")}
      </button>
    </div>
  </div>`;
}

function steps(desk) {
  const first = desk.devices.state === Device.PRIME || desk.devices.state === Device.ASKING;
  if (!first) return without(desk);
  const list = [
    [t("Turn on camera and microphone"), t("Only you see the picture.")],
    [t("Check picture, sound and light"), t("Put the light in front of you, not behind you.")],
    [t("Press “Go live” twice"), t("Viewers see you about a second later.")],
  ];
  return html`<div class="card">
    <h2>${t("Live in three steps")}</h2>
    <ol class="steps" role="list">
      ${list.map(
        ([title, text], place) =>
          html`<li aria-current=${place === 0 ? "step" : nothing}>
            <span class="ordinal number" aria-hidden="true">${digits(place + 1)}</span>
            <span><b>${title}</b><span class="muted small">${text}</span></span>
          </li>`,
      )}
    </ol>
  </div>`;
}
