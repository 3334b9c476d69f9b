/** How wide text is in the page's own font, and how numbers are said in a chart. */

import { decimal, number, percent, t } from "../page.js";

const context = document.createElement("canvas").getContext("2d");

/** @returns {number} pixels */
export function measure(text, px, weight) {
  context.font = `${weight} ${px}px ${getComputedStyle(document.documentElement).fontFamily}`;
  return context.measureText(text).width;
}

export const isRtl = () => document.documentElement.dir === "rtl";

/** The words a chart needs. */
export const saying = () => ({
  number,
  percent,
  right: t("right"),
  points: t("points"),
  mean: (mean, most) => t("Mean %(mean)s of %(most)s", { mean: decimal(mean), most: number(most) }),
});
