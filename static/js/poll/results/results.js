// A poll's results, or why they are not told now and when they will be.

import { html } from "../../../vendor/lit.js";
import * as icons from "../../icons.js";
import { t, timeOfDay } from "../../page.js";
import { answerIn } from "../draft.js";
import { isSurvey, questionsOf } from "../questions.js";
import { regions, tiers } from "./groups.js";
import { result } from "./question.js";

export function results(element) {
  const { poll, tally, ballot } = element;
  if (tally && !tally.counts) return html`${hidden(poll)}${tiers(poll, tally)}`;
  const several = isSurvey(poll);
  return html`${questionsOf(poll).map((question) => {
      const said = answerIn(ballot?.said, question, several);
      if (!several) return result(poll, question, tally, said, `question-${poll.id}`);
      const heading = `result-${poll.id}-${question.id}`;
      return html`<section class="question-result" aria-labelledby=${heading}>
        <h3 id=${heading}><span dir="auto">${question.text}</span></h3>
        ${result(poll, question, tally, said, heading)}
      </section>`;
    })}
    ${tiers(poll, tally)} ${regions(poll, element.regions)}`;
}

/** When the rules let everybody see the results. */
function hidden(poll) {
  return html`<p class="notice hidden-results">${icons.shield}<span>${whyHidden(poll)}</span></p>`;
}

export function whyHidden({ rules, results: visibility, state, closes_at: closes, isReplayed }) {
  const isOrganisers = (rules?.results ?? visibility) === "organiser";
  if (isReplayed && state === "open" && !isOrganisers) {
    return t("While people answered, the results were hidden, as they are here. They show once the poll has closed.");
  }
  switch (rules?.results ?? visibility) {
    case "organiser":
      return t("The results of this poll are its organiser's. Its voters were told so before they answered.");
    case "after_vote":
      return state === "open"
        ? t("Results show once you have answered, so that they do not sway anybody; to everybody after the close.")
        : t("The results show in a moment.");
    default:
      if (state !== "open") return t("The results show in a moment.");
      return closes
        ? t("Results show to everybody after the close, at %(time)s, so that they do not sway anybody.", { time: timeOfDay(closes) })
        : t("Results show to everybody after the close, so that they do not sway anybody.");
  }
}

/** Whether somebody who has not answered may look at the results while the poll is open. */
export const areLive = ({ rules, results: visibility }) => (rules?.results ?? visibility ?? "live") === "live";

