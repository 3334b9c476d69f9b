// Polls at their pictures: a poll opens, closes and is shown when the viewer's own picture gets
// there, however far behind live that is. Pure.
//
// Cues come from the feed (`stream:{id}`), in the media (emsg.js), and in HLS playlists
// (EXT-X-DATERANGE): the same ones, by the same id.

const MOST_CUES = 128;
/** Who waits for his picture is asked all the same when voting ends in so long, or in the poll's own
 * time where that is less. */
const LAST_CALL_SECONDS = 10;

/**
 * @typedef {{id: string, at: number, poll: string, action: "open"|"close"|"show", rev?: number}} PollCue
 *   `at`: the picture's Unix time on the broadcast's clock; `rev`: how often the close was moved by
 *   then, and of two closes the one of the higher `rev` counts
 */

export class PollCues {
  constructor() {
    this.byId = new Map();
    this.called = new Set();
  }

  /** @param {PollCue} cue  @returns {boolean} whether it is news */
  put({ id, at, poll, action, rev = 0 }) {
    if (this.byId.has(id)) return false;
    this.byId.set(id, { at, poll, action, rev });
    if (this.byId.size > MOST_CUES) this.byId.delete(this.byId.keys().next().value);
    return true;
  }

  /** Polls whose opening the picture of `time` is past, by their ids. */
  opened(time) {
    const found = [...this.byId.values()].filter(({ action, at }) => action === "open" && at <= time);
    return found.map(({ poll }) => poll);
  }

  /** The pictures of a poll's row: what the row says, and what the media has said since. */
  of({ id, cue }) {
    const told = (action) => [...this.byId.values()].filter((one) => one.poll === id && one.action === action);
    const one = (given, others) => given ?? (others.length ? Math.max(...others.map(({ at }) => at)) : null);
    const closes = [...told("close"), ...(cue?.close ? [{ at: cue.close, rev: cue.rev ?? 0 }] : [])];
    return {
      open: one(cue?.open, told("open")),
      close: lastWord(closes),
      show: one(cue?.show, told("show")),
    };
  }

  /**
   * `rows` of polls as the viewer's picture has them, those left out that it has not come to. Times
   * are moved onto the wall clock of this viewer, so that `closes_at` counts down to his own
   * picture; it is the picture that closes, or the server's bound, `until`: a picture that comes
   * late leaves the question open. `isShown`: the organiser has put it on screen, at `shownAt`.
   * @param {object[]} rows
   * @param {number} time the picture's
   * @param {number} now the server's wall clock
   * @param {boolean} isWaiting the next picture waits for media, and may come too late
   */
  seen(rows, time, now, isWaiting = false) {
    return rows.map((row) => this.#asSeen(row, time, now, isWaiting)).filter(Boolean);
  }

  #asSeen(row, time, now, isWaiting) {
    const { open, close, show } = this.of(row);
    if (open === null && close === null && show === null) return row;
    // The media may tell of a later close before the feed does.
    const bound = (row.ballots_until ?? Infinity) + Math.max(0, (close ?? 0) - (row.cue?.close ?? Infinity));
    if (isWaiting && now >= lastCall(open, close, bound)) this.called.add(row.id);
    if (open !== null && time < open && !this.called.has(row.id)) return null;
    const behind = now - time;
    const isOver = row.state !== "open" || (close !== null && time >= close) || now >= bound;
    const isShown = show !== null && time >= show;
    return {
      ...row,
      state: row.state === "open" && isOver ? "closed" : row.state,
      closes_at: close === null ? row.closes_at : Math.min(close + behind, bound),
      until: close === null ? undefined : bound,
      questions: isShown || isOver ? row.questions : row.questions?.map((one) => ({ ...one, right: null })),
      isShown,
      openAt: open,
      shownAt: isShown ? show : null,
    };
  }
}

// Of closes the one that was given last; of two by the same hand the earlier one.
function lastWord(closes) {
  const [last = null] = closes.sort((a, b) => b.rev - a.rev || a.at - b.at);
  return last?.at ?? null;
}

// When whoever still waits for his picture has to be asked to have time for an answer.
function lastCall(open, close, bound) {
  return open === null || close === null ? Infinity : bound - Math.min(close - open, LAST_CALL_SECONDS);
}

/** Of polls as `seen` gives them the one put on screen last, if nothing was asked since; or null. */
export function onScreen(seen) {
  const [last = null] = seen.filter(({ isShown }) => isShown).sort((a, b) => b.shownAt - a.shownAt);
  const wasAsked = (one) => (one.openAt ?? one.opened_at ?? -Infinity) > last.shownAt;
  return last && !seen.some(wasAsked) ? last : null;
}

/** What differs between two pictures: equal where nothing has to be drawn anew. */
export const phases = (rows) => rows.map(({ id, state, isShown }) => `${id} ${state} ${Boolean(isShown)}`).join();
