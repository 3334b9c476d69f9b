/** The studio's parts, put in their places. */

import { duration, number, t, tn } from "../../page.js";
import { classMap, html, nothing } from "../../../vendor/lit.js";
import { Device } from "../devices.js";
import { icons } from "../icons.js";
import { Phase } from "../lifecycle.js";
import { Access } from "../server_state.js";
import { refusedEncoder } from "./advice.js";
import { after, check } from "./check.js";
import { dock } from "./dock.js";
import { gate } from "./gate.js";
import { elsewhereHealth, onAirHealth } from "./health.js";
import { obs } from "./obs.js";
import { polls } from "./polls.js";
import { refusal } from "./refusal.js";
import { stage } from "./stage.js";
import { takeover } from "./takeover.js";

function firstName(desk) {
  if (desk.onAir || desk.elsewhere) return t("Health");
  return desk.phase === Phase.ENDED ? t("Ended") : t("Camera");
}

function names(desk) {
  return {
    camera: firstName(desk),
    polls: t("Polls"),
    obs: t("Use OBS"),
  };
}

function arrow(desk, event, panels) {
  const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  const back = forward === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
  const place = panels.indexOf(desk.shown);
  const goal = {
    [forward]: place + 1,
    [back]: place - 1,
    Home: 0,
    End: panels.length - 1,
  }[event.key];
  if (goal === undefined) return;
  event.preventDefault();
  const panel = panels[(goal + panels.length) % panels.length];
  desk.show(panel);
  document.getElementById(`tab-${panel}`)?.focus();
}

function tabs(desk, panels) {
  const words = names(desk);
  const asked = desk.polls.open.length;
  return html`<div
    class="tabs"
    role="tablist"
    aria-label=${t("Parts of the studio")}
    @keydown=${(event) => arrow(desk, event, panels)}
  >
    ${panels.map(
      (panel) =>
        html`<button
          type="button"
          role="tab"
          id="tab-${panel}"
          aria-controls="panel-${panel}"
          aria-selected=${String(desk.shown === panel)}
          tabindex=${desk.shown === panel ? 0 : -1}
          @click=${() => desk.show(panel)}
        >
          ${words[panel]}
          ${panel === "polls" && asked
            ? html`<span class="badge number">${number(asked)}<span class="visually-hidden"> ${t("open")}</span></span>`
            : nothing}
        </button>`,
    )}
  </div>`;
}

function panel(desk, name, panels, content) {
  const tabbed = panels.includes(name);
  return html`<section
    class="panel"
    id="panel-${name}"
    role=${tabbed ? "tabpanel" : "region"}
    aria-label=${tabbed ? nothing : names(desk)[name]}
    aria-labelledby=${tabbed ? `tab-${name}` : nothing}
    ?hidden=${tabbed && desk.shown !== name}
  >
    ${content}
  </section>`;
}

function first(desk) {
  if (desk.onAir) return onAirHealth(desk);
  if (desk.elsewhere)
    return desk.devices.state === Device.READY
      ? html`${takeover(desk)} ${elsewhereHealth(desk)}`
      : html`${elsewhereHealth(desk)} ${takeover(desk)}`;
  if (desk.phase === Phase.ENDED) return after(desk);
  return desk.contested ? html`${takeover(desk)} ${check(desk)}` : check(desk);
}

function trouble(desk) {
  const { broadcast } = desk;
  const { unreachable, online } = desk.server;
  if (broadcast.error && desk.phase === Phase.CHECK && !desk.contested)
    return refusal(broadcast.error);
  if (unreachable) return refusal(unreachable);
  if (!online && desk.access === Access.OPEN)
    return t("The live numbers are away for a moment. Your broadcast is not affected.");
  return "";
}

/** What a screen reader hears when the state changes. */
function said(desk) {
  if (desk.goLive.armed)
    return desk.contested
      ? t("Press again to take over. Escape cancels.")
      : t("Press again to go live. Escape cancels.");
  if (desk.told) return t(desk.told);
  if (desk.end.armed) return t("Press again to end the broadcast. Escape cancels.");
  return {
    [Phase.CONNECTING]: desk.broadcast.fellBack
      ? t("UDP is blocked here: going live over the web connection instead.")
      : t("Connecting…"),
    [Phase.LIVE]: t("You are live."),
    [Phase.PAUSED]: t("Paused"),
    [Phase.RECONNECTING]: t("Connection lost. Reconnecting…"),
    [Phase.ENDED]: t("Your broadcast has ended"),
  }[desk.phase] ?? "";
}

/** The studio's main part. */
export function shell(desk) {
  if (desk.access !== Access.OPEN) return gate(desk);
  const panels = desk.wide ? ["polls", "obs"] : ["camera", "polls", "obs"];
  const words = trouble(desk);
  return html`<div class=${classMap({ desk: true, "on-air": desk.onAir, [`phase-${desk.phase}`]: true })}>
    <p class="visually-hidden" role="status">${said(desk)}</p>
    <div class="left">
      ${stage(desk)} ${dock(desk)}
      ${words
        ? html`<p class="notice fault trouble" role="alert">${icons.warn}<span>${words}</span></p>`
        : refusedEncoder(desk)}
      ${desk.onAir && desk.broadcast.fellBack
        ? html`<p class="notice trouble">
            ${icons.link}<span>${t("UDP is blocked on this network: you are live over the web connection instead.")}</span>
          </p>`
        : nothing}
      ${panel(desk, "camera", panels, first(desk))}
    </div>
    <div class="side">
      ${tabs(desk, panels)} ${panel(desk, "polls", panels, polls(desk))}
      ${panel(desk, "obs", panels, obs(desk))}
    </div>
  </div>`;
}

/** The on-air line in the page's header: always in sight. */
export function onAirLine(desk) {
  if (desk.access !== Access.OPEN) return nothing;
  const state = {
    [Phase.CONNECTING]: html`<span class="tag">${t("Connecting…")}</span>`,
    [Phase.LIVE]: html`<span class="tag live">${t("LIVE")}</span>`,
    [Phase.PAUSED]: html`<span class="tag warn">${t("Paused")}</span>`,
    [Phase.RECONNECTING]: html`<span class="tag warn">${t("Reconnecting")}</span>`,
    [Phase.ENDED]: html`<span class="tag">${t("Ended")}</span>`,
  }[desk.phase];
  const counting = desk.onAir || desk.elsewhere;
  return html`${desk.elsewhere
      ? html`<span class="tag live">${t("LIVE")}</span>`
      : (state ?? html`<span class="tag">${t("Not live")}</span>`)}
    ${counting
      ? html`<span class="clock number" role="timer" aria-label=${t("Time on air")}>${duration(desk.elapsed ?? 0)}</span>
          <span class="watching number"
            >${icons.viewers}${number(desk.server.viewers)}<span class="visually-hidden">
              ${tn("viewer", "viewers", desk.server.viewers)}</span
            ></span
          >`
      : nothing}`;
}
