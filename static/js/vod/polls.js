// What was asked in a recording: each question beside its own picture, and a list of them to go to.

import { html, render, repeat } from "../../vendor/lit.js";
import { Feed } from "../feed.js";
import { duration, page, t } from "../page.js";
import { questionsOf } from "../poll/questions.js";
import "../poll/poll.js";
import "../poll/replay/card.js";
import { chosen, inOrder } from "../poll/replay/replay.js";

/** While the broadcast goes on, more may be asked. */
const AGAIN_MS = 5000;
const MOST_TRIES = 5;
/** After a picture the player's position is left alone for so long: it runs ahead of the picture. */
const PICTURES_MS = 1000;
/** Somewhat into the question: the picture at a moment is the one that began before it. */
const INTO_SECONDS = 0.1;

const player = document.querySelector("streamd-vod");
const dock = document.querySelector(".vod-poll");
const card = dock.querySelector("streamd-replay");
const list = document.querySelector(".vod-asked");
const isGrowing = page.recording.state === "recording";

let entries = [];
let shown = null;
let tries = 0;
let feed = null;
let paintedAt = -Infinity;

// Whoever only watches needs no line to the polls.
card.feed = () => (feed ??= new Feed(page.feed_url));

read();

async function read() {
  let again = isGrowing;
  try {
    const answer = await fetch(`${page.recording.page}/polls.json`);
    if (!answer.ok) throw new Error(String(answer.status));
    take((await answer.json()).polls);
    tries = 0;
  } catch {
    tries += 1;
    again = tries < MOST_TRIES;
  }
  if (again) setTimeout(read, AGAIN_MS * Math.max(1, tries));
}

function take(polls) {
  if (!entries.length && polls.length) follow();
  entries = inOrder(polls);
  player.marks = entries.filter(({ cue }) => cue.open !== null).map(({ cue }) => ({ from: cue.open, to: cue.close }));
  showPosition();
  draw();
}

// By each picture as it comes on screen; by the player's position where there is none.
function follow() {
  const { video } = player;
  for (const name of ["timeupdate", "seeking", "seeked", "loadedmetadata", "durationchange"]) {
    video.addEventListener(name, showPosition);
  }
  for (const name of ["loadedmetadata", "durationchange"]) video.addEventListener(name, draw);
  if (!video.requestVideoFrameCallback) return;
  const next = () =>
    video.requestVideoFrameCallback((_now, { mediaTime }) => {
      paintedAt = performance.now();
      if (!video.seeking) show(player.timeAt(mediaTime));
      next();
    });
  next();
}

function showPosition() {
  if (player.video.paused || performance.now() - paintedAt > PICTURES_MS) show(player.at);
}

function show(time) {
  if (time === null) return;
  const found = chosen(entries, time, card.held);
  card.show(found, time);
  const isOther = found?.poll.id !== shown?.poll.id;
  shown = found;
  if (!isOther) return;
  dock.hidden = !found;
  draw();
}

// -- the list

function draw() {
  list.hidden = !entries.length;
  render(html`<h2 id="asked">${t("Questions in this broadcast")}</h2>
    <ol role="list">${repeat(entries, ({ poll }) => poll.id, row)}</ol>`, list);
}

function row({ poll, cue }) {
  const position = cue.open === null ? 0 : player.positionOf(cue.open);
  const several = questionsOf(poll).length > 1;
  const isNow = poll.id === shown?.poll.id;
  return html`<li>
    <button type="button" aria-current=${isNow ? "true" : "false"} @click=${() => go(cue)}>
      <span class="number">${position === null ? "" : duration(position)}</span>
      <span><bdi>${several ? t("Survey: %(question)s", { question: questionsOf(poll)[0].text }) : poll.question}</bdi></span>
    </button>
  </li>`;
}

function go({ open }) {
  if (card.isAnswering) card.leave();
  player.seekTo((open ?? page.recording.started_at) + INTO_SECONDS);
  player.scrollIntoView({ block: "nearest" });
}
