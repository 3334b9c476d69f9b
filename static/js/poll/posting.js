// What voters send over plain HTTP, where the feed's socket does not carry it.

import { identity } from "../identity/identity.js";

export const NO_IDENTITY = 1004;
export const REFUSALS_FROM = 1001;
/** Not the server's: the ballot was made as somebody else, and is not sent as who answers now. */
export const OTHER_IDENTITY = 1998;
const OTHER_REFUSAL = 1999;
const TRY_LATER = [408, 425, 429];

// The slugs of the problem details, by the socket's codes.
const CODES_BY_PROBLEM = {
  unknown_poll: 1001,
  unknown_choice: 1002,
  closed: 1003,
  no_identity: NO_IDENTITY,
  already_voted: 1005,
  ballot_conflict: 1006,
  not_eligible: 1007,
  poll_changed: 1008,
  too_many_asked: 1009,
  unknown_item: 1010,
};

/** `code`: below 1001 the line or the server failed, and the same may be sent again. */
export class Refused extends Error {
  constructor(code, why = "") {
    super(`refused: ${code}`);
    this.code = code;
    this.why = why;
  }
}

/** Posts `body` as this voter; the answer's JSON. Rejects with Refused, or as fetch does. */
export async function postJson(path, body) {
  const { holder } = identity;
  const headers = { "Content-Type": "application/json", ...(await identity.headers()) };
  mustBe(holder);
  const response = await fetch(path, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (response.ok) return response.json();
  const { type = "", why } = await response.json().catch(() => ({}));
  const slug = type.split(":").pop();
  const code = CODES_BY_PROBLEM[slug];
  if (code) throw new Refused(code, why);
  if (response.status >= 500 || TRY_LATER.includes(response.status)) throw new Refused(0);
  // The proof of work is handed in for the feed's token, which is asked for again.
  throw new Refused(slug === "proof_needed" ? 0 : OTHER_REFUSAL);
}

/**
 * Calls `method` on the feed's socket; where that fails, posts `body` to `path`. Rejects with
 * {code}: from 1001 on it is refused, below that it may be sent again.
 */
export async function callOrPost(feed, method, data, path, body) {
  const { holder } = identity;
  try {
    await feed.identify();
    mustBe(holder);
    return await feed.call(method, data);
  } catch (error) {
    mustBe(holder);
    if (error.code === NO_IDENTITY) feed.forgetIdentity();
    else if (error.code >= REFUSALS_FROM) throw error;
  }
  return postJson(path, body);
}

// A token may come for somebody else than before: what was written as one is not sent as the other.
function mustBe(holder) {
  if (identity.holder !== holder) throw new Refused(0);
}
