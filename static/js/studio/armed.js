/**
 * A button that needs a second press, for what cannot be taken back.
 *
 * A press by keyboard, switch or screen reader (`event.detail` is 0 for those) leaves more time:
 * hearing the new label alone takes longer than three seconds.
 */

export const ARM_MS = 3_000;
const ARM_SLOW_MS = 10_000;

export class Armed {
  armed = false;
  slow = false;
  #timer = 0;
  #onchange;
  #action;

  constructor(onchange, action) {
    this.#onchange = onchange;
    this.#action = action;
  }

  /** @param {UIEvent} event the click */
  press(event) {
    if (this.armed) {
      this.disarm();
      this.#action();
      return;
    }
    this.slow = event.detail === 0;
    this.armed = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.disarm(), this.slow ? ARM_SLOW_MS : ARM_MS);
    this.#onchange();
  }

  disarm() {
    clearTimeout(this.#timer);
    if (!this.armed) return;
    this.armed = false;
    this.#onchange();
  }
}
