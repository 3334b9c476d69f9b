// Play, sound, captions, the choice of paths, full screen; above them the time slider, where there
// is a past to go back to.

import { html, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { t } from "../page.js";

export function bar(player) {
  return html`<div class="controls" part="controls">
    ${player.rewind.template()}
    <div class="buttons">
      ${button(player.wantsPlay ? icons.pause : icons.play, player.wantsPlay ? t("Pause") : t("Play"), () => player.toggle())}
      ${player.hasAudio ? sound(player) : nothing}
      <span class="spacer"></span>
      ${player.captions.any ? captions(player) : nothing}
      <button
        class="control"
        type="button"
        aria-label=${t("How the broadcast reaches you")}
        title=${t("How the broadcast reaches you")}
        aria-expanded=${String(player.choosing)}
        aria-controls="choices"
        @click=${() => open(player)}
      >
        ${icons.sliders}
      </button>
      ${button(player.isFull ? icons.shrink : icons.expand, player.isFull ? t("Leave full screen") : t("Full screen"), () => player.toggleFull())}
    </div>
  </div>`;
}

/** Opens or closes the menu; opened, its chosen row has the focus. */
export async function open(player) {
  player.choose(!player.choosing);
  await player.updateComplete;
  player.renderRoot.querySelector("#choices input:checked")?.focus();
}

function sound(player) {
  const { video } = player;
  const isMuted = video.muted || video.volume === 0;
  return html`${button(isMuted ? icons.muted : icons.sound, isMuted ? t("Turn the sound on") : t("Mute"), () => player.toggleSound())}
    <input
      class="volume"
      type="range"
      min="0"
      max="1"
      step="0.05"
      aria-label=${t("Volume")}
      .value=${String(isMuted ? 0 : video.volume)}
      @input=${(event) => player.setVolume(Number(event.target.value))}
    />`;
}

function captions(player) {
  const { isOn } = player.captions;
  return html`<button
    class="control"
    type="button"
    aria-label=${t("Captions")}
    title=${t("Captions")}
    aria-pressed=${String(isOn)}
    @click=${() => player.captions.turn(!isOn)}
  >
    ${icons.captions}
  </button>`;
}

function button(icon, label, act) {
  return html`<button class="control" type="button" aria-label=${label} title=${label} @click=${act}>${icon}</button>`;
}

/** True while the prompt for sound stands over the picture. */
export function asksForSound(player) {
  if (!player.hasAudio || !player.video.muted || player.soundSettled) return false;
  if (player.notice.isOffer) return false;
  return player.phase === "playing" || player.phase === "buffering";
}

/** The broadcast is muted because browsers demand it: one clear tap for sound. */
export function soundPrompt(player) {
  if (!asksForSound(player)) return nothing;
  return html`<button class="unmute" type="button" @click=${() => player.toggleSound()}>
    ${icons.muted}${t("Tap for sound")}
  </button>`;
}
