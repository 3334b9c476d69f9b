// The text over the picture. Cues come from the feed, on the broadcast's own clock (for the paths
// that carry no text themselves), or as the video's text tracks (HLS). One layer draws both.

const MOST_CUES = 200;
const KEEP_SECONDS = 60;
/** A line that began this long ago is of the past: what a captioner may still send (captions.py), and
 * what a picture is behind live. */
const NEWS_SECONDS = 40;
/** No line waits longer than this for those before it; then they stand together. */
const MOST_WAIT_SECONDS = 8;
/** A clock that goes back by more was sought; by less, a path has found its place. */
const SOUGHT_SECONDS = 1;
const TEXT_KINDS = ["captions", "subtitles"];

/**
 * @typedef {{id: string|number, start: number, end: number, text: string}} Cue
 *   `start` and `end` in Unix seconds of the broadcast's clock (that of media time 0, plus media
 *   time), so that a cue outlives a generation; the same id again replaces the cue
 */

/**
 * The cues given so far. Pure: the player's clock comes in, in Unix seconds as the cues' times.
 *
 * `start` is when a captioner began to type: a live picture is often past it, or past the whole
 * line, when the line comes. Such a line is shown from when it came, for its whole length and one
 * after the other; whoever goes back meets it at its own time.
 */
export class Cues {
  constructor() {
    this.byId = new Map();
    this.seen = -Infinity;
  }

  get size() {
    return this.byId.size;
  }

  /**
   * What the feed lists. Of a first list only the last line may be news; later, whatever is new.
   * @param {Cue[]} cues oldest first
   * @param {number|null} clock
   */
  take(cues, clock = null) {
    const isFirst = this.size === 0;
    cues.forEach((cue, place) => this.put(cue, isFirst && place < cues.length - 1 ? null : clock));
  }

  /** @param {Cue} cue @param {number|null} clock null: it is shown at its own time */
  put({ id, start, end, text }, clock = null) {
    const known = this.byId.get(id);
    this.byId.delete(id);
    const moved = known?.start === start ? known.moved : this.#moved(start, end, clock);
    this.byId.set(id, { start, end, text, moved });
    if (this.byId.size > MOST_CUES) this.byId.delete(this.byId.keys().next().value);
  }

  /** The lines to be read at `time`, oldest first. */
  at(time) {
    if (time < this.seen - SOUGHT_SECONDS) for (const cue of this.byId.values()) cue.moved = 0;
    this.seen = time;
    const shown = [];
    for (const [id, { start, end, text, moved }] of this.byId) {
      if (end + moved < time - KEEP_SECONDS) this.byId.delete(id);
      else if (start + moved <= time && time < end + moved) shown.push({ text, from: start + moved });
    }
    return shown.sort((a, b) => a.from - b.from).map(({ text }) => text);
  }

  /** Whether what was said at `time` would be among these: earlier than all of them it may not. */
  reaches(time) {
    return [...this.byId.values()].some(({ start }) => start <= time);
  }

  clear() {
    this.byId.clear();
    this.seen = -Infinity;
  }

  // By how many seconds a line that comes at `clock` is shown later than it was said.
  #moved(start, end, clock) {
    if (clock === null || start < clock - NEWS_SECONDS) return 0;
    const isLate = start <= clock;
    const from = Math.max(start, clock);
    const before = [...this.byId.values()].filter(
      (cue) => (isLate || cue.moved > 0) && cue.start + cue.moved <= from + MOST_WAIT_SECONDS,
    );
    const free = Math.max(from, ...before.map((cue) => cue.end + cue.moved));
    return Math.min(free, from + MOST_WAIT_SECONDS) - start;
  }
}

/** The video's own text tracks: hidden ones are read here, so that nothing is drawn twice. */
export class TextTracks {
  /** @param {() => void} onChange tracks came or went, or other cues are active */
  constructor(video, onChange) {
    this.tracks = video.textTracks;
    this.onChange = onChange;
    this.isOn = false;
    this.tracks.addEventListener("addtrack", () => this.#sync());
    this.tracks.addEventListener("removetrack", () => this.#sync());
  }

  get any() {
    return this.#texts().length > 0;
  }

  turn(isOn) {
    this.isOn = isOn;
    this.#sync();
  }

  /** The lines that are active now. */
  get lines() {
    const [track] = this.isOn ? this.#texts() : [];
    return [...(track?.activeCues ?? [])].map((cue) => plain(cue));
  }

  #texts() {
    return [...this.tracks].filter(({ kind }) => TEXT_KINDS.includes(kind));
  }

  #sync() {
    this.#texts().forEach((track, place) => {
      track.mode = this.isOn && place === 0 ? "hidden" : "disabled";
      track.oncuechange = this.onChange;
    });
    this.onChange();
  }
}

// WebVTT's markup (<v Name>, <i>) is read as the text it stands around.
const plain = (cue) => cue.getCueAsHTML?.().textContent ?? cue.text;
