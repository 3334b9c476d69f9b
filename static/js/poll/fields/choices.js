// One of several choices, or several of them: radio buttons or boxes, each in a row of its own.

import { html, ifDefined, live } from "../../../vendor/lit.js";

export function choices({ answering, question, fault, heading, described }) {
  const isMultiple = question.kind === "multiple";
  const chosen = answering.draft.of(question);
  const isFull = isMultiple && chosen.length >= question.maximum;
  return html`<fieldset
    role=${isMultiple ? "group" : "radiogroup"}
    aria-labelledby=${heading}
    aria-describedby=${ifDefined(described || undefined)}
    aria-invalid=${ifDefined(!isMultiple && fault ? "true" : undefined)}
  >
    ${question.choices.map(({ id, label }) => {
      const isChosen = chosen.includes(id);
      return html`<label class="choice ${isFull && !isChosen ? "full" : ""}">
        <input
          type=${isMultiple ? "checkbox" : "radio"}
          name="choice-${answering.poll.id}-${question.id}"
          value=${id}
          .checked=${live(isChosen)}
          aria-invalid=${ifDefined(isMultiple && fault ? "true" : undefined)}
          @change=${() => (isMultiple ? answering.toggle(question, id) : answering.choose(question, id))}
        />
        <span dir="auto">${label}</span>
      </label>`;
    })}
  </fieldset>`;
}
