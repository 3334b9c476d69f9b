// The watch page: one feed, one player, one poll.

import { render } from "../vendor/lit.js";
import { Feed } from "./feed.js";
import { identity } from "./identity/identity.js";
import { number, page, t, tn } from "./page.js";
import { Backoff } from "./player/backoff.js";
import { CHOICES } from "./player/choice.js";
import { onScreen, PollCues, phases } from "./player/cues.js";
import { PictureClock } from "./player/picture_clock.js";
import { toShow } from "./poll/poll.js";
import { PastPolls } from "./poll/replay/past.js";
import { folded } from "./poll/views.js";
import "./player/player.js";

const ASK_MS = 5000;
const MOST_ASK_MS = 30_000;
const REDRAW_SECONDS = 1;

const player = document.querySelector("streamd-player");
const poll = document.querySelector("streamd-poll");
const dock = document.querySelector(".dock");
const fold = dock.querySelector(".dock-fold");
const summary = fold.querySelector("[data-summary]");
const viewers = document.querySelector("[data-viewers]");

let stream = page.stream;
let rows = [];
let drawn = "";
let drawnAt = 0;
const wereShown = new Set();
const cues = new PollCues();
const picture = new PictureClock(player, () => showPolls());
const feed = new Feed(page.feed_url);
const pace = new Backoff(ASK_MS, MOST_ASK_MS);
let asking;
let past = null;
let wasBack = false;

const asked = new URLSearchParams(location.search).get("path");
if (CHOICES.includes(asked)) player.preferred = asked;
player.stream = stream;
poll.feed = feed;
showViewers();

feed.subscribe(`stream:${stream.id}`, show);
feed.subscribe(`captions:${stream.id}`, ({ captions }) => player.cue(...captions));
feed.watch(askSoon);
player.addEventListener("cues", ({ detail }) => {
  if (detail.map((cue) => cues.put(cue)).includes(true)) missing(picture.time);
});

// After the first picture, so as not to compete with it; a vote before that begins it itself.
(globalThis.requestIdleCallback ?? setTimeout)(() => identity.prepare());

fold.addEventListener("click", () => setFolded(!dock.hasAttribute("data-folded")));
setInterval(showSummary, 1000);

function show({ polls = [], cues: told = [], ...row }) {
  stream = { ...stream, ...row };
  player.stream = stream;
  showViewers();
  for (const cue of told) cues.put(cue);
  rows = polls;
  picture.lag = Math.max(stream.delay_seconds ?? 0, ...rows.map(({ cue }) => cue?.lag ?? 0));
  showPolls(true);
}

// At each picture: polls open, close and are shown when the viewer's own gets there.
function showPolls(isNews = false) {
  const { now, time, isWaiting } = picture;
  const seen = cues.seen(rows, time, now, isWaiting);
  const isBack = showPast(seen, time);
  const state = phases(seen);
  if (isBack !== wasBack) isNews = true;
  wasBack = isBack;
  if (!isNews && state === drawn && now - drawnAt < REDRAW_SECONDS) return;
  const isOther = state !== drawn;
  drawn = state;
  drawnAt = now;
  poll.polls = seen;
  const put = seen.find((one) => one.isShown && !wereShown.has(one.id));
  for (const { id, isShown } of seen) if (isShown) wereShown.add(id);
  // A question that waits for an answer comes before results.
  const best = toShow(seen, poll.poll);
  const chosen = best?.state === "open" ? best : (onScreen(seen) ?? best);
  showPoll(chosen);
  if (put && put === chosen) setFolded(false);
  if (isOther) missing(time);
}

// Who has gone back meets what is over as it stood then; what is open is answered as ever.
function showPast(seen, time) {
  if (player.path !== "dvr" || seen.some(({ state }) => state === "open")) {
    past?.leave();
    return false;
  }
  past ??= new PastPolls(dock, feed);
  const before = past.card.poll?.id;
  const { at } = player.route;
  const isBack = past.show(player.rewind.past?.recording, at ?? time);
  const { poll: stood } = past.card;
  if (isBack && stood.id !== before) setFolded(stood.state !== "open");
  return isBack;
}

// The media may tell of a poll that the feed, down or late, has not.
function missing(time) {
  if (cues.opened(time).some((id) => !rows.some((row) => row.id === id)) && !feed.isUp) ask();
}

function showViewers() {
  const isOnAir = stream.state === "live" || stream.state === "stalled";
  viewers.hidden = !isOnAir || stream.viewers === 0;
  viewers.querySelector("[data-count]").textContent = number(stream.viewers);
  viewers.querySelector("[data-words]").textContent = tn(
    "%(count)s person is watching",
    "%(count)s people are watching",
    stream.viewers,
  );
}

function showPoll(chosen) {
  const isNew = chosen && chosen.id !== poll.poll?.id;
  poll.isWaiting = false;
  poll.poll = chosen;
  poll.hidden = wasBack;
  dock.toggleAttribute("data-empty", !chosen && !wasBack);
  if (isNew && !wasBack) setFolded(chosen.state !== "open" && stream.state === "live");
  showSummary();
}

function setFolded(isFolded) {
  dock.toggleAttribute("data-folded", isFolded);
  fold.setAttribute("aria-expanded", String(!isFolded));
  fold.setAttribute("aria-label", isFolded ? t("Show the poll") : t("Fold the poll away"));
  showSummary();
}

function showSummary() {
  if (dock.hasAttribute("data-folded")) render(folded(wasBack ? past.card : poll), summary);
}

// The feed's line may be closed to this network while plain HTTP is open: as long as it is down,
// the page asks for the same state itself.
function askSoon() {
  clearTimeout(asking);
  if (feed.isUp) pace.reset();
  else asking = setTimeout(ask, pace.next());
}

async function ask() {
  const id = encodeURIComponent(stream.id);
  try {
    const [row, { polls }] = await Promise.all([
      fetchJson(`/api/v1/streams/${id}?lang=${page.lang}`),
      fetchJson(`/api/v1/polls?stream=${id}`),
    ]);
    if (!feed.isUp) show({ ...row, polls: polls.filter((one) => one.opened_at) });
    pace.reset();
  } catch {
    // no answer: the next question waits longer
  }
  askSoon();
}

async function fetchJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}
