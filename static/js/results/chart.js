/**
 * Results as SVG, pure: text in, markup out, so that the page, the download and a test have the same
 * drawing. Every shape has a colour of its own for a file that stands alone, and a class by which the
 * page's style sheet gives it the theme's.
 */

export const PALETTE = Object.freeze({
  text: "#15191a",
  quiet: "#4d5557",
  bar: "#8d9694",
  strong: "#15191a",
  track: "#edefee",
  page: "#ffffff",
});

const LABEL = 16;
const COUNT = 20;
const NOTE = 14;
const BAR = 14;
const GAP = 20;
const END = 116;

const RTL = /[\u0590-\u08ff\ufb1d-\ufefc]/;
const STRONG = /[A-Za-z\u00c0-\u024f\u0370-\u058f\u0590-\u08ff\ufb1d-\ufefc]/;

export const escaped = (text) =>
  String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

/** Whether `text` reads from the right: by its first letter, or as the page does. */
function isRtl(text, page) {
  const first = STRONG.exec(text)?.[0];
  return first ? RTL.test(first) : page;
}

/** @param {{width: number, rtl: boolean, measure: (text: string, px: number, weight: number) => number}} sheet */
export class Pen {
  constructor(sheet) {
    this.sheet = sheet;
    this.y = 0;
    this.parts = [];
  }

  /** From the line's beginning: the left, in Persian the right. */
  x(along, wide = 0) {
    return this.sheet.rtl ? this.sheet.width - along - wide : along;
  }

  box(along, y, wide, high, fill, name, radius = high / 2) {
    const corner = Math.min(radius, wide / 2, high / 2).toFixed(2);
    this.parts.push(
      `<rect class="${name}" x="${this.x(along, wide).toFixed(2)}" y="${y.toFixed(2)}" width="${wide.toFixed(2)}" height="${high.toFixed(2)}" rx="${corner}" fill="${fill}"/>`,
    );
  }

  /** `anchor`: the side of the line at `along`, as the page reads: "start", "middle" or "end". */
  text(text, along, y, px, { weight = 400, fill = PALETTE.text, name = "chart-text", anchor = "start" } = {}) {
    const own = isRtl(text, this.sheet.rtl);
    const turned = { start: "end", end: "start", middle: "middle" }[anchor];
    this.parts.push(
      `<text class="${name}" x="${this.x(along).toFixed(2)}" y="${y.toFixed(2)}" font-size="${px}" font-weight="${weight}" fill="${fill}" direction="${own ? "rtl" : "ltr"}" text-anchor="${own === this.sheet.rtl ? anchor : turned}">${escaped(text)}</text>`,
    );
  }

  /** Lines of `text` that fit; what no space divides is cut. */
  lines(text, px, weight, wide) {
    const fits = (line) => this.sheet.measure(line, px, weight) <= wide;
    const lines = [];
    let line = "";
    for (const word of text.split(/\s+/)) {
      const longer = line ? `${line} ${word}` : word;
      if (fits(longer)) {
        line = longer;
        continue;
      }
      if (line) lines.push(line);
      line = word;
      while (!fits(line) && line.length > 1) {
        let end = line.length - 1;
        while (end > 1 && !fits(line.slice(0, end))) end -= 1;
        lines.push(line.slice(0, end));
        line = line.slice(end);
      }
    }
    return line ? [...lines, line] : lines;
  }

  /** Writes `text` in as many lines as it takes and moves below them. */
  paragraph(text, px, look = {}, wide = this.sheet.width) {
    const high = Math.round(px * (this.sheet.rtl ? 1.7 : 1.45));
    for (const line of this.lines(text, px, look.weight ?? 400, wide)) {
      this.text(line, 0, this.y + px, px, look);
      this.y += high;
    }
  }
}

/** @param {import("./figures.js").Figure} figure @param {object} say how to say numbers */
export function draw(pen, figure, say) {
  if (figure.kind === "rating") return histogram(pen, figure, say);
  if (figure.kind === "text") return cloud(pen, figure);
  return bars(pen, figure, say);
}

function bars(pen, figure, say) {
  const { width } = pen.sheet;
  const long = width - END;
  figure.rows.forEach((row, place) => {
    if (place) pen.y += GAP;
    const label = figure.kind === "ranking" ? `${say.number(place + 1)}. ${row.label}` : row.label;
    pen.paragraph(row.right ? `${label} — ${say.right}` : label, LABEL, { weight: row.right ? 700 : 500 });
    const y = pen.y + 4;
    pen.box(0, y, long, BAR, PALETTE.track, "chart-track");
    if (row.share > 0) {
      const wide = Math.max(BAR / 2, long * Math.min(1, row.share));
      pen.box(0, y, wide, BAR, row.right ? PALETTE.strong : PALETTE.bar, row.right ? "chart-strong" : "chart-bar");
    }
    const base = y + BAR - 1;
    pen.text(say.number(row.count), width - 56, base, COUNT, { weight: 700, anchor: "end" });
    const note = figure.kind === "ranking" ? say.points : say.percent(row.share);
    pen.text(note, width, base, NOTE, { fill: PALETTE.quiet, name: "chart-quiet", anchor: "end" });
    pen.y = y + BAR + 4;
  });
}

function histogram(pen, figure, say) {
  const { width } = pen.sheet;
  const high = 160;
  const step = width / figure.rows.length;
  const wide = Math.min(72, step * 0.72);
  const most = Math.max(1, ...figure.rows.map((row) => row.count));
  if (figure.mean !== null) {
    // The mark that stands at the mean below, beside its words.
    pen.box(0, pen.y + 8, 4, 16, PALETTE.strong, "chart-strong", 1);
    pen.text(say.mean(figure.mean, Number(figure.rows.at(-1).id)), 12, pen.y + 24, 24, { weight: 700 });
    pen.y += 48;
  }
  const floor = pen.y + 24 + high;
  figure.rows.forEach((row, place) => {
    const middle = step * (place + 0.5);
    const tall = Math.max(2, (high * row.count) / most);
    pen.box(middle - wide / 2, floor - tall, wide, tall, PALETTE.bar, "chart-bar", 4);
    pen.text(say.number(row.count), middle, floor - tall - 8, NOTE, { weight: 700, anchor: "middle" });
    pen.text(say.number(Number(row.label)), middle, floor + 22, NOTE, {
      anchor: "middle",
      fill: PALETTE.quiet,
      name: "chart-quiet",
    });
  });
  pen.box(0, floor, width, 1, PALETTE.bar, "chart-bar", 0);
  pen.y = floor + 32;
  if (figure.mean !== null) {
    const along = step * (figure.mean - Number(figure.rows[0].id) + 0.5);
    pen.box(along - 2, floor - 8, 4, 16, PALETTE.strong, "chart-strong", 1);
  }
  const { low_label: low, high_label: top } = figure.scale ?? {};
  const quiet = { fill: PALETTE.quiet, name: "chart-quiet" };
  if (low) pen.text(low, 0, pen.y + NOTE, NOTE, quiet);
  if (top) pen.text(top, width, pen.y + NOTE, NOTE, { ...quiet, anchor: "end" });
  if (low || top) pen.y += 28;
}

/** Approved words in lines, the most frequent first and largest. */
function cloud(pen, figure) {
  const { width, measure } = pen.sheet;
  const most = Math.max(1, ...figure.words.map(([, count]) => count));
  let along = 0;
  let line = [];
  const flush = () => {
    if (!line.length) return;
    const tall = Math.max(...line.map((one) => one.px));
    for (const one of line) pen.text(one.word, one.along, pen.y + tall, one.px, { weight: one.weight });
    pen.y += tall * 1.5;
    line = [];
    along = 0;
  };
  for (const [word, count] of figure.words) {
    const px = Math.round(16 + 24 * Math.sqrt(count / most));
    const weight = count === most ? 800 : 600;
    const wide = measure(word, px, weight);
    if (along && along + wide > width) flush();
    line.push({ word, along, px, weight });
    along += wide + px * 0.6;
  }
  flush();
}

/** @returns {string} the chart of one question as markup, `height` in it */
export function chart(figure, sheet, say, names) {
  const pen = new Pen(sheet);
  draw(pen, figure, say);
  return markup(pen, names);
}

/** @param {{id: string, title: string, desc: string}} names what a screen reader hears */
export function markup(pen, { id, title, desc }, within = "") {
  const { width } = pen.sheet;
  const height = Math.ceil(pen.y);
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="${id}-title ${id}-desc" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Vazirmatn, system-ui, sans-serif"><title id="${id}-title">${escaped(title)}</title><desc id="${id}-desc">${escaped(desc)}</desc>${within}${pen.parts.join("")}</svg>`;
}
