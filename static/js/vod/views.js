// What <streamd-vod> draws over the picture. Each function takes the player and returns a template.

import { html, nothing, svg } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { decimal, duration, t, timeOfDay } from "../page.js";

const STEP_SECONDS = 5;
const SKIP_SECONDS = 10;
const RATES = [0.75, 1, 1.25, 1.5, 2];

const icon = (body) => html`<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${body}</svg>`;
const ten = svg`<path d="M9.400 11.200 10.600 10.400v5.200M13.200 12.100v1.800a1.300 1.700 0 0 0 2.600 0v-1.800a1.300 1.700 0 0 0-2.600 0z" stroke-width="1.400"/>`;
const back = icon(svg`<path d="M4.500 4.500V9H9"/><path d="M5 9a8 8 0 1 1-.900 4.500"/>${ten}`);
const forward = icon(svg`<path d="M19.500 4.500V9H15"/><path d="M19 9a8 8 0 1 0 .900 4.500"/>${ten}`);

/** Everything that is not simply the picture. */
export function state(player) {
  switch (player.phase) {
    case "failed":
      return html`<div class="panel" role="status">
        <strong>${t("The recording cannot be played here")}</strong>
        <p>${t("The connection may be down, or this browser cannot play it. Try again, or download the file.")}</p>
        <button class="again" type="button" @click=${() => player.retry()}>${icons.reload}${t("Try again")}</button>
      </div>`;
    case "loading":
      return player.poster
        ? nothing
        : html`<div class="loading" role="status"><span class="visually-hidden">${t("Loading the recording")}</span></div>`;
    case "ready":
      return html`<button class="bigplay" type="button" aria-label=${t("Play")} @click=${() => player.toggle()}>${icons.play}</button>`;
    case "ended":
      return html`<button class="bigplay" type="button" aria-label=${t("Play again")} @click=${() => player.toggle()}>${icons.reload}</button>`;
    default:
      return player.isWaiting
        ? html`<div class="spinner" role="status"><span class="visually-hidden">${t("Waiting for the picture")}</span></div>`
        : nothing;
  }
}

/** What is said, above the controls while they are there. */
export function captions(player) {
  const { cues } = player;
  return cues.length ? html`<div class="captions">${cues.map((text) => html`<p dir="auto">${text}</p>`)}</div>` : nothing;
}

/** The time slider, and the buttons below it. Time runs from left to right in every language. */
export function controls(player) {
  const { video } = player;
  const isPlaying = !video.paused && !video.ended;
  return html`<div class="controls" part="controls" dir="ltr">
    ${timeline(player)}
    <div class="buttons">
      ${button(isPlaying ? icons.pause : icons.play, isPlaying ? t("Pause") : t("Play"), () => player.toggle())}
      ${button(back, t("Back 10 seconds"), () => player.skip(-SKIP_SECONDS), "skip")}
      ${button(forward, t("Forward 10 seconds"), () => player.skip(SKIP_SECONDS), "skip")}
      ${sound(player)}
      <span class="clock">${clock(player)}</span>
      <span class="spacer"></span>
      ${speed(player)}
      ${player.hasCaptions
        ? html`<button class="control" type="button" aria-label=${t("Captions")} title=${t("Captions")}
            aria-pressed=${String(player.showsCaptions)} @click=${() => player.turnCaptions()}>${icons.captions}</button>`
        : nothing}
      ${button(player.isFull ? icons.shrink : icons.expand, player.isFull ? t("Leave full screen") : t("Full screen"), () => player.toggleFull())}
    </div>
  </div>`;
}

function timeline(player) {
  const { length, video } = player;
  const at = player.dragged ?? video.currentTime;
  const words = t("%(time)s of %(length)s", { time: duration(at), length: duration(length) });
  return html`<div class="timeline">
    <span class="time" aria-hidden="true">${duration(at)}</span>
    <span class="track">
      ${marks(player, length)}
      <input
        type="range"
        class="time-slider"
        min="0"
        max=${Math.max(length, 1)}
        step="any"
        aria-label=${t("Time in the recording")}
        aria-valuetext=${words}
        .value=${String(at)}
        .style=${`--done: ${length ? (100 * at) / length : 0}%`}
        @input=${(event) => drag(player, Number(event.target.value))}
        @change=${(event) => drop(player, Number(event.target.value))}
        @keydown=${(event) => step(event, player)}
      />
    </span>
    <span class="time end" aria-hidden="true">${duration(length)}</span>
  </div>`;
}

// Where a question was on screen; the page lists the same moments as buttons.
function marks(player, length) {
  if (!length) return nothing;
  const share = (time) => Math.max(0, Math.min(1, (player.positionOf(time) ?? 0) / length));
  return player.marks.map(({ from, to }) => {
    const begins = share(from);
    const lasts = to === null ? 0 : Math.max(0, share(to) - begins);
    return html`<i class="mark" aria-hidden="true" .style=${`--from: ${begins.toFixed(5)}; --lasts: ${lasts.toFixed(5)}`}></i>`;
  });
}

function drag(player, at) {
  player.dragged = at;
  player.requestUpdate();
}

function drop(player, at) {
  player.dragged = null;
  player.seek(at);
}

function step(event, player) {
  const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
  if (!way) return;
  event.preventDefault();
  event.stopPropagation();
  player.skip(way * STEP_SECONDS);
}

function sound(player) {
  const { video } = player;
  const isMuted = video.muted || video.volume === 0;
  return html`${button(isMuted ? icons.muted : icons.sound, isMuted ? t("Turn the sound on") : t("Mute"), () => player.mute())}
    <input
      class="volume"
      type="range"
      min="0"
      max="1"
      step="0.05"
      aria-label=${t("Volume")}
      .value=${String(isMuted ? 0 : video.volume)}
      @input=${(event) => player.setVolume(Number(event.target.value))}
    />`;
}

/** The time of day at which this picture was live. */
function clock(player) {
  const { at } = player;
  if (at === null || !player.hasPlayed) return nothing;
  return html`<span class="visually-hidden">${t("Live at")} </span>${timeOfDay(at)}`;
}

function speed(player) {
  return html`<select class="speed" aria-label=${t("Speed")} title=${t("Speed")} @change=${(event) => player.setRate(Number(event.target.value))}>
    ${RATES.map(
      (rate) => html`<option value=${rate} ?selected=${rate === player.video.playbackRate}>${decimal(rate, rate % 1 === 0 ? 0 : rate % 0.5 === 0 ? 1 : 2)}×</option>`,
    )}
  </select>`;
}

function button(content, label, act, kind = "") {
  return html`<button class="control ${kind}" type="button" aria-label=${label} title=${label} @click=${act}>${content}</button>`;
}
