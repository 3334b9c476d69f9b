// What a voter is told of a poll's log before voting, a sentence each.

import { t } from "../page.js";

/** For `rules` of a poll as the API shows them: how its log is kept, and when the proof comes. */
export function logSentences({ log, revote }) {
  return [
    log === "recount"
      ? t("After the close every answer is published without names, so that anyone can count again. You could then show others how you answered.")
      : t("You will be able to prove that your ballot is recorded. Neither the log nor your receipt shows how you answered."),
    t("The proof that it is recorded comes within ten seconds."),
    ...(revote === "last"
      ? [t("You may change your answer until the close. A ballot that you replaced stays in the log; at the close it is signed as not counted, without saying by which it was replaced.")]
      : []),
  ];
}
