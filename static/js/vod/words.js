// How a recording's page says moments and lengths.

import { page, timeOfDay, date } from "../page.js";

/** "24 November 2026, 15:04" in the reader's zone; Jalali in Persian. */
export function momentOfYear(seconds) {
  const joint = page.lang === "fa" ? "، " : ", ";
  return `${date(seconds)}${joint}${timeOfDay(seconds)}`;
}
