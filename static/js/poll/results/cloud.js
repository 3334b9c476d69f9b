// The words of approved open answers as a list, the most frequent first, each with its count: size
// repeats what the number says, and nothing is turned or scattered.

import { html } from "../../../vendor/lit.js";
import { number, t, tn } from "../../page.js";

const SIZES = 5;

export function cloud({ question, tally, answers, heading }) {
  const words = tally?.words?.[question.id] ?? [];
  const most = words[0]?.[1] ?? 1;
  return html`<p class="cloud-line muted small">
      ${tn("%(count)s answer", "%(count)s answers", answers)} · ${t("words of those that the organiser approved")}
    </p>
    ${words.length
      ? html`<ul class="cloud" role="list" aria-labelledby=${heading}>
          ${words.map(
            ([word, count]) => html`<li data-size=${Math.max(1, Math.ceil((SIZES * count) / most))}>
              <span dir="auto">${word}</span><span class="cloud-count number" aria-hidden="true">${number(count)}</span
              ><span class="visually-hidden">${t(", ")}${tn("in %(count)s answer", "in %(count)s answers", count)}</span>
            </li>`,
          )}
        </ul>`
      : html`<p class="muted">${t("None is approved yet.")}</p>`}`;
}
