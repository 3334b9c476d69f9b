/** Keeps the screen on. Browsers drop the lock whenever the page is hidden: ask again on return. */
export class WakeLock {
  /** "off", "on", or "refused" where the browser has none to give. */
  state = "off";
  #lock = null;

  async hold() {
    if (document.visibilityState !== "visible") return;
    if (this.#lock && !this.#lock.released) return;
    try {
      this.#lock = await navigator.wakeLock.request("screen");
      this.state = "on";
    } catch {
      this.state = "refused";
    }
  }

  release() {
    this.#lock?.release().catch(() => {});
    this.#lock = null;
    this.state = "off";
  }
}
