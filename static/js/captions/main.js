// The captioner's page: the broadcast on one side, a line to type on the other.

import { html, nothing, render } from "../../vendor/lit.js";
import { Feed } from "../feed.js";
import { number, page, t, timeOfDay } from "../page.js";
import { ApiError, call } from "../studio/api.js";
import { dropKey, keepKey, keyIn, takeKey } from "../studio/key.js";
import "../player/player.js";

const LONGEST = 240;
const SHOWN = 50;
const FEW_LEFT = 60;
const LANGUAGES = [
  ["fa", "فارسی"],
  ["en", "English"],
  ["ar", "العربية"],
  ["az", "Azərbaycanca"],
  ["ckb", "کوردی"],
  ["tr", "Türkçe"],
];
const RIGHT_TO_LEFT = new Set(["fa", "ar", "ckb"]);

const root = document.getElementById("captions");
const player = document.querySelector("streamd-player");

let stream = page.stream;
let key = takeKey(stream.id);
let language = page.lang;
let text = "";
let begunAt = 0;
let sending = 0;
let trouble = "";
const lines = [];

player.stream = stream;
const feed = new Feed(page.feed_url);
feed.subscribe(`stream:${stream.id}`, (row) => {
  stream = { ...stream, ...row };
  player.stream = stream;
  draw();
});
feed.subscribe(`captions:${stream.id}`, ({ captions }) => {
  for (const caption of captions) {
    if (!lines.some((line) => line.id === caption.id)) lines.push(caption);
  }
  lines.sort((a, b) => a.id - b.id);
  lines.splice(0, Math.max(0, lines.length - SHOWN));
  draw();
});

const direction = () => (RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr");
const isLive = () => stream.state === "live" || stream.state === "stalled";

function typed(event) {
  const before = text;
  text = event.target.value;
  if (!before.trim() && text.trim()) begunAt = performance.now();
  trouble = "";
  draw();
}

function pressed(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
}

// Players of other makers list captions only when they knew of them as they joined.
async function announce() {
  if (!key) return;
  const path = `/streams/${encodeURIComponent(stream.id)}/captions`;
  await call("PUT", path, { key, body: { language } }).catch((error) => refused(error, ""));
  draw();
}

async function send() {
  const said = text.trim();
  if (!said || said.length > LONGEST || !isLive()) return;
  // It begins with the picture that was shown at the first keystroke.
  const at = player.clock === null ? null : player.clock - (performance.now() - begunAt) / 1000;
  text = "";
  trouble = "";
  sending += 1;
  draw();
  document.getElementById("line")?.focus();
  try {
    const body = { text: said, language, ...(at === null ? {} : { at }) };
    await call("POST", `/streams/${encodeURIComponent(stream.id)}/captions`, { key, body });
  } catch (error) {
    refused(error, said);
  }
  sending -= 1;
  draw();
}

function refused(error, said) {
  // What was typed comes back, unless the next line is being typed already.
  if (!text) text = said;
  const status = error instanceof ApiError ? error.status : 0;
  if (status === 401 || status === 403) {
    dropKey(stream.id);
    key = "";
    trouble = t("This link's key is not valid");
  } else {
    trouble = t("The caption was not sent. Press Enter to try again.");
  }
}

function enter(event) {
  event.preventDefault();
  key = keyIn(event.target.elements.link.value);
  if (key) keepKey(stream.id, key);
  trouble = "";
  announce();
  draw();
}

function gate() {
  return html`<form class="card stack" @submit=${enter}>
    <h2>${trouble || t("Open this page with the captioner's link")}</h2>
    <p class="muted">${t("It ends in a key. Open that link, or paste it here.")}</p>
    <div class="field">
      <label for="link">${t("Invitation link or key")}</label>
      <input class="input" id="link" name="link" type="password" required autocomplete="off" spellcheck="false" dir="ltr" />
      <p class="hint">${t("It is hidden as you paste it, and stays in this tab.")}</p>
    </div>
    <button class="button primary wide">${t("Continue")}</button>
  </form>`;
}

function log() {
  if (!lines.length) return html`<p class="muted small empty">${t("Nothing has been captioned yet.")}</p>`;
  return html`<ol class="caption-log" role="log" aria-label=${t("Sent captions")} tabindex="0">
    ${lines.map(
      (line) => html`<li>
        <time class="number muted tiny">${timeOfDay(line.start)}</time><span dir="auto">${line.text}</span>
      </li>`,
    )}
  </ol>`;
}

function desk() {
  const left = LONGEST - text.trim().length;
  return html`${log()}
    <form class="caption-line" @submit=${(event) => (event.preventDefault(), send())}>
      <div class="row between">
        <label for="line"><b>${t("Next caption")}</b></label>
        <label class="row small">
          <span class="muted">${t("Language")}</span>
          <select class="input small" @change=${(event) => ((language = event.target.value), announce(), draw())}>
            ${LANGUAGES.map(([tag, name]) => html`<option value=${tag} ?selected=${tag === language}>${name}</option>`)}
          </select>
        </label>
      </div>
      <textarea
        class="input"
        id="line"
        rows="3"
        dir=${direction()}
        lang=${language}
        autocomplete="off"
        aria-describedby="line-hint"
        .value=${text}
        @input=${typed}
        @keydown=${pressed}
      ></textarea>
      <div class="row between">
        <p class="hint" id="line-hint">
          ${isLive()
            ? t("Enter sends. It appears with the picture you saw when you began to type.")
            : t("Captions can be sent while the broadcast is live.")}
        </p>
        ${left < FEW_LEFT
          ? html`<span class=${left < 0 ? "number small over" : "number small muted"} dir="ltr">${number(left)}</span>`
          : nothing}
      </div>
      ${trouble ? html`<p class="notice warn" role="alert">${trouble}</p>` : nothing}
      <button class="button primary wide" ?disabled=${!text.trim() || left < 0 || !isLive()}>
        ${t("Send caption")}
      </button>
    </form>`;
}

function draw() {
  render(key ? desk() : gate(), root);
  const list = root.querySelector(".caption-log");
  if (list && sending === 0) list.scrollTop = list.scrollHeight;
}

addEventListener("hashchange", () => {
  const given = takeKey(stream.id);
  if (given) key = given;
  announce();
  draw();
});
draw();
announce();
document.getElementById("line")?.focus();
