// What the player draws over the picture. Each function takes the player element and returns a template.

import { html, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { decimal, duration, number, t } from "../page.js";
import { open } from "./controls.js";

const PATH_NAMES = { ws: "WebSocket", hls: "HLS", whep: "WebRTC" };

/** "LIVE", and how far behind by which path; the second opens the choice of paths. */
export function top(player) {
  const isLive = ["playing", "paused", "buffering", "stalled"].includes(player.phase);
  if (player.path === "dvr") return html`<div class="top"><span class="chip">${past(player)}</span></div>`;
  return html`<div class="top">
    ${isLive ? html`<span class="chip live">${t("Live")}</span>` : nothing}
    ${player.path
      ? html`<button
          class="chip"
          part="latency"
          type="button"
          aria-expanded=${String(player.choosing)}
          aria-controls="choices"
          @click=${() => open(player)}
        >
          ${icons.signal}<span>${player.mode === "audio" ? saving(player) : behind(player)}</span>
        </button>`
      : nothing}
  </div>`;
}

function past(player) {
  const { latencyMs } = player.stats;
  return latencyMs === null ? t("Watching the past") : t("%(time)s behind live", { time: duration(latencyMs / 1000) });
}

function saving(player) {
  const size = player.pulse.meter.megabytesPerHour;
  if (size === null) return t("Data saver");
  const text = t("%(size)s MB an hour", { size: number(Math.max(1, Math.round(size))) });
  return html`${t("Data saver")} · ${text}`;
}

function behind(player) {
  const name = PATH_NAMES[player.path];
  const { latency } = player.pulse;
  if (latency === null || player.phase === "loading") return name;
  const seconds = latency / 1000;
  const text = seconds < 10 ? decimal(seconds, 1) : number(Math.round(seconds));
  return html`${t("%(seconds)s s", { seconds: text })}<span class="far"> ${t("behind live")}</span> · ${name}`;
}

/** Every state that is not simply the picture. */
export function state(player) {
  switch (player.phase) {
    case "idle":
      return panel(player, t("The broadcast has not started yet"), t("This page starts by itself when it does."));
    case "ended":
      return panel(player, t("The broadcast has ended"), t("Thank you for watching. Results stay on this page."), null, recordings(player));
    case "failed":
      return panel(
        player,
        t("The broadcast cannot be played here"),
        t("This browser could not play it by any path. Try again, or open this page in a current Chrome, Edge, Firefox or Safari."),
        () => player.retry(),
      );
    case "loading":
      return html`<div class="loading" role="status"><span class="visually-hidden">${t("Joining the broadcast")}</span></div>`;
    case "offline":
      return html`${player.hasPicture || !player.still.canvas.hidden ? nothing : html`<div class="loading"></div>`}${toast(t("Reconnecting, you have missed nothing"))}`;
    case "stalled":
      return toast(t("The picture has paused at its source. It resumes by itself."));
    case "playing":
    case "paused":
      return player.isBlind ? soundOnly(player) : nothing;
    case "buffering":
      return html`${player.isBlind ? soundOnly(player) : nothing}<div class="spinner" role="status"><span class="visually-hidden">${t("Waiting for the picture")}</span></div>`;
    case "blocked":
      return html`<button class="bigplay" type="button" aria-label=${t("Play")} @click=${() => player.toggle()}>${icons.play}</button>`;
    default:
      return nothing;
  }
}

function soundOnly(player) {
  const text = player.mode === "audio" ? t("Sound now, a still picture in a moment") : t("This broadcast is sound only");
  return html`<div class="panel sound">${portrait(player)}<strong>${text}</strong></div>`;
}

const toast = (text) => html`<div class="toast" role="status"><span>${text}</span></div>`;

function panel(player, title, text, again, link = nothing) {
  return html`<div class="panel" role="status">
    ${again ? nothing : portrait(player)}
    <strong>${title}</strong>
    <p>${text}</p>
    ${again ? html`<button class="again" type="button" @click=${again}>${icons.reload}${t("Try again")}</button>` : nothing}
    ${link}
  </div>`;
}

function recordings(player) {
  const { stream } = player;
  return stream ? html`<a class="again" href=${`/vod?stream=${encodeURIComponent(stream.id)}`}>${t("Watch the recording")}</a>` : nothing;
}

function portrait(player) {
  const { candidate } = player.stream || {};
  if (!candidate) return nothing;
  return html`<span class="initials" aria-hidden="true"
    >${candidate.portrait ? html`<img src=${candidate.portrait} alt="" />` : initials(candidate.name)}</span
  >`;
}

/** The first letters of a name's first and last word; a narrow space keeps Persian letters apart. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter((word) => /^\p{L}/u.test(word));
  const picked = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return picked.map((word) => [...word][0]).join("\u202f");
}
