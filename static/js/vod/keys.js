// The keys people know from other players; they work wherever the focus is within the player.

const LITTLE_SECONDS = 5;
const MUCH_SECONDS = 10;
const VOLUME_STEP = 0.1;

export class Keys {
  /** @param {import("./player.js").StreamdVod} player */
  constructor(player) {
    this.player = player;
    player.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isOwn = ["INPUT", "SELECT", "BUTTON"].includes(event.composedPath()[0]?.tagName);
    const act = this.#always(event.key) ?? (isOwn ? null : this.#elsewhere(event.key));
    if (!act) return;
    act();
    event.preventDefault();
  }

  #always(key) {
    const { player } = this;
    if (/^[0-9]$/.test(key)) return () => player.seek((player.length * Number(key)) / 10);
    return {
      k: () => player.toggle(),
      j: () => player.skip(-MUCH_SECONDS),
      l: () => player.skip(MUCH_SECONDS),
      m: () => player.mute(),
      f: () => player.toggleFull(),
      c: () => player.turnCaptions(),
    }[key];
  }

  // On a slider or a button these keys have their own meaning.
  #elsewhere(key) {
    const { player } = this;
    return {
      " ": () => player.toggle(),
      ArrowLeft: () => player.skip(-LITTLE_SECONDS),
      ArrowRight: () => player.skip(LITTLE_SECONDS),
      ArrowUp: () => player.setVolume(player.video.volume + VOLUME_STEP),
      ArrowDown: () => player.setVolume(player.video.volume - VOLUME_STEP),
    }[key];
  }
}
