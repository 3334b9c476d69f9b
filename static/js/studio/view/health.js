/** How the broadcast is doing: a word, what to do about it, and the numbers behind it. */

import { decimal, digits, number, t } from "../../page.js";
import { html, nothing, svg } from "../../../vendor/lit.js";
import { forThisPage, worst } from "../advice.js";
import { Word } from "../health.js";
import { icons } from "../icons.js";
import { Phase } from "../lifecycle.js";
import { qualityBelow } from "../quality.js";
import { adviceList, later, soundLevel } from "./advice.js";
import { pickers } from "./check.js";

function judged(desk) {
  const lower = qualityBelow(desk.broadcast.quality.name);
  const nearer = t("Move closer to the Wi-Fi, or change to another network.");
  if (desk.phase === Phase.PAUSED)
    return { tone: "warn", word: t("Paused"), text: t("It resumes by itself when the call is over.") };
  if (desk.phase === Phase.RECONNECTING)
    return { tone: "warn", word: t("Reconnecting"), text: t("Viewers wait with you. Stay on this page.") };
  switch (desk.gauge.word) {
    case Word.GOOD:
      return { tone: "good", word: t("Good"), text: t("Viewers see a steady picture.") };
    case Word.UPLOAD:
      return lower
        ? { tone: "warn", word: t("Your upload is unsteady: lower the quality"), text: nearer, lower }
        : { tone: "warn", word: t("Your upload is unsteady"), text: nearer };
    case Word.DEVICE:
      return lower
        ? {
            tone: "warn",
            word: t("Your device is too busy: lower the quality"),
            text: t("Closing other apps helps too."),
            lower,
          }
        : { tone: "warn", word: t("Your device is too busy"), text: t("Close other apps.") };
    case Word.SLOW:
      return {
        tone: "warn",
        word: t("The line is slow to answer"),
        text: t("The picture is fine, but viewers see you later. Another network may be quicker."),
      };
    case Word.STUCK:
      return {
        tone: "warn",
        word: t("No picture is arriving"),
        text: t("If this stays for ten seconds, end the broadcast and go live again."),
      };
    default:
      return { tone: "", word: t("Measuring…"), text: t("You are live. The first numbers come in a few seconds.") };
  }
}

/** The upload of the last minute as a line, the wished-for rate as a dashed one. */
function curve(desk) {
  const width = 300;
  const height = 48;
  const target = desk.broadcast.quality.bitrate / 1000;
  const rates = desk.gauge.samples.slice(1).map((one) => one.kbps);
  if (rates.length < 3) return html`<div class="curve skeleton" aria-hidden="true"></div>`;
  const top = Math.max(target * 1.15, ...rates);
  const x = (place) => width - (rates.length - 1 - place) * (width / 58);
  const y = (rate) => height - 2 - (rate / top) * (height - 4);
  const line = rates.map((rate, i) => `${x(i).toFixed(1)} ${y(rate).toFixed(1)}`).join(" L");
  return html`<svg
    class="curve"
    viewBox="0 0 ${width} ${height}"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    ${svg`<path class="area" d="M${x(0).toFixed(1)} ${height} L${line} L${width} ${height} Z"/>
      <path class="goal" d="M0 ${y(target).toFixed(1)} H${width}"/>
      <path class="line" d="M${line}"/>`}
  </svg>`;
}

function figure(label, value, unit) {
  return html`<div class="figure">
    <dt>${label}</dt>
    <dd><b class="number">${value}</b>${unit ? html` <small>${unit}</small>` : nothing}</dd>
  </div>`;
}

const mbit = (kbps) => decimal(kbps / 1000, 1);
const size = (width, height) =>
  width ? html`<bdi dir="ltr">${digits(width)}×${digits(height)}</bdi>` : "–";

function ours(desk) {
  const last = desk.gauge.samples.at(-1);
  const measured = desk.gauge.samples.length > 1;
  return html`<dl class="figures">
    ${figure(t("Upload"), measured ? mbit(last.kbps) : "–", t("Mbit/s"))}
    ${figure(t("Frames"), measured ? number(last.fps) : "–", t("a second"))}
    ${figure(t("Picture"), size(last?.width, last?.height))}
    ${figure(
      t("Round trip"),
      last && last.roundTripMs !== null && last.roundTripMs !== undefined ? number(last.roundTripMs) : "–",
      t("ms"),
    )}
  </dl>`;
}

function theirs(health) {
  return html`<dl class="figures">
    ${figure(t("Received"), health.bitrate_kbps ? mbit(health.bitrate_kbps) : "–", t("Mbit/s"))}
    ${figure(t("Frames"), health.fps ? number(health.fps) : "–", t("a second"))}
    ${figure(t("Picture"), size(health.width, health.height))}
    ${figure(
      t("Keyframe every"),
      health.keyframe_seconds ? decimal(health.keyframe_seconds, 1) : "–",
      t("s"),
    )}
  </dl>`;
}

/** Codec strings of RFC 6381, as people call them. */
function codec(name) {
  if (/^avc/.test(name ?? "")) return "H.264";
  if (/^mp4a/.test(name ?? "")) return "AAC";
  if (/^opus/i.test(name ?? "")) return "Opus";
  return name ?? "";
}

function arriving(health) {
  if (!health?.video_codec) return nothing;
  const sound = health.audio_codec ? codec(health.audio_codec) : t("no sound");
  return html`<p class="muted tiny arriving">
    ${t("The server receives %(rate)s Mbit/s: %(video)s, %(audio)s.", {
      rate: mbit(health.bitrate_kbps ?? 0),
      video: codec(health.video_codec),
      audio: sound,
    })}
  </p>`;
}

/** Whether the page itself hears that the microphone has been silent for long. */
function unheard(desk) {
  if (!desk.devices.soundless && desk.heard !== "quiet") return false;
  return !desk.devices.muted && desk.quietLong;
}

function silence(desk) {
  if (!unheard(desk)) return nothing;
  return html`<p class="notice warn">
    ${icons.warn}<span>${t("We have heard nothing for a while. Check your microphone.")}</span>
  </p>`;
}

function asleep(desk) {
  if (desk.wake.state !== "refused") return nothing;
  return html`<p class="notice">
    ${icons.lock}<span
      >${t("This browser may switch the screen off. Touch it now and then, or turn off screen lock.")}</span
    >
  </p>`;
}

function head({ tone, word, text }, action = nothing) {
  const emblem = tone === "warn" ? icons.warn : tone ? icons.check : html`<span class="spinner"></span>`;
  return html`<div class="verdict ${tone}">
    <span class="emblem">${emblem}</span>
    <div>
      <h2 aria-live="polite">${word}</h2>
      <p class="muted small">${text}</p>
    </div>
    ${action}
  </div>`;
}

/** What the server advises whoever broadcasts from this page. */
function advised(desk) {
  if (desk.phase !== Phase.LIVE) return [];
  return forThisPage(desk.health?.advice, {
    word: desk.gauge.word,
    muted: desk.devices.muted,
    soundless: desk.devices.soundless || unheard(desk),
  });
}

export function onAirHealth(desk) {
  const own = judged(desk);
  const items = advised(desk);
  // The page's own word knows the line and the device best; where it is content, the server speaks.
  const told = own.tone === "warn" ? null : worst(items);
  const shown = told ? { tone: "warn", word: told.title, text: told.advice } : own;
  const { lower } = own;
  const action = lower
    ? html`<button type="button" class="button primary small" @click=${() => desk.lowerQuality()}>
        ${t("Lower to %(quality)s", { quality: digits(lower.name) })}
      </button>`
    : nothing;
  return html`<div class="card health">
      ${head(shown, action)} ${silence(desk)} ${later(desk.health)} ${curve(desk)} ${ours(desk)}
      ${arriving(desk.health)} ${adviceList(items.filter((one) => one !== told))}
    </div>
    ${asleep(desk)}
    <details class="card fold">
      <summary>${t("Camera, microphone and quality")}${icons.down}</summary>
      <div class="stack">${pickers(desk)}</div>
    </details>`;
}

/** The stream is live from OBS or another device: the server's numbers are all there is. */
export function elsewhereHealth(desk) {
  const { health } = desk;
  const told = worst(health.advice);
  const well = {
    tone: "good",
    word: t("All is well"),
    text: desk.devices.media
      ? t("You are live from another device.")
      : t("The server receives your broadcast."),
  };
  const shown = told ? { tone: "warn", word: told.title, text: told.advice } : well;
  const others = (health.advice ?? []).filter((one) => one !== told);
  return html`<div class="card health">
    ${head(shown)} ${later(health)} ${theirs(health)} ${soundLevel(health.level)}
    ${arriving(health)} ${adviceList(others)}
  </div>`;
}
