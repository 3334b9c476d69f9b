// What is said of late answers wherever their numbers stand, or one is given.

import { moment, t } from "../page.js";

export const lateSentence = () =>
  t("Answers from the recording are counted apart and never added to those given live. Whoever answered live cannot be told from others, so one person may be in both.");

/** Until when they are taken, Unix seconds; nothing where no time is set. */
export const lateUntil = (closes) =>
  closes ? t("Late answers are taken until %(time)s. Then the key that knows each voter is deleted.", { time: moment(closes) }) : "";
