/** A hall's screen: follows the stream's polls by the feed, and asks now and then as well. */

import { render } from "../../vendor/lit.js";
import { Feed } from "../feed.js";
import { page } from "../page.js";
import { call } from "../studio/api.js";
import { chosen, merged } from "./chosen.js";
import { view } from "./view.js";

const ASK_MS = 5_000;
const TURN_MS = 12_000;
const DRAW_MS = 250;

const root = document.getElementById("hall");
const feed = new Feed(page.feed_url);
const state = { polls: [], poll: null, place: 0, still: false, isUp: true, isFull: false, turn, pause, full };
let followed = "";
let drawing = 0;

function draw() {
  drawing = 0;
  const poll = chosen(state.polls);
  if (poll?.id !== state.poll?.id) state.place = 0;
  state.poll = poll;
  follow(poll?.id ?? "");
  render(view(state), root);
}

/** At most four times a second, the newest always. */
function redraw() {
  drawing ||= setTimeout(draw, DRAW_MS);
}

function follow(id) {
  if (id === followed) return;
  if (followed) feed.unsubscribe(`poll:${followed}`);
  followed = id;
  if (id) feed.subscribe(`poll:${id}`, (tally) => count(id, tally));
}

function count(id, tally) {
  const poll = state.polls.find((one) => one.id === id);
  if (!poll) return;
  state.polls = merged(state.polls, [{ ...poll, tally }]);
  if (tally.state !== poll.state) ask();
  redraw();
}

async function ask() {
  try {
    const { polls } = await call("GET", `/polls?stream=${encodeURIComponent(page.stream.id)}`);
    state.polls = merged([], polls).map((poll) => merged(state.polls, [poll]).find((one) => one.id === poll.id));
    redraw();
  } catch {
    // The feed tells, and the next asking.
  }
}

function turn(by) {
  const count = state.poll?.questions.length ?? 1;
  state.place = (state.place + by + count) % count;
  redraw();
}

function pause() {
  state.still = !state.still;
  redraw();
}

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  const back = forward === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
  if (event.key === forward) turn(1);
  else if (event.key === back) turn(-1);
  else if (event.code === "KeyF") full();
});
document.addEventListener("fullscreenchange", () => {
  state.isFull = document.fullscreenElement !== null;
  redraw();
});

feed.watch((isUp) => {
  state.isUp = isUp;
  redraw();
});
feed.subscribe(`stream:${page.stream.id}`, ({ polls }) => {
  if (!polls) return;
  state.polls = merged(state.polls, polls);
  redraw();
});
setInterval(() => document.visibilityState === "visible" && ask(), ASK_MS);
setInterval(() => state.poll?.state === "open" && redraw(), 500);
setInterval(() => !state.still && (state.poll?.questions.length ?? 1) > 1 && turn(1), TURN_MS);
draw();
ask();
