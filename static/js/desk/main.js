/** Starts the producer's desk: drawn again after each change, at most once a frame. */

import { render } from "../../vendor/lit.js";
import { Access } from "../studio/server_state.js";
import { gate } from "../studio/view/gate.js";
import { Desk } from "./desk.js";
import { pressed } from "./shortcuts.js";
import { view } from "./view.js";

const root = document.getElementById("desk");
let asked = false;

function draw() {
  asked = false;
  render(desk.access === Access.OPEN ? view(desk) : gate(desk), root);
  if (!desk.composer.focus) return;
  document.getElementById(desk.composer.focus)?.focus();
  desk.composer.focus = "";
}

function redraw() {
  if (asked) return;
  asked = true;
  if (document.visibilityState === "visible") requestAnimationFrame(draw);
  else setTimeout(draw, 250);
}

const desk = new Desk(redraw);

addEventListener("keydown", (event) => desk.access === Access.OPEN && pressed(desk, event));
addEventListener("pagehide", () => desk.leave());
setInterval(() => {
  desk.refresh();
  redraw();
}, 1_000);

draw();
desk.begin();
