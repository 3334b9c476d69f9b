// What the player draws over the picture. Each function takes the player element and returns a template.

import { html, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { decimal, number, t } from "../page.js";

const PATH_NAMES = { ws: "WebSocket", hls: "HLS" };

/** "LIVE", and how far behind by which path; the second opens the choice of paths. */
export function top(player) {
  const isLive = ["playing", "paused", "buffering", "stalled"].includes(player.phase);
  return html`<div class="top">
    ${isLive ? html`<span class="chip live">${t("Live")}</span>` : nothing}
    ${player.path
      ? html`<button
          class="chip"
          part="latency"
          type="button"
          aria-expanded=${String(player.choosing)}
          aria-controls="paths"
          @click=${() => player.choose(!player.choosing)}
        >
          ${icons.signal}<span>${behind(player)}</span>
        </button>`
      : nothing}
  </div>
  ${player.choosing ? paths(player) : nothing}`;
}

function behind(player) {
  const name = PATH_NAMES[player.path];
  const { shownLatency } = player;
  if (shownLatency === null || player.phase === "loading") return name;
  const seconds = shownLatency / 1000;
  const text = seconds < 10 ? decimal(seconds, 1) : number(Math.round(seconds));
  return html`${t("%(seconds)s s", { seconds: text })}<span class="far"> ${t("behind live")}</span> · ${name}`;
}

function paths(player) {
  const row = (name, title, about) => html`<label>
    <input
      type="radio"
      name="path"
      .checked=${player.path === name}
      @change=${() => player.take(name)}
    />
    <b>${title}</b><small>${about}</small>
  </label>`;
  return html`<fieldset id="paths" class="paths" @keydown=${(event) => closeOnEscape(event, player)}>
    <legend class="visually-hidden">${t("How the broadcast reaches you")}</legend>
    ${row("ws", "WebSocket", t("Closest to live: a fraction of a second behind."))}
    ${row("hls", "HLS", t("Several seconds behind, steadier on a weak network."))}
  </fieldset>`;
}

function closeOnEscape(event, player) {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  player.choose(false);
  player.renderRoot.querySelector("[part=latency]").focus();
}

/** Play, sound and full screen. */
export function controls(player) {
  const { video } = player;
  const isMuted = video.muted || video.volume === 0;
  return html`<div class="controls" part="controls">
    ${button(player.wantsPlay ? icons.pause : icons.play, player.wantsPlay ? t("Pause") : t("Play"), () => player.toggle())}
    ${player.hasAudio
      ? html`${button(isMuted ? icons.muted : icons.sound, isMuted ? t("Turn the sound on") : t("Mute"), () => player.toggleSound())}
          <input
            class="volume"
            type="range"
            min="0"
            max="1"
            step="0.05"
            aria-label=${t("Volume")}
            .value=${String(isMuted ? 0 : video.volume)}
            @input=${(event) => player.setVolume(Number(event.target.value))}
          />`
      : nothing}
    <span class="spacer"></span>
    ${button(player.isFull ? icons.shrink : icons.expand, player.isFull ? t("Leave full screen") : t("Full screen"), () => player.toggleFull())}
  </div>`;
}

function button(icon, label, act) {
  return html`<button class="control" type="button" aria-label=${label} title=${label} @click=${act}>${icon}</button>`;
}

/** The broadcast is muted because browsers demand it: one clear tap for sound. */
export function soundPrompt(player) {
  if (!player.hasAudio || !player.video.muted || player.soundSettled) return nothing;
  if (player.phase !== "playing" && player.phase !== "buffering") return nothing;
  return html`<button class="unmute" type="button" @click=${() => player.toggleSound()}>
    ${icons.muted}${t("Tap for sound")}
  </button>`;
}

/** Every state that is not simply the picture. */
export function state(player) {
  switch (player.phase) {
    case "idle":
      return panel(player, t("The broadcast has not started yet"), t("This page starts by itself when it does."));
    case "ended":
      return panel(player, t("The broadcast has ended"), t("Thank you for watching. Results stay on this page."));
    case "failed":
      return panel(
        player,
        t("The broadcast cannot be played here"),
        t("This browser could not play it by either path. Try again, or open this page in a current Chrome, Edge, Firefox or Safari."),
        () => player.retry(),
      );
    case "loading":
      return html`<div class="loading" role="status"><span class="visually-hidden">${t("Joining the broadcast")}</span></div>`;
    case "offline":
      return html`${player.hasPicture ? nothing : html`<div class="loading"></div>`}${toast(t("Reconnecting, you have missed nothing"))}`;
    case "stalled":
      return toast(t("The picture has paused at its source. It resumes by itself."));
    case "buffering":
      return html`<div class="spinner" role="status"><span class="visually-hidden">${t("Waiting for the picture")}</span></div>`;
    case "blocked":
      return html`<button class="bigplay" type="button" aria-label=${t("Play")} @click=${() => player.toggle()}>${icons.play}</button>`;
    default:
      return nothing;
  }
}

const toast = (text) => html`<div class="toast" role="status"><span>${text}</span></div>`;

function panel(player, title, text, again) {
  const { candidate } = player.stream || {};
  return html`<div class="panel" role="status">
    ${candidate && !again
      ? html`<span class="initials" aria-hidden="true"
          >${candidate.portrait ? html`<img src=${candidate.portrait} alt="" />` : initials(candidate.name)}</span
        >`
      : nothing}
    <strong>${title}</strong>
    <p>${text}</p>
    ${again ? html`<button class="again" type="button" @click=${again}>${icons.reload}${t("Try again")}</button>` : nothing}
  </div>`;
}

/** The first letters of a name's first and last word; a narrow space keeps Persian letters apart. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter((word) => /^\p{L}/u.test(word));
  const picked = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return picked.map((word) => [...word][0]).join("\u202f");
}
