// An order: each choice has its place and two arrows; the row's handle can be dragged as well.
//
// The arrows keep the keyboard: after a move the same arrow of the same choice has it.

import { html, ifDefined, repeat } from "../../../vendor/lit.js";
import * as icons from "../../icons.js";
import { number, t } from "../../page.js";

export function ranking(context) {
  const { answering, question, heading, described } = context;
  const order = answering.draft.of(question);
  const labels = new Map(question.choices.map(({ id, label }) => [id, label]));
  return html`<ol class="ranking" role="list" aria-labelledby=${heading} aria-describedby=${ifDefined(described || undefined)}>
    ${repeat(
      order,
      (id) => id,
      (id, place) => row(context, id, labels.get(id), place, order.length),
    )}
  </ol>`;
}

function row(context, id, label, place, all) {
  return html`<li class="ranked" data-choice=${id} data-place=${place}>
    <span class="ranked-place number" aria-hidden="true">${number(place + 1)}</span>
    <span class="ranked-label">
      <span class="visually-hidden">${t("Place %(place)s:", { place: number(place + 1) })}</span>
      <span dir="auto">${label}</span>
    </span>
    ${arrow(context, id, label, place, -1, place === 0)} ${arrow(context, id, label, place, 1, place === all - 1)}
    <span class="ranked-handle" aria-hidden="true" @pointerdown=${(event) => drag(event, context, id)}>${icons.handle}</span>
  </li>`;
}

function arrow({ answering, question }, id, label, place, by, isEnd) {
  const name = by < 0 ? t("Move up: %(label)s", { label }) : t("Move down: %(label)s", { label });
  return html`<button
    class="button quiet icon ranked-arrow ${by < 0 ? "up" : ""}"
    type="button"
    aria-label=${name}
    title=${by < 0 ? t("Move up") : t("Move down")}
    aria-disabled=${ifDefined(isEnd ? "true" : undefined)}
    @click=${async (event) => {
      if (isEnd) return;
      const pressed = event.currentTarget;
      answering.move(question, id, place + by);
      await answering.host.settled?.();
      pressed.focus(); // a row that is moved in the page loses it
    }}
  >
    ${icons.chevron}
  </button>`;
}

// The dragged row goes to the place that the pointer is over; the others make room as it passes.
function drag(event, { answering, question }, id) {
  if (event.button !== 0) return;
  event.preventDefault();
  const handle = event.currentTarget;
  const list = handle.closest(".ranking");
  const own = () => list.querySelector(`[data-choice="${id}"]`);
  const move = (moved) => {
    const under = [...list.children].find((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return moved.clientY >= top && moved.clientY < bottom;
    });
    if (!under || under === own()) return;
    answering.move(question, id, Number(under.dataset.place));
  };
  const end = () => {
    own()?.classList.remove("dragged");
    for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, end);
    removeEventListener("pointermove", move);
  };
  own().classList.add("dragged");
  // On the window: the row is moved in the page while it is dragged, which ends a pointer's capture.
  addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end);
}
