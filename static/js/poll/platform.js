// In another site's frame: who the voter is, is the messenger's to say, in words between its page
// and this one.
//
//     this page → its parent   {streamd: "ready"}          it listens; a token may be sent at once
//                              {streamd: "token?"}         one is needed: before a first answer, and
//                                                          again some minutes later
//                              {streamd: "refused", reason}  a token was not taken
//     its parent → this page   {streamd: "token", token}   the newest signed token; null: nobody is
//                                                          signed in there
//
// A token counts from the parent alone, and from origins that the server names alone; ours go to those
// origins alone. It is handed to the server once and kept nowhere: one that came unasked waits in
// memory for the next need, for a minute at most. One for another member than before is asked for at
// once, and so is null: two people may use one messenger's page in turn.

import { page } from "../page.js";

/** Whoever answers at all has done so by then. */
const FIRST_MS = 3000;
/** A messenger may have to ask its own server first. */
const ANSWER_MS = 10_000;
const UNASKED_MS = 60_000;

const waiting = new Set();
const watchers = new Set();
/** Whose token was handed over last; null: nobody's. */
let member = null;
let unasked = null;
let isListening = false;
let hasAnswered = false;
let wasSilent = false;

/** Why there is no token; `slug`: "signed_out", or "silent" where the parent says nothing. */
export class NoToken extends Error {
  constructor(slug) {
    super(`the page around this one: ${slug}`);
    this.slug = slug;
  }
}

/** Whether this page stands in a frame of another site. */
export function isForeignFrame() {
  if (window.top === window) return false;
  try {
    return window.top.location.origin !== location.origin;
  } catch {
    return true;
  }
}

/** The origins of pages that may hand over a token. */
export const origins = () => page.origins ?? [];

/** Whether the parent was asked and has never said anything, so that nobody need wait for it again. */
export const isSilent = () => wasSilent && !hasAnswered;

/** Calls `onOther()` once the parent says that somebody else is signed in there, or nobody. Returns a stop. */
export function watchMember(onOther) {
  watchers.add(onOther);
  return () => watchers.delete(onOther);
}

/** Tells the parent that a token is welcome. */
export function announce() {
  listen();
  tellParent({ streamd: "ready" });
}

/** Tells the page around this one, where it is our own or one of `origins`. */
export function tellParent(message) {
  if (window.parent === window) return;
  for (const origin of listeners()) window.parent.postMessage(message, origin);
}

/** The messenger's newest signed token, asked for anew each time. Rejects with NoToken. */
export function tokenFromParent() {
  listen();
  const { token, at } = unasked ?? {};
  unasked = null;
  if (token && performance.now() - at < UNASKED_MS) {
    member = memberOf(token);
    return Promise.resolve(token);
  }
  return new Promise((resolve, reject) => {
    const end = (answer) => {
      clearTimeout(late);
      waiting.delete(end);
      if (answer) resolve(answer);
      else reject(new NoToken(answer === null ? "signed_out" : "silent"));
    };
    const giveUp = () => {
      wasSilent = true;
      end();
    };
    const late = setTimeout(giveUp, hasAnswered ? ANSWER_MS : FIRST_MS);
    waiting.add(end);
    tellParent({ streamd: "token?" });
  });
}

function listen() {
  if (isListening || window.parent === window) return;
  isListening = true;
  addEventListener("message", take);
}

function take({ source, origin, data }) {
  if (source !== window.parent || !origins().includes(origin)) return;
  if (data?.streamd !== "token") return;
  const { token } = data;
  if (token !== null && (typeof token !== "string" || token === "")) return;
  hasAnswered = true;
  if (waiting.size === 0) unasked = token && { token, at: performance.now() };
  const isAsked = waiting.size > 0;
  for (const end of [...waiting]) end(token);
  const named = token && memberOf(token);
  const isOther = member !== null && named !== member;
  if (isAsked) member = named;
  else if (isOther) member = null;
  // A token that was asked for tells by itself whose it is.
  if (isOther && !(isAsked && token)) for (const onOther of [...watchers]) onOther();
}

// As the token itself says, unchecked: only the server's word makes anybody a voter.
function memberOf(token) {
  try {
    const { iss, sub } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return JSON.stringify([iss, sub]);
  } catch {
    return token;
  }
}

// The browser hands a message over only where the parent's origin is the one named; where it tells
// which that is, the others are left out, for each would be an error in its console.
function listeners() {
  const may = [location.origin, ...origins()];
  const parent = location.ancestorOrigins?.[0];
  return parent === undefined ? may : may.filter((origin) => origin === parent);
}
