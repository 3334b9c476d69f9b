// What is said of late answers wherever their numbers stand, or one is given.

import { t } from "../page.js";

export const lateSentence = () =>
  t("Answers from the recording are counted apart and never added to those given live. Whoever answered live cannot be told from others, so one person may be in both.");
