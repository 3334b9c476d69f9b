/** Starts the studio. */

import { render } from "../../vendor/lit.js";
import { Desk } from "./desk.js";
import { focusAsked, onceAFrame } from "./drawing.js";
import { onAirLine, shell } from "./view/shell.js";

const root = document.getElementById("studio");
const line = document.getElementById("on-air");
const wide = matchMedia("(min-width: 1000px)");
const redraw = onceAFrame(draw);

function draw() {
  desk.wide = wide.matches;
  document.documentElement.classList.toggle("on-air", desk.onAir);
  document.documentElement.classList.toggle("counting", desk.onAir || desk.elsewhere);
  render(shell(desk), root);
  render(onAirLine(desk), line);
  focusAsked(desk.composer);
}

const desk = new Desk(redraw);

function meter(now) {
  const level = desk.devices.muted ? 0 : desk.level.read();
  for (const element of document.querySelectorAll("[data-level]")) {
    element.style.setProperty("--level", (level ?? 0).toFixed(3));
  }
  if (desk.devices.media && desk.hearing.take(level, desk.devices.muted, now)) redraw();
  requestAnimationFrame(meter);
}

wide.addEventListener("change", redraw);
setInterval(redraw, 1_000);
requestAnimationFrame(meter);

for (const press of ["pointerdown", "keydown"]) {
  addEventListener(press, () => desk.level.wake(), { passive: true });
}
document.addEventListener("visibilitychange", () => desk.keepAwake());
addEventListener("hashchange", () => {
  const given = location.hash;
  if (given.includes("key=") && !desk.onAir) {
    history.replaceState(history.state, "", location.pathname + location.search);
    desk.enter(given);
  }
});
addEventListener("beforeunload", (event) => {
  if (desk.onAir) event.preventDefault();
});
addEventListener("pagehide", () => desk.leave());
// Back from the browser's page cache: sockets and camera are gone, so begin anew.
addEventListener("pageshow", (event) => event.persisted && location.reload());

draw();
desk.begin();
