/** The viewers' own poll card, drawn from a draft by the viewers' own code; it cannot be pressed. */

import { number, serverNow, t } from "../../page.js";
import { card } from "../../poll/views.js";
import { html } from "../../../vendor/lit.js";

const still = () => {};

/** What the card reads of a `<streamd-poll>`, for a poll that does not exist yet. */
function unasked({ question, labels, asker, seconds }) {
  const now = serverNow();
  return {
    poll: {
      id: "preview",
      state: "open",
      question: question || t("Your question"),
      choices: labels.map((label, place) => ({
        id: `preview-${place}`,
        label: label || t("Choice %(number)s", { number: number(place + 1) }),
      })),
      asker,
      duration_seconds: seconds,
      created_at: now,
      opened_at: now,
      closes_at: seconds ? now + seconds : null,
    },
    view: "ask",
    isOpen: true,
    left: seconds ?? Infinity,
    tally: null,
    ballot: null,
    picked: null,
    spoken: "",
    pick: still,
    vote: still,
    peek: still,
  };
}

/**
 * @param {{question: string, labels: string[], asker: string, seconds: number | null}} draft
 */
export function preview(draft) {
  const said = [draft.question, ...draft.labels].filter(Boolean).join(". ");
  return html`<div class="preview card floating" role="img" aria-label=${`${t("What viewers will see")}: ${said}`}>
    <div inert>${card(unasked(draft))}</div>
  </div>`;
}
