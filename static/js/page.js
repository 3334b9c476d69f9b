// What the server told this page, and how to say numbers, dates and sentences in its language.

/** @type {{lang: string, dir: string, feed_url: string, now: number, strings: Record<string,string>,
 *   stream?: object, streams?: object[], event?: {id: string, title: string}}} */
export const page = read();

function read() {
  const element = document.getElementById("page");
  const empty = { lang: document.documentElement.lang || "en", dir: "ltr", strings: {}, now: 0 };
  return element ? { ...empty, ...JSON.parse(element.textContent) } : empty;
}

const locale = page.lang === "fa" ? "fa-IR-u-nu-arabext-ca-persian" : "en-GB";
const plurals = new Intl.PluralRules("en");
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const share = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const clockToTheSecond = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });
const dayAndClock = new Intl.DateTimeFormat(locale, {
  day: "numeric",
  month: "long",
  hour: "2-digit",
  minute: "2-digit",
});

/** The sentence in the page's language; `%(name)s` in it is replaced by `values.name`. */
export function t(msgid, values) {
  const text = page.strings[msgid] || msgid;
  if (!values) return text;
  return text.replace(/%\((\w+)\)s/g, (found, name) => (name in values ? String(values[name]) : found));
}

/** Chooses `one` or `many` by `count` and fills `%(count)s` with it, formatted. */
export function tn(one, many, count, values) {
  return t(plurals.select(count) === "one" ? one : many, { count: number(count), ...values });
}

/** A whole number with the language's digits and grouping. */
export const number = (value) => whole.format(value);

/** A number with exactly `digits` decimals. */
export function decimal(value, digits = 1) {
  return value.toLocaleString(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** A share from 0 to 1 as per cent. */
export const percent = (value) => share.format(value);

/** Hours and minutes of a Unix time in seconds. */
export const timeOfDay = (seconds) => clock.format(seconds * 1000);

/** Hours, minutes and seconds of a Unix time in seconds. */
export const timeToTheSecond = (seconds) => clockToTheSecond.format(seconds * 1000);

/** Day, month and year (Jalali in Persian) of a Unix time in seconds. */
export const date = (seconds) => day.format(seconds * 1000);

/** Day, month, hours and minutes of a Unix time in seconds. */
export const moment = (seconds) => dayAndClock.format(seconds * 1000);

/** `m:ss`, or `h:mm:ss` from an hour on. */
export function duration(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  if (parts[0] === 0) parts.shift();
  const pad = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2, useGrouping: false });
  return parts.map((value, i) => (i === 0 ? whole.format(value) : pad.format(value))).join(":");
}

/** Runs of digits in `text` in the language's own digits (for ids and codes leave them alone). */
export function digits(text) {
  return page.lang === "fa" ? String(text).replace(/\d/g, (d) => "۰۱۲۳۴۵۶۷۸۹"[d]) : String(text);
}

// The server's clock against ours, so that every screen counts down to the same instant. The
// page's own age is taken off: a page restored from a cache was rendered long ago.
const offset = page.now ? page.now - (performance.timeOrigin + readyAt()) / 1000 : 0;

function readyAt() {
  const [entry] = performance.getEntriesByType("navigation");
  return entry && entry.responseStart > 0 ? entry.responseStart : performance.now();
}

/** The server's Unix time in seconds, as this page knows it. */
export const serverNow = () => Date.now() / 1000 + offset;

/** True where the reader asked for less motion. */
export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
