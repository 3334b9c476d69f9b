// A scale: one radio button a value, the words of its ends under it and in the ends' own names.

import { html, ifDefined, live, nothing } from "../../../vendor/lit.js";
import { number } from "../../page.js";

export function rating({ answering, question, fault, heading, described }) {
  const [chosen] = answering.draft.of(question);
  const { low, high, low_label: lowest, high_label: highest } = question.scale;
  const ends = { [low]: lowest, [high]: highest };
  return html`<fieldset
    class="scale"
    role="radiogroup"
    data-steps=${question.choices.length}
    aria-labelledby=${heading}
    aria-describedby=${ifDefined(described || undefined)}
    aria-invalid=${ifDefined(fault ? "true" : undefined)}
  >
    ${question.choices.map(({ id }) => {
      const value = number(Number(id));
      return html`<label class="choice step">
        <input
          type="radio"
          name="choice-${answering.poll.id}-${question.id}"
          value=${id}
          .checked=${live(chosen === id)}
          @change=${() => answering.choose(question, id)}
        />
        <span class="number">${value}</span>
        ${ends[id] ? html`<span class="visually-hidden" dir="auto">${ends[id]}</span>` : nothing}
      </label>`;
    })}
    ${lowest || highest
      ? html`<p class="scale-ends" aria-hidden="true"><span dir="auto">${lowest}</span><span dir="auto">${highest}</span></p>`
      : nothing}
  </fieldset>`;
}
