// An MP4 is made when it is asked for first: the link waits for it and says how far it is.

import { page, percent, t } from "../page.js";

const AGAIN_MS = 1500;
const MOST_MISSES = 5;

for (const link of document.querySelectorAll("[data-download]")) {
  link.addEventListener("click", (event) => begin(event, link));
}

async function begin(event, link) {
  if (link.dataset.ready !== undefined) return;
  event.preventDefault();
  if (link.getAttribute("aria-busy") === "true") return;
  link.setAttribute("aria-busy", "true");
  const isReady = await prepared(link.getAttribute("href"));
  link.setAttribute("aria-busy", "false");
  if (!isReady) {
    say(t("The file could not be made right now. Try again in a minute."));
    return;
  }
  say("");
  link.dataset.ready = "";
  link.click();
}

/** Asks until the file is there; false where it cannot be made. */
async function prepared(href) {
  let misses = 0;
  while (misses < MOST_MISSES) {
    const answer = await fetch(href, { headers: { Range: "bytes=0-0" } }).catch(() => null);
    if (answer?.ok) return true;
    const share = await shareOf(href);
    misses = share === null ? misses + 1 : 0;
    say(share ? t("Preparing the file: %(share)s", { share: percent(share) }) : t("Preparing the file…"));
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  return false;
}

async function shareOf(href) {
  try {
    const answer = await fetch(`/api/v1/recordings/${encodeURIComponent(page.recording.id)}`);
    const { downloads } = await answer.json();
    return downloads.find((one) => one.href === href)?.making ?? null;
  } catch {
    return null;
  }
}

function say(text) {
  document.querySelector("[data-status]").textContent = text;
}
