// Pointer and keys: the controls fade while nobody asks for them and come back at the first move.

const IDLE_MS = 3000;

export class Attention {
  /** @param {import("./player.js").StreamdPlayer} player */
  constructor(player) {
    this.player = player;
    player.addEventListener("pointermove", () => this.#stir());
    player.addEventListener("focusin", () => this.#stir());
    player.addEventListener("keydown", (event) => this.#key(event));
    player.addEventListener("pointerdown", (event) => this.#wake(event), { capture: true });
    player.addEventListener("click", (event) => this.#swallow(event), { capture: true });
    player.addEventListener("click", (event) => this.#dismiss(event));
    this.#stir();
  }

  #stir() {
    const { player } = this;
    if (player.hasAttribute("data-idle")) player.removeAttribute("data-idle");
    player.rewind?.look();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (player.phase === "playing" && !player.choosing) player.setAttribute("data-idle", "");
    }, IDLE_MS);
  }

  // A finger that brings the hidden controls back must not also press the one it happened to meet.
  #wake({ pointerType }) {
    this.wakes = pointerType === "touch" && this.player.hasAttribute("data-idle");
    this.#stir();
  }

  #swallow(event) {
    if (this.wakes) event.stopPropagation();
    this.wakes = false;
  }

  // A click beside the open menu closes it.
  #dismiss(event) {
    const { player } = this;
    if (!player.choosing) return;
    const isMenu = (one) => one.id === "choices" || one.getAttribute?.("aria-controls") === "choices";
    if (!event.composedPath().some(isMenu)) player.choose(false);
  }

  #key(event) {
    const { player } = this;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && player.choosing) player.choose(false);
    else if (event.key === "c" && player.captions.any) player.captions.turn(!player.captions.isOn);
    else if (event.key === "m" && player.hasAudio) player.toggleSound();
    else if (event.key === "f") player.toggleFull();
    else if (event.key === "k") player.toggle();
    else return;
    event.preventDefault();
  }
}
