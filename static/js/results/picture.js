/**
 * A poll's results as a picture to take away: the charts with their question, who asked, when, how
 * many, and that it is an opinion poll. The font is inside, so that it looks everywhere as here.
 */

import { t, tn } from "../page.js";
import { askedBy } from "../poll/asker.js";
import { lateSentence } from "../poll/late_words.js";
import { figures } from "./figures.js";
import { draw, markup, PALETTE, Pen } from "./chart.js";
import { isRtl, measure, saying } from "./measure.js";
import { answersOf, NOTICE, tiersLine, whenAsked } from "./words.js";

const WIDTH = 960;
const MARGIN = 48;
const SCALE = 2;

/** @returns {Promise<string>} the whole poll as SVG */
export async function picture(poll) {
  const sheet = { width: WIDTH - 2 * MARGIN, rtl: isRtl(), measure };
  const pen = new Pen(sheet);
  const all = figures(poll);
  for (const [place, figure] of all.entries()) {
    if (place) pen.y += 40;
    pen.paragraph(figure.text, 26, { weight: 700 });
    pen.paragraph(answersOf(figure), 14, { fill: PALETTE.quiet });
    pen.y += 16;
    if (figure.hidden) pen.paragraph(t("Results are not told."), 16, { fill: PALETTE.quiet });
    else draw(pen, figure, saying());
  }
  pen.y += 28;
  pen.box(0, pen.y, sheet.width, 1, PALETTE.bar, "chart-bar", 0);
  pen.y += 14;
  for (const line of footer(poll)) pen.paragraph(line, 14, { fill: PALETTE.quiet });
  return framed(pen, poll, await font());
}

function footer(poll) {
  const total = poll.tally?.total ?? 0;
  const people = tn("%(count)s person answered", "%(count)s people answered", total);
  return [
    [askedBy(poll), whenAsked(poll), people].join(" · "),
    tiersLine(poll.tier_results, poll),
    poll.late_of ? `${t("Answers from the recording, given after the poll on air.")} ${lateSentence()}` : "",
    poll.late?.total ? lateBeside(poll.late.total) : "",
    poll.simulated ? t("Simulated voters") : "",
    NOTICE(),
  ].filter(Boolean);
}

const lateBeside = (total) =>
  tn(
    "Apart from these, %(count)s person answered later, from the recording",
    "Apart from these, %(count)s people answered later, from the recording",
    total,
  );

function framed(pen, poll, face) {
  const high = Math.ceil(pen.y) + 2 * MARGIN;
  const inner = pen.parts.join("");
  pen.parts = [
    `<rect width="${WIDTH}" height="${high}" fill="${PALETTE.page}"/>`,
    `<g transform="translate(${MARGIN} ${MARGIN})">${inner}</g>`,
  ];
  pen.y = high;
  pen.sheet = { ...pen.sheet, width: WIDTH };
  const style = `<style>@font-face{font-family:Vazirmatn;font-weight:100 900;src:url(${face}) format("woff2")}</style>`;
  return markup(pen, { id: "poll", title: poll.question, desc: footer(poll).join(". ") }, style);
}

async function font() {
  const link = document.querySelector('link[as="font"]');
  const bytes = await (await fetch(link.href)).blob();
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.replace(/^data:[^;,]*/, "data:font/woff2"));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(bytes);
  });
}

/** @returns {Promise<Blob>} the SVG's picture, twice as fine as its units */
export async function toPng(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth * SCALE;
  canvas.height = image.naturalHeight * SCALE;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  // The font inside may come a frame after the picture itself.
  await new Promise((resolve) => setTimeout(resolve, 100));
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
  });
}

/** Hands `blob` to the browser as a file. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
