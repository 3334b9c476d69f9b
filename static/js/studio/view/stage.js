/** The picture, and what stands in its place when there is none. */

import { duration, number, t, tn } from "../../page.js";
import { classMap, html, nothing } from "../../../vendor/lit.js";
import { Device } from "../devices.js";
import { icons } from "../icons.js";
import { Phase } from "../lifecycle.js";
import { refusal } from "./refusal.js";

/** @returns {{icon: unknown, title: string, text?: string, steps?: string[]}} */
function absent(desk) {
  if (desk.elsewhere) {
    return {
      icon: icons.viewers,
      title: t("You are live from another device"),
      text: t("OBS or another phone is broadcasting. Polls and numbers are here all the same. To go live from this page, stop it there first or take over."),
    };
  }
  switch (desk.devices.state) {
    case Device.ASKING:
      return {
        icon: icons.camera,
        title: t("Your browser is asking you"),
        text: t("Choose “Allow” in the message at the top of the screen."),
      };
    case Device.INSECURE:
      return {
        icon: icons.lock,
        title: t("This page cannot use your camera"),
        text: t("It was opened over plain http. Browsers give a camera only to pages on https."),
        steps: [
          t("Open the same link with https:// at its beginning."),
          t("If that fails, ask your team: the server needs a certificate. A trial on the local network gets one with “streamd demo --lan”."),
          t("Or broadcast with OBS: it needs no camera in the browser."),
        ],
      };
    case Device.UNSUPPORTED:
      return {
        icon: icons.cameraOff,
        title: t("This browser has no camera access"),
        text: t("Links opened inside a messenger often lack it. Open this page in Chrome, Safari or Firefox."),
      };
    case Device.DENIED:
      return {
        icon: icons.cameraOff,
        title: t("Camera and microphone are blocked"),
        text: t("Your browser was told not to give them to this page."),
        steps: [
          t("Press the icon at the beginning of the address bar."),
          t("Allow camera and microphone for this site."),
          t("Come back here and press “Try again”."),
        ],
      };
    case Device.MISSING:
      return {
        icon: icons.cameraOff,
        title: t("No camera was found"),
        text: t("Plug one in or switch it on, then press “Try again”. Without one you can broadcast with OBS."),
      };
    case Device.BUSY:
      return {
        icon: icons.cameraOff,
        title: t("Another app is using the camera"),
        text: t("Close other apps or tabs with a video call, then press “Try again”."),
      };
    case Device.FAILED:
      return {
        icon: icons.cameraOff,
        title: t("The camera did not start"),
        text: t("Unplug it and plug it in again, or restart the phone, then press “Try again”."),
      };
    default:
      return {
        icon: icons.camera,
        title: t("First, your camera and microphone"),
        text: t("Your browser will ask whether this page may use them. Nobody sees anything before you go live."),
      };
  }
}

function placard({ icon, title, text, steps }) {
  return html`<div class="placard">
    <span class="emblem">${icon}</span>
    <h2>${title}</h2>
    ${text ? html`<p>${text}</p>` : nothing}
    ${steps
      ? html`<ol>
          ${steps.map((step) => html`<li>${step}</li>`)}
        </ol>`
      : nothing}
  </div>`;
}

function endedBecause(error) {
  if (!error) return t("Your broadcast has ended");
  return error.slug === "taken_over"
    ? t("Another device has taken over")
    : t("The connection was lost");
}

function ended(desk) {
  const { error } = desk.broadcast;
  const polls = (desk.polls.list ?? []).filter((poll) => {
    const opened = (poll.opened_at ?? 0) * 1000;
    return opened >= (desk.broadcast.startedAt ?? Infinity) - 1000;
  });
  const answers = polls.reduce((sum, poll) => sum + (poll.tally?.total ?? 0), 0);
  return html`<div class="placard">
    <span class="emblem">${error ? icons.warn : icons.check}</span>
    <h2>${endedBecause(error)}</h2>
    ${error ? html`<p>${refusal(error, true)}</p>` : nothing}
    ${desk.broadcast.untold
      ? html`<p>${t("The server does not answer, so your viewers still wait. Keep this page open: they are told as soon as it does, and after half a minute in any case.")}</p>`
      : nothing}
    <dl class="summary">
      <div class="figure"><dt>${t("On air")}</dt><dd class="number">${duration(desk.elapsed ?? 0)}</dd></div>
      <div class="figure"><dt>${t("Most viewers")}</dt><dd class="number">${number(desk.server.peak)}</dd></div>
      <div class="figure"><dt>${t("Poll answers")}</dt><dd class="number">${number(answers)}</dd></div>
    </dl>
  </div>`;
}

function over(desk) {
  const { phase, devices, broadcast } = desk;
  if (phase === Phase.CONNECTING) {
    return html`<div class="veil">
      <span class="spinner"></span>
      <p>
        ${broadcast.fellBack
          ? t("UDP is blocked here: going live over the web connection instead.")
          : t("Connecting…")}
      </p>
    </div>`;
  }
  if (phase === Phase.RECONNECTING) {
    const left = Math.max(0, Math.ceil((broadcast.deadline - Date.now()) / 1000));
    return html`<div class="veil">
      <span class="spinner"></span>
      <p><b>${t("Connection lost. Reconnecting…")}</b></p>
      <p>${tn("Still trying for %(count)s second. Stay on this page.", "Still trying for %(count)s seconds. Stay on this page.", left)}</p>
    </div>`;
  }
  if (phase === Phase.PAUSED || (phase === Phase.CHECK && devices.interruption)) {
    return html`<div class="veil">
      <span class="emblem">${icons.pause}</span>
      <p><b>${t("Paused")}</b></p>
      <p>
        ${devices.interruption === "audio"
          ? t("The microphone is in use by something else, perhaps a call. Your broadcast resumes by itself.")
          : t("The camera is in use by something else, perhaps a call. Your broadcast resumes by itself.")}
      </p>
    </div>`;
  }
  return nothing;
}

export function stage(desk) {
  const { devices, phase } = desk;
  const picture = devices.media && phase !== Phase.ENDED;
  const classes = { stage: true, upright: picture && devices.upright, empty: !picture };
  return html`<section class=${classMap(classes)} aria-label=${t("Your picture")}>
    <video
      class=${classMap({ mirrored: devices.selfie })}
      .srcObject=${devices.media}
      ?hidden=${!picture}
      autoplay
      playsinline
      .muted=${true}
      aria-label=${t("What your camera sees")}
    ></video>
    ${picture ? nothing : phase === Phase.ENDED ? ended(desk) : placard(absent(desk))}
    ${picture && phase === Phase.CHECK
      ? html`<p class="chip">${icons.lock}${t("Only you see this")}</p>`
      : nothing}
    ${picture && devices.muted
      ? html`<p class="chip muted-chip">${icons.microphoneOff}${t("You are muted")}</p>`
      : nothing}
    ${picture ? over(desk) : nothing}
  </section>`;
}
