// The text over the picture. Cues come from the feed, on the broadcast's own clock (for the paths
// that carry no text themselves), or as the video's text tracks (HLS). One layer draws both.

const MOST_CUES = 200;
const KEEP_SECONDS = 60;
const TEXT_KINDS = ["captions", "subtitles"];

/**
 * @typedef {{id: string|number, start: number, end: number, text: string}} Cue
 *   `start` and `end` in Unix seconds of the broadcast's clock (that of media time 0, plus media
 *   time), so that a cue outlives a generation; the same id again replaces the cue
 */

/** The cues given so far. Pure. */
export class Cues {
  constructor() {
    this.byId = new Map();
  }

  get size() {
    return this.byId.size;
  }

  /** @param {Cue} cue */
  put({ id, start, end, text }) {
    this.byId.delete(id);
    this.byId.set(id, { start, end, text });
    if (this.byId.size > MOST_CUES) this.byId.delete(this.byId.keys().next().value);
  }

  /** The lines to be read at `time` (Unix seconds, as the cues'), oldest first. */
  at(time) {
    const shown = [];
    for (const [id, cue] of this.byId) {
      if (cue.end < time - KEEP_SECONDS) this.byId.delete(id);
      else if (cue.start <= time && time < cue.end) shown.push(cue);
    }
    return shown.sort((a, b) => a.start - b.start).map(({ text }) => text);
  }

  /** Whether what was said at `time` would be among these: earlier than all of them it may not. */
  reaches(time) {
    return [...this.byId.values()].some(({ start }) => start <= time);
  }

  clear() {
    this.byId.clear();
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
