// In which order this voter sees the choices, where the poll's rules say that they are shuffled.
//
// Sorted by SHA-256(the poll's published seed ‖ this page's seed ‖ question and choice): whoever
// knows both seeds can check it, and neither has anything to do with the ballot.

import { kept, keep } from "./keeping.js";
import { sha256 } from "./sha256.js";

const KEY = "streamd.order";

/** `question` with its choices in this voter's order. A rating's scale has one order for all. */
export function ordered(poll, question) {
  if (!poll.rules?.shuffle || !poll.seed || question.kind === "rating") return question;
  const mine = pageSeed();
  const place = new Map(question.choices.map(({ id }) => [id, sha256(`${poll.seed}${mine}${question.id}.${id}`)]));
  const choices = [...question.choices].sort((a, b) => (place.get(a.id) < place.get(b.id) ? -1 : 1));
  return { ...question, choices };
}

let made = null;

/** This browser's own seed, 32 hexadecimal characters: kept, so that a reload shuffles nothing. */
export function pageSeed() {
  made ??= kept(KEY);
  if (!made) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    keep(KEY, made);
  }
  return made;
}
