// Polls at their pictures: a poll opens, closes and is shown when the viewer's own picture gets
// there, however far behind live that is. Pure.
//
// Cues come from the feed (`stream:{id}`), in the media (emsg.js), and in HLS playlists
// (EXT-X-DATERANGE): the same ones, by the same id.

const MOST_CUES = 128;

/**
 * @typedef {{id: string, at: number, poll: string, action: "open"|"close"|"show"}} PollCue
 *   `at`: the picture's Unix time on the broadcast's clock
 */

export class PollCues {
  constructor() {
    this.byId = new Map();
  }

  /** @param {PollCue} cue  @returns {boolean} whether it is news */
  put({ id, at, poll, action }) {
    if (this.byId.has(id)) return false;
    this.byId.set(id, { at, poll, action });
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
    const told = (action) => [...this.byId.values()].filter((one) => one.poll === id && one.action === action).map(({ at }) => at);
    const one = (given, others) => given ?? (others.length ? Math.max(...others) : null);
    const closes = [...told("close"), ...(cue?.close ? [cue.close] : [])];
    return {
      open: one(cue?.open, told("open")),
      close: closes.length ? Math.min(...closes) : null, // of two the earlier one counts
      show: one(cue?.show, told("show")),
    };
  }

  /**
   * `rows` of polls as the viewer's picture has them, those left out that it has not come to. Times
   * are moved onto the wall clock of this viewer, so that `closes_at` counts down to his own
   * picture; `ballots_until`, the server's bound, stays what it is. `isShown`: the organiser has put
   * it on screen.
   * @param {object[]} rows
   * @param {number} time the picture's
   * @param {number} now the server's wall clock
   */
  seen(rows, time, now) {
    return rows.map((row) => this.#asSeen(row, time, now)).filter(Boolean);
  }

  #asSeen(row, time, now) {
    const { open, close, show } = this.of(row);
    if (open === null && close === null && show === null) return row;
    if (open !== null && time < open) return null;
    const behind = now - time;
    const bound = row.ballots_until ?? Infinity;
    const isOver = row.state !== "open" || (close !== null && time >= close) || now >= bound;
    const isShown = show !== null && time >= show;
    return {
      ...row,
      state: row.state === "open" && isOver ? "closed" : row.state,
      closes_at: close === null ? row.closes_at : Math.min(close + behind, bound),
      questions: isShown || isOver ? row.questions : row.questions?.map((one) => ({ ...one, right: null })),
      isShown,
    };
  }
}

/** What differs between two pictures: equal where nothing has to be drawn anew. */
export const phases = (rows) => rows.map(({ id, state, isShown }) => `${id} ${state} ${Boolean(isShown)}`).join();
