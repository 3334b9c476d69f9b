/** An open poll's time, as its organiser's pages have it. */

import { serverNow } from "../page.js";

export const MINUTE = 60;

/** How far the wall clock is past the poll's own: of a poll on a broadcast's clock, as viewers at the
 * live edge see it. */
const lag = (poll) => poll.cue?.lag ?? 0;

/** Whole seconds until viewers see it close; null: it is not open, or has no limit. */
export function secondsLeft(poll) {
  if (poll.state !== "open" || !poll.closes_at) return null;
  return Math.max(0, Math.ceil(poll.closes_at + lag(poll) - serverNow()));
}

/** Viewers at the live edge have seen it close; those behind may answer until `ballots_until`. */
export const isClosing = (poll) => secondsLeft(poll) === 0;

/** The deadline a minute later than it stands; without one, a minute from now. */
export const minuteLater = (poll) => (poll.closes_at ?? serverNow() - lag(poll)) + MINUTE;

/** What is left of its whole time, from 0 to 1. */
export function shareLeft(poll) {
  const begun = poll.cue?.open ?? poll.opened_at;
  return Math.min(1, secondsLeft(poll) / Math.max(1, poll.closes_at - begun));
}
