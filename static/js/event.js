// The event page: states and viewers move, and up to three live candidates play silently.

import { Feed } from "./feed.js";
import { page, t, tn } from "./page.js";
import { Source } from "./player/sink.js";
import "./player/player.js";

const MOST_PLAYING = 3;
const ON_AIR = ["live", "stalled"];
const OFFLINE_AFTER_MS = 1500;
const WORDS = { idle: t("Not started"), live: t("Live"), stalled: t("Live"), ended: t("Ended") };

const cards = new Map(
  [...document.querySelectorAll("[data-stream]")].map((card) => [card.dataset.stream, card]),
);
const rows = new Map(page.streams.map((row) => [row.id, row]));
const savesData = Boolean(navigator.connection?.saveData);
const feed = new Feed(page.feed_url);
let lineTimer;

show();
feed.subscribe(`event:${page.event.id}`, ({ streams }) => {
  for (const row of streams) rows.set(row.id, { ...rows.get(row.id), ...row });
  show();
});
feed.watch(showLine);

function show() {
  let playing = 0;
  for (const [id, card] of cards) {
    const row = rows.get(id);
    const isOnAir = ON_AIR.includes(row.state);
    showCard(card, row, isOnAir);
    showThumbnail(card, row, isOnAir && playing < MOST_PLAYING);
    if (isOnAir) playing += 1;
  }
  const now = document.querySelector("[data-now]");
  if (now) now.textContent = playing ? tn("%(count)s live now", "%(count)s live now", playing) : t("Nobody is live right now");
}

function showCard(card, row, isOnAir) {
  const tag = card.querySelector("[data-state]");
  tag.textContent = WORDS[row.state];
  tag.classList.toggle("live", isOnAir);
  card.querySelector("[data-viewers]").textContent = isOnAir
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
