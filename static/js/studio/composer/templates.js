/** Sheets to start from: ours, in the page's language, and the organiser's own, kept in this browser. */

import { t } from "../../page.js";

const SLOT = "streamd.templates";
const OWN_AT_MOST = 30;

/** @returns {{id: string, name: string, questions: object[], rules?: object}[]} */
export function templates() {
  return [
    {
      id: "yes-no",
      name: t("Yes or no"),
      questions: [{ choices: [t("Yes"), t("No")] }],
    },
    {
      id: "agree",
      name: t("How much do you agree?"),
      questions: [
        {
          choices: [t("Fully agree"), t("Rather agree"), t("Neither"), t("Rather disagree"), t("Fully disagree")],
        },
      ],
    },
    {
      id: "rating",
      name: t("Rating from 1 to 5"),
      questions: [{ kind: "rating", scale: { low: 1, high: 5, low_label: t("Very poor"), high_label: t("Very good") } }],
    },
    {
      id: "priorities",
      name: t("Priorities"),
      questions: [
        {
          kind: "ranking",
          text: t("In which order should these be done?"),
          choices: [t("Water and air"), t("Housing"), t("Transport"), t("Schools")],
        },
      ],
      rules: { results: "after_close", shuffle: true },
    },
    {
      id: "quiz",
      name: t("Quiz"),
      questions: [{ kind: "quiz", choices: ["", "", ""], right: ["1"] }],
      rules: { results: "after_close", shuffle: true },
    },
    {
      id: "word",
      name: t("Word cloud"),
      questions: [{ kind: "text", text: t("What matters most to you? One or two words.") }],
    },
    {
      id: "qa",
      name: t("Questions from viewers"),
      questions: [{ kind: "qa", text: t("What do you want to ask?") }],
    },
    {
      id: "feedback",
      name: t("Feedback survey"),
      questions: [
        {
          kind: "rating",
          text: t("How useful was this broadcast to you?"),
          scale: { low: 1, high: 5, low_label: t("Not at all"), high_label: t("Very") },
        },
        {
          kind: "multiple",
          text: t("What should there be more of?"),
          choices: [t("Answers to viewers"), t("Facts and figures"), t("Guests"), t("Subtitles")],
        },
        { kind: "text", text: t("Anything else?"), required: false },
      ],
      rules: { results: "after_close" },
    },
  ];
}

/** @returns {{id: string, name: string, questions: object[], rules: object}[]} */
export function ownTemplates() {
  try {
    const kept = JSON.parse(localStorage.getItem(SLOT) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => Array.isArray(one?.questions)) : [];
  } catch {
    return [];
  }
}

/** @returns {boolean} whether it is kept */
export function keepTemplate(template) {
  const others = ownTemplates().filter((one) => one.name !== template.name);
  return store([{ ...template, id: `own-${Date.now()}` }, ...others].slice(0, OWN_AT_MOST));
}

export const dropTemplate = (id) => store(ownTemplates().filter((one) => one.id !== id));

function store(list) {
  try {
    localStorage.setItem(SLOT, JSON.stringify(list));
    return true;
  } catch {
    return false;
  }
}
