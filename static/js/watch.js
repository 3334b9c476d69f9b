// The watch page: one feed, one player, one poll.

import { render } from "../vendor/lit.js";
import { Feed } from "./feed.js";
import { identity } from "./identity/identity.js";
import { number, page, t, tn } from "./page.js";
import { Backoff } from "./player/backoff.js";
import { CHOICES } from "./player/choice.js";
import { toShow } from "./poll/poll.js";
import { folded } from "./poll/views.js";
import "./player/player.js";

const ASK_MS = 5000;
const MOST_ASK_MS = 30_000;

const player = document.querySelector("streamd-player");
const poll = document.querySelector("streamd-poll");
const dock = document.querySelector(".dock");
const fold = dock.querySelector(".dock-fold");
const summary = fold.querySelector("[data-summary]");
const viewers = document.querySelector("[data-viewers]");

let stream = page.stream;
const feed = new Feed(page.feed_url);
const pace = new Backoff(ASK_MS, MOST_ASK_MS);
let asking;

const asked = new URLSearchParams(location.search).get("path");
if (CHOICES.includes(asked)) player.preferred = asked;
player.stream = stream;
poll.feed = feed;
showViewers();

feed.subscribe(`stream:${stream.id}`, show);
feed.subscribe(`captions:${stream.id}`, ({ captions }) => captions.forEach((cue) => player.cue(cue)));
feed.watch(askSoon);

// After the first picture, so as not to compete with it; a vote before that begins it itself.
(globalThis.requestIdleCallback ?? setTimeout)(() => identity.prepare());

fold.addEventListener("click", () => setFolded(!dock.hasAttribute("data-folded")));
setInterval(showSummary, 1000);

function show({ polls = [], ...row }) {
  stream = { ...stream, ...row };
  player.stream = stream;
  showViewers();
  poll.polls = polls;
  showPoll(toShow(polls, poll.poll));
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
  dock.toggleAttribute("data-empty", !chosen);
  if (isNew) setFolded(chosen.state !== "open" && stream.state === "live");
  showSummary();
}

function setFolded(isFolded) {
  dock.toggleAttribute("data-folded", isFolded);
  fold.setAttribute("aria-expanded", String(!isFolded));
  fold.setAttribute("aria-label", isFolded ? t("Show the poll") : t("Fold the poll away"));
  showSummary();
}

function showSummary() {
  if (dock.hasAttribute("data-folded")) render(folded(poll), summary);
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
