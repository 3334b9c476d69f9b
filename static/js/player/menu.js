// The choice of how the broadcast reaches this viewer.

import { html, nothing } from "../../vendor/lit.js";
import { number, t } from "../page.js";
import { CHOICES } from "./choice.js";

const TITLES = {
  auto: () => t("Automatic"),
  ws: () => t("Low latency"),
  hls: () => t("Standard"),
  whep: () => "WebRTC",
  saver: () => t("Data saver"),
};

const ABOUT = {
  auto: () => t("The nearest to live that works here."),
  ws: () => t("A fraction of a second behind live."),
  hls: () => t("A few seconds behind, steadier on a weak network."),
  whep: () => t("For networks that lose a little on the way."),
  saver: () => t("Sound and stills: a small part of the data."),
};

/** What an option of choice.js is called. */
export const titleOf = ({ path, mode }) => TITLES[mode === "audio" ? "saver" : path]?.() ?? path;

export function template(player) {
  return html`<fieldset
    id="choices"
    class="choices"
    @keydown=${(event) => closeOnEscape(event, player)}
    @focusout=${(event) => closeOnLeaving(event, player)}
  >
    <legend class="visually-hidden">${t("How the broadcast reaches you")}</legend>
    ${CHOICES.map((choice) => row(player, choice))}
  </fieldset>`;
}

function row(player, choice) {
  const isChosen = player.router.chosen === choice;
  return html`<label>
    <input
      type="radio"
      name="choice"
      value=${choice}
      aria-label=${TITLES[choice]()}
      aria-describedby=${`about-${choice}`}
      .checked=${isChosen}
      @change=${() => player.take(choice)}
    />
    <b aria-hidden="true">${TITLES[choice]()}</b>
    <small id=${`about-${choice}`}>${isChosen ? now(player, choice) : nothing}<span class="about">${ABOUT[choice]()}</span></small>
  </label>`;
}

// What is really played where that is not what the row's own name says, and what it costs.
function now(player, choice) {
  const { option } = player.router;
  const size = player.pulse.meter.megabytesPerHour;
  const parts = [];
  if (option && option.path !== "dvr") {
    const title = titleOf(option);
    if (title !== TITLES[choice]()) parts.push(t("Now: %(path)s", { path: title }));
  }
  if (size !== null) parts.push(t("%(size)s MB an hour", { size: number(Math.max(1, Math.round(size))) }));
  return parts.length > 0 ? html`<span class="now">${parts.join(" · ")}</span>` : nothing;
}

function closeOnEscape(event, player) {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  close(player);
}

// By Tab past the last row; a click outside is the player's own affair (attention.js).
function closeOnLeaving(event, player) {
  const next = event.relatedTarget;
  if (!next || event.currentTarget.contains(next) || next.matches?.("[aria-controls=choices]")) return;
  player.choose(false);
}

function close(player) {
  player.choose(false);
  player.renderRoot.querySelector(".controls [aria-controls=choices]")?.focus();
}
