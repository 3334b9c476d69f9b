// An open answer: a field that counts its characters; near the end of its room it says so aloud.

import { html, ifDefined, live } from "../../../vendor/lit.js";
import { number, t, tn } from "../../page.js";
import { lengthOf, TEXT_CHARACTERS } from "../draft.js";

const NEAR = 20;

export function text({ answering, question, fault, heading, described }) {
  const written = answering.draft.of(question);
  return writing({
    id: `text-${answering.poll.id}-${question.id}`,
    written,
    most: TEXT_CHARACTERS,
    fault,
    heading,
    described,
    onInput: (value) => answering.write(question, value),
  });
}

/** A field of at most `most` characters with its counter. */
export function writing({ id, written, most, fault, heading, described, onInput }) {
  const length = lengthOf(written);
  const left = most - length;
  const counter = `${id}-counter`;
  return html`<div class="writing">
    <textarea
      class="input"
      id=${id}
      rows="3"
      dir="auto"
      autocomplete="off"
      aria-labelledby=${heading}
      aria-describedby=${[described, counter].filter(Boolean).join(" ")}
      aria-invalid=${ifDefined(fault ? "true" : undefined)}
      .value=${live(written)}
      @input=${(event) => onInput(event.target.value)}
    ></textarea>
    <p class="writing-count number ${left < 0 ? "over" : ""}" id=${counter}>
      <span aria-hidden="true">${number(length)} / ${number(most)}</span>
      <span class="visually-hidden">${t("%(used)s of %(most)s characters", { used: number(length), most: number(most) })}</span>
    </p>
    <p class="visually-hidden" role="status">${left <= NEAR ? room(left) : ""}</p>
  </div>`;
}

const room = (left) =>
  left < 0
    ? tn("%(count)s character too many", "%(count)s characters too many", -left)
    : tn("Room for %(count)s more character", "Room for %(count)s more characters", left);
