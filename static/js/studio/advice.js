/**
 * What the server advises, less what this page says itself or nobody here can act on.
 * Pure: values in, values out.
 */

import { Word } from "./health.js";

/** What whoever broadcasts from this page can do something about; the rest is for encoders. */
const MINE = new Set([
  "stalled",
  "no_audio",
  "no_video",
  "loss",
  "slow_line",
  "low_fps",
  "low_bitrate",
  "silence",
  "clipping",
  "delay_full",
  "recording_stopped",
]);

/** The page's own word says the same, from closer by. */
const SAID = Object.freeze({
  [Word.UPLOAD]: ["loss", "low_bitrate", "low_fps", "slow_line"],
  [Word.DEVICE]: ["low_fps", "low_bitrate"],
  [Word.SLOW]: ["slow_line"],
  [Word.STUCK]: ["stalled", "no_video", "low_fps", "low_bitrate"],
  [Word.MEASURING]: ["low_fps", "low_bitrate"],
});

/** A floor of the scale, and its top: silence, and the limit. */
const QUIETEST_DB = -60;

/**
 * @typedef {{code: string, severity: "problem" | "warning" | "note", title: string,
 *   advice: string}} Advice
 */

/**
 * @param {Advice[] | undefined} advice the server's, worst first
 * @param {{word: string, muted: boolean, soundless: boolean}} here the page's own word, whether
 *   its microphone is muted, and whether it says itself that nothing is heard
 * @returns {Advice[]} what is left to say to whoever broadcasts from this page
 */
export function forThisPage(advice = [], { word, muted, soundless }) {
  const said = new Set(SAID[word] ?? []);
  if (muted || soundless) for (const code of ["silence", "no_audio"]) said.add(code);
  return advice.filter(({ code }) => MINE.has(code) && !said.has(code));
}

/** @returns {Advice | null} the worst one that needs something done */
export function worst(advice = []) {
  const [first] = advice;
  return first && first.severity !== "note" ? first : null;
}

/** How far up its scale a level in decibels stands, 0 to 1. */
export function share(decibels) {
  return Math.min(1, Math.max(0, 1 - decibels / QUIETEST_DB));
}
