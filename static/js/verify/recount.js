// Counting all opened answers of a poll again. polling/answers.py says what an answer counts.

import { joined, rootOf, sha256, utf8 } from "./merkle.js";
import { hex, unhex } from "./notes.js";
import { ballotLeaf } from "./receipt.js";

const AT_ONCE = 1_000;

/** {leaves, counted, superseded, root, counts}, `superseded` as the list's text, of the lines of openings.jsonl; throws where one cannot be read. */
export async function recount(poll, lines) {
  const leaves = [];
  const counts = {};
  const gone = [];
  for (let from = 0; from < lines.length; from += AT_ONCE) {
    const opened = lines.slice(from, from + AT_ONCE).map((line) => JSON.parse(line));
    leaves.push(...(await Promise.all(opened.map((one) => leafOf(poll.id, one)))));
    opened.forEach(({ answer, superseded }, place) => {
      if (superseded === true) gone.push(from + place);
      else count(poll.questions, answer, counts);
    });
  }
  const superseded = gone.map(supersededRow).join("");
  return { leaves: leaves.length, counted: leaves.length - gone.length, superseded, root: await rootOf(leaves), counts };
}

/** One row of the superseded list; polling/log.py has its form. */
export const supersededRow = (index) => `${String(index).padStart(12, "0")}\n`;

/** The indices in a superseded list, or null where it is not one: each once, ascending, below `size`. */
export function supersededPlaces(text, size) {
  const places = text.split("\n").slice(0, -1).map(Number);
  const isWhole = places.map(supersededRow).join("") === text;
  const ascends = places.every((place, n) => place > (places[n - 1] ?? -1) && place < size);
  return isWhole && ascends ? places : null;
}

async function leafOf(poll, { ballot_id, nonce, answer, superseded, commitment: sealed }) {
  if (superseded === true) return ballotLeaf(poll, ballot_id, sealed);
  const commitment = hex(await sha256(joined(unhex(nonce), utf8(answer))));
  return ballotLeaf(poll, ballot_id, commitment);
}

/** The names of the counters in which signed and recounted numbers differ. */
export function differing(signed, recounted) {
  const names = new Set([...Object.keys(signed), ...Object.keys(recounted)]);
  return [...names].filter((name) => (signed[name] ?? 0) !== (recounted[name] ?? 0)).sort();
}

function count(questions, answer, counts) {
  const parts = answer.split(";");
  if (parts.length !== questions.length) throw new Error("not an answer to this poll");
  questions.forEach((question, place) => {
    const prefix = questions.length > 1 ? `${question.id}.` : "";
    for (const [counter, number] of countedIn(question, parts[place])) {
      counts[prefix + counter] = (counts[prefix + counter] ?? 0) + number;
    }
  });
}

function countedIn(question, part) {
  if (!part) return [];
  const chosen = part.split(",");
  if (question.kind === "ranking") {
    // Borda: n-1 points for the first of n, none for the last.
    return chosen.map((choice, place) => [choice, question.choices.length - 1 - place]);
  }
  const counted = chosen.map((choice) => [choice, 1]);
  return question.kind === "multiple" && !question.required ? [...counted, ["answers", 1]] : counted;
}
