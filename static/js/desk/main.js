/** Starts the producer's desk. */

import { render } from "../../vendor/lit.js";
import { focusAsked, onceAFrame } from "../studio/drawing.js";
import { Access } from "../studio/server_state.js";
import { gate } from "../studio/view/gate.js";
import { Desk } from "./desk.js";
import { pressed } from "./shortcuts.js";
import { view } from "./view.js";

const root = document.getElementById("desk");
const redraw = onceAFrame(draw);

function draw() {
  render(desk.access === Access.OPEN ? view(desk) : gate(desk), root);
  focusAsked(desk.composer);
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
