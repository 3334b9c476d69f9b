// Moments of a broadcast and places in its recording: each run of fragments says when it was live.
// Pure. `fragments` are hls.js's: `{programDateTime (ms), start, duration (seconds)}`.

export { positionIn } from "../player/dvr.js";

/** When the picture at `position`, in the playlist's seconds, was live, in Unix seconds; or null. */
export function timeIn(fragments, position) {
  let found = null;
  for (const fragment of fragments) {
    if (found && fragment.start > position) break;
    found = fragment;
  }
  if (!found?.programDateTime) return null;
  const into = Math.max(0, Math.min(position - found.start, found.duration));
  return found.programDateTime / 1000 + into;
}
