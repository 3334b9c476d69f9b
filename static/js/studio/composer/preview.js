/** What viewers will see: their own poll element, with a poll that does not exist yet. */

import "../../poll/poll.js";
import { html } from "../../../vendor/lit.js";
import { number, page, serverNow, t } from "../../page.js";
import { takeKey } from "../key.js";
import { toRow } from "./question.js";

/** The line of a preview: nothing arrives on it and nothing leaves. */
const still = Object.freeze({
  isUp: true,
  watch(onChange) {
    onChange(true);
    return () => {};
  },
  subscribe() {},
  unsubscribe() {},
  identify: () => Promise.resolve(),
  forgetIdentity() {},
  call: () => new Promise(() => {}),
});

const unnamed = {
  get question() {
    return t("Your question");
  },
  choice: (place) => t("Choice %(number)s", { number: number(place) }),
};

const now = serverNow();
let asked = "";
let version = 0;

/** The voter's element answers anew where what is asked has changed. */
function versionOf(questions) {
  const written = JSON.stringify(questions);
  if (written !== asked) version += 1;
  asked = written;
  return version;
}

/** Whose key it is asks. */
function asker() {
  const { stream, event } = page;
  if (stream && !takeKey(stream.id).startsWith("hq_")) return stream.candidate?.name ?? stream.id;
  return event?.asker ?? "";
}

/** @param {import("./composer.js").Composer} draft @returns {object} a row as the API has it */
export function previewRow(draft) {
  const questions = draft.questions.map((one, place) => toRow(one, place, unnamed));
  const rules = { ...draft.fit, duration_seconds: draft.duration };
  // The rules are the reader's to know; who may enter is not asked of the organiser.
  return {
    // Viewers' questions are no ballot: another poll to the element, not the same one edited.
    id: questions[0].kind === "qa" ? "preview-qa" : "preview",
    stream: page.stream?.id ?? "",
    state: "open",
    kind: questions.length > 1 ? "survey" : questions[0].kind,
    question: questions[0].text,
    choices: questions[0].choices,
    questions,
    rules: { ...rules, who: ["device", ...rules.who.filter((tier) => tier !== "device")], regions: [], shuffle: false },
    version: versionOf(questions),
    seed: "",
    asker: asker(),
    asked_by: null,
    duration_seconds: draft.duration,
    created_at: now,
    opens_at: null,
    opened_at: now,
    closes_at: draft.duration ? serverNow() + draft.duration : null,
    closed_at: null,
    shown_at: null,
    simulated: false,
    results: rules.results,
    tier_results: {},
    tally: { poll: "preview", state: "open", seq: 0, total: 0, counts: {}, ...(questions[0].kind === "qa" ? { items: [] } : {}) },
  };
}

/** It cannot be pressed; a screen reader hears the sheet in a sentence. */
export function preview(draft) {
  const row = previewRow(draft);
  const said = row.questions.flatMap((one) => [one.text, ...one.choices.map(({ label }) => label)]).join(". ");
  return html`<div class="preview card floating" role="img" aria-label=${`${t("What viewers will see")}: ${said}`}>
    <div inert><streamd-poll .poll=${row} .feed=${still} .isWaiting=${false}></streamd-poll></div>
  </div>`;
}
