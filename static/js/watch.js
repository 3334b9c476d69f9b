// The watch page: one feed, one player, one poll.

import { render } from "../vendor/lit.js";
import { Feed } from "./feed.js";
import { number, page, t, tn } from "./page.js";
import { folded } from "./poll/views.js";
import "./player/player.js";
import "./poll/poll.js";

const SNAPSHOT_MS = 4000;

const player = document.querySelector("streamd-player");
const poll = document.querySelector("streamd-poll");
const dock = document.querySelector(".dock");
const fold = dock.querySelector(".dock-fold");
const summary = fold.querySelector("[data-summary]");
const viewers = document.querySelector("[data-viewers]");

let stream = page.stream;
const feed = new Feed(page.feed_url);

const asked = new URLSearchParams(location.search).get("path");
player.preferred = asked === "hls" || asked === "ws" ? asked : "";
player.stream = stream;
poll.feed = feed;
showViewers();

feed.subscribe(`stream:${stream.id}`, (state) => {
  const { polls = [], ...row } = state;
  stream = { ...stream, ...row };
  player.stream = stream;
  showViewers();
  showPoll(polls[0] ?? null);
});
setTimeout(fallBack, SNAPSHOT_MS);

fold.addEventListener("click", () => setFolded(!dock.hasAttribute("data-folded")));
setInterval(showSummary, 1000);

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

function showPoll(newest) {
  const isNew = newest && newest.id !== poll.poll?.id;
  poll.isWaiting = false;
  poll.poll = newest;
  dock.toggleAttribute("data-empty", !newest);
  if (isNew) setFolded(newest.state !== "open" && stream.state === "live");
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

// The feed's line may be closed to this network while plain HTTP is open.
async function fallBack() {
  if (!poll.isWaiting) return;
  try {
    const response = await fetch(`/api/v1/polls?stream=${encodeURIComponent(stream.id)}`);
    const { polls } = await response.json();
    if (poll.isWaiting) showPoll(polls[0] ?? null);
  } catch {
    setTimeout(fallBack, SNAPSHOT_MS);
  }
}
