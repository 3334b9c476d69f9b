// What the poll keeps in this browser. Storage may be refused, as in another site's frame; then it lives
// as long as the page.

import { sha256 } from "./sha256.js";

const MARK_CHARACTERS = 16;

const forThisPage = new Map();

/**
 * The key of what is kept of `poll` for `holder`, as identity.js has it: a browser may serve several
 * people, and none of them sees another's. The holder itself is not kept, nor are two polls of one
 * holder marked alike.
 */
export function placeOf(what, poll, holder) {
  const place = `streamd.${what}.${poll}`;
  return holder ? `${place}.${sha256(`${holder}.${poll}`).slice(0, MARK_CHARACTERS)}` : place;
}

/** The value kept under `key`, or null. */
export function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return forThisPage.get(key) ?? null;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    forThisPage.set(key, value);
  }
}

export function drop(key) {
  forThisPage.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // storage refused: it was in this page alone
  }
}

/** Whether what is kept outlives this page. */
export function keepsBeyondPage() {
  try {
    return localStorage.length >= 0;
  } catch {
    return false;
  }
}

/** 128 random bits as 32 hexadecimal characters. */
export function random128() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
