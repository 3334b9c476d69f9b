// The event page: states and viewers move, and up to three live candidates play silently.

import { Feed } from "./feed.js";
import { page, t, tn } from "./page.js";
import { Source } from "./player/sink.js";
import "./player/player.js";

const MOST_PLAYING = 3;
const ON_AIR = ["live", "stalled"];
const TURN_MS = 10_000;
const OFFLINE_AFTER_MS = 1500;
const WORDS = { idle: t("Not started"), live: t("Live"), stalled: t("Live"), ended: t("Ended") };

const cards = new Map(
  [...document.querySelectorAll("[data-stream]")].map((card) => [card.dataset.stream, card]),
);
const rows = new Map(page.streams.map((row) => [row.id, row]));
const savesData = Boolean(navigator.connection?.saveData);
const feed = new Feed(page.feed_url);
let lineTimer;
let turn = 0;

show();
feed.subscribe(`event:${page.event.id}`, ({ streams }) => {
  for (const row of streams) rows.set(row.id, { ...rows.get(row.id), ...row });
  show();
});
feed.watch(showLine);
setInterval(() => {
  turn += 1;
  show();
}, TURN_MS);

function show() {
  const onAir = [...cards.keys()].filter((id) => ON_AIR.includes(rows.get(id).state));
  const playing = inTurn(onAir);
  for (const [id, card] of cards) {
    const row = rows.get(id);
    showCard(card, row, ON_AIR.includes(row.state));
    showThumbnail(card, row, playing.has(id));
  }
  const now = document.querySelector("[data-now]");
  now.textContent = onAir.length ? tn("%(count)s live now", "%(count)s live now", onAir.length) : t("Nobody is live right now");
}

// Where more are live than may play, each gets the same time: the window moves on by one.
function inTurn(onAir) {
  if (onAir.length <= MOST_PLAYING) return new Set(onAir);
  return new Set(Array.from({ length: MOST_PLAYING }, (_, i) => onAir[(turn + i) % onAir.length]));
}

function showCard(card, row, isOnAir) {
  const tag = card.querySelector("[data-state]");
  tag.textContent = WORDS[row.state];
  tag.classList.toggle("live", isOnAir);
  card.querySelector("[data-viewers]").textContent = isOnAir && row.viewers > 0
    ? tn("%(count)s person is watching", "%(count)s people are watching", row.viewers)
    : "";
}

// The same small picture for each: no sound, no controls, and none where the reader saves data.
function showThumbnail(card, row, isWanted) {
  const picture = card.querySelector("[data-picture]");
  let player = picture.querySelector("streamd-player");
  if (!isWanted || savesData || !Source) {
    player?.remove();
    return;
  }
  if (!player) {
    player = document.createElement("streamd-player");
    player.variant = "thumb";
    player.feedUrl = page.feed_url;
    player.setAttribute("aria-hidden", "true");
    picture.append(player);
  }
  player.stream = row;
}

function showLine(isUp) {
  clearTimeout(lineTimer);
  const line = document.querySelector("[data-offline]");
  if (isUp) line.hidden = true;
  else lineTimer = setTimeout(() => (line.hidden = false), OFFLINE_AFTER_MS);
}
