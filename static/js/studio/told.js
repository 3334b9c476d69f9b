/** A sentence that is said once to whoever listens to the page, and shown for a while. */

export class Told {
  sentence = "";
  #lasts;
  #onchange;
  #timer = 0;

  /** @param {number} lasts milliseconds @param {() => void} onchange */
  constructor(lasts, onchange) {
    this.#lasts = lasts;
    this.#onchange = onchange;
  }

  /** @param {string} sentence "" takes the last one back */
  say(sentence) {
    clearTimeout(this.#timer);
    this.sentence = sentence;
    if (sentence) this.#timer = setTimeout(() => this.say(""), this.#lasts);
    this.#onchange();
  }
}
