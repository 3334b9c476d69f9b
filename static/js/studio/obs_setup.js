/** What the "Use OBS" panel shows: the addresses, the key, and what was copied. */

import { page } from "../page.js";

export class ObsSetup {
  /** How OBS is to send: "rtmp" or "whip". */
  by = page.rtmp_url ? "rtmp" : "whip";
  keyShown = false;
  /** What was copied last; with "-refused" behind it where the browser did not let it. */
  copied = "";

  #stream;
  #key;
  #onchange;

  /**
   * @param {string} stream the stream's id
   * @param {() => string} key
   * @param {() => void} onchange
   */
  constructor(stream, key, onchange) {
    this.#stream = stream;
    this.#key = key;
    this.#onchange = onchange;
  }

  get whipUrl() {
    return `${location.origin}/whip/${encodeURIComponent(this.#stream)}`;
  }

  /** For the "show" and "copy" controls only. */
  get key() {
    return this.#key();
  }

  /** What OBS calls the stream key: RTMP has no header to put the key in. */
  get rtmpKey() {
    return `${this.#stream}?key=${this.key}`;
  }

  choose(by) {
    this.by = by;
    this.copied = "";
    this.#onchange();
  }

  showKey(yes) {
    this.keyShown = yes;
    this.#onchange();
  }

  async copy(what, text) {
    try {
      await navigator.clipboard.writeText(text);
      this.copied = what;
    } catch {
      this.copied = `${what}-refused`;
    }
    this.#onchange();
  }
}
