// The polls of a recording at its pictures: what stood on screen, and how the numbers stood, when
// this picture was live. A state follows from the picture's time alone, so that going back undoes.
// Pure.

/**
 * @typedef {{poll: object, cue: {open: number|null, close: number|null, show: number|null},
 *   curve: [number, number, object|null, object?][], late: object|null}} Replayed
 *   as `GET /vod/{recording}/polls.json` gives it: times in Unix seconds of the broadcast's clock;
 *   a point of the curve is [at, total, counts (null: not told), words?]
 */

/** The last point of `curve` at `time`, or -1. */
export function pointAt(curve, time) {
  let low = 0;
  let high = curve.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve[middle][0] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// A poll whose opening is not known was open when the recording began.
const isReached = ({ cue }, time) => cue.open === null || time >= cue.open;

const isOver = ({ cue }, time) => cue.close !== null && time >= cue.close;

const isShown = ({ cue }, time) => cue.show !== null && time >= cue.show;

/**
 * What a poll was when the picture of `time` was live; null before its opening.
 * @param {Replayed} entry
 * @returns {{poll: object, tally: object, point: number, left: number} | null} `poll`: the row;
 *   `point`: how far along the curve; `left`: seconds to its closing cue, Infinity without one
 */
export function asOf(entry, time) {
  if (!isReached(entry, time)) return null;
  const { poll, cue } = entry;
  const over = isOver(entry, time);
  const told = over || isShown(entry, time);
  return {
    poll: {
      ...poll,
      isReplayed: true,
      state: over ? "closed" : "open",
      closes_at: cue.close ?? poll.closes_at,
      duration_seconds: cue.open !== null && cue.close !== null ? cue.close - cue.open : null,
      questions: told ? poll.questions : poll.questions?.map((one) => ({ ...one, right: null })),
      tier_results: over ? poll.tier_results : {},
    },
    tally: tallyAt(entry, time, over),
    point: pointAt(entry.curve, time),
    left: cue.close === null ? Infinity : cue.close - time,
  };
}

function tallyAt(entry, time, over) {
  const { poll, curve } = entry;
  const found = curve[pointAt(curve, time)];
  const last = curve.at(-1);
  // The recording ended, or missed it, before the numbers were final: then they are the store's.
  const isCut = over && (!last || last[0] < entry.cue.close);
  if (isCut && poll.tally) return poll.tally;
  const isFinal = over && found === last;
  const words = found?.[3] ?? (isFinal ? poll.tally?.words : undefined);
  const common = { poll: poll.id, tiers: isFinal ? (poll.tally?.tiers ?? poll.tier_results) : {}, words };
  if (found) return { ...common, total: found[1], counts: found[2] };
  return { ...common, total: 0, counts: poll.rules?.results === "live" ? {} : null };
}

/**
 * The poll to show at the picture of `time`: the one opened last of those open, else what came last
 * of closes and shows; null before all. `held`, the id of one that its viewer is answering, stays.
 * @param {Replayed[]} entries
 */
export function chosen(entries, time, held = null) {
  const reached = entries.filter((entry) => isReached(entry, time));
  const kept = reached.find(({ poll }) => poll.id === held);
  if (kept) return kept;
  const opened = ({ cue }) => cue.open ?? -Infinity;
  const open = reached.filter((entry) => !isOver(entry, time));
  if (open.length) return newest(open, opened);
  return newest(reached, (entry) => Math.max(entry.cue.close, isShown(entry, time) ? entry.cue.show : -Infinity));
}

const newest = (entries, when) => entries.reduce((best, one) => (best && when(best) > when(one) ? best : one), null);

/** `entries` in the order in which they were asked. */
export const inOrder = (entries) => [...entries].sort((a, b) => (a.cue.open ?? -Infinity) - (b.cue.open ?? -Infinity));
