/** One poll's page: reads it as whoever opens it may see it, and keeps it fresh while it is open. */

import { render } from "../../vendor/lit.js";
import { page } from "../page.js";
import { Feed } from "../feed.js";
import { call } from "../studio/api.js";
import { takeKey } from "../studio/key.js";
import { view } from "./view.js";

const root = document.getElementById("poll");
const MOVES_MS = 1_000;

const state = { poll: page.poll, key: takeKey(page.poll.stream), width: 0, told: "", statement: null, late: null };
let asked = 0;

function draw() {
  state.width = Math.floor(root.clientWidth);
  render(view(state, redraw), root);
}

function redraw() {
  if (asked) return;
  asked = setTimeout(() => {
    asked = 0;
    draw();
  }, 0);
}

async function load() {
  try {
    state.poll = await call("GET", `/polls/${page.poll.id}`, { key: state.key });
  } catch {
    // What the page came with stands.
  }
  await late();
  redraw();
}

/** The row of the late answers, where there are any. */
async function late() {
  const told = state.poll.late;
  if (!told) return;
  try {
    state.late = await call("GET", `/polls/${told.poll}`, { key: state.key });
  } catch {
    // How many there are, the poll's own row says.
  }
}

async function statement() {
  const answer = await fetch(`/api/v1/polls/${page.poll.id}/close-statement`).catch(() => null);
  state.statement = answer?.ok ? await answer.text() : null;
  redraw();
}

function follow() {
  const feed = new Feed(page.feed_url);
  let late = 0;
  feed.subscribe(`poll:${page.poll.id}`, () => {
    late ||= setTimeout(async () => {
      late = 0;
      await load();
      if (state.poll.state !== "open") {
        feed.close();
        statement();
      }
    }, MOVES_MS);
  });
}

new ResizeObserver(() => Math.floor(root.clientWidth) !== state.width && redraw()).observe(root);
document.fonts.ready.then(redraw);
draw();
if (state.key) load();
else late().then(redraw);
if (state.poll.state === "open") follow();
else if (state.poll.closed_at) statement();
