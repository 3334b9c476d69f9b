// What this viewer chose last time. One small entry; anything else in its place is ignored.

import { CHOICES } from "./choice.js";

const ENTRY = "streamd.player";
const MOST_CHARACTERS = 200;

/** @returns {{choice: string|null, volume: number|null, captions: boolean}} */
export function recall(store = storage()) {
  const kept = { choice: null, volume: null, captions: false };
  try {
    const text = store?.getItem(ENTRY) ?? "";
    if (text.length > MOST_CHARACTERS) return kept;
    const { choice, volume, captions } = JSON.parse(text || "{}") ?? {};
    if (CHOICES.includes(choice)) kept.choice = choice;
    if (typeof volume === "number" && volume > 0 && volume <= 1) kept.volume = volume;
    kept.captions = captions === true;
  } catch {
    // unreadable: as if there were nothing
  }
  return kept;
}

/** Keeps what `changed` names beside what was kept before. */
export function remember(changed, store = storage()) {
  try {
    store?.setItem(ENTRY, JSON.stringify({ ...recall(store), ...changed }));
  } catch {
    // no room, or not allowed here: the choice holds for this page alone
  }
}

function storage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null; // a foreign frame without storage
  }
}
