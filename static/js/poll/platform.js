// In another site's frame: who the voter is, is the messenger's to say. Our cookies don't count
// there, so its page hands over its signed token, or the voter goes on in a tab of our own.
//
// The page asks its parent {streamd: "token?"} and takes {streamd: "token", token} from origins that
// the server names alone.

import { page } from "../page.js";

const ANSWER_MS = 4000;

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

/** Asks the parent page for its platform's newest signed token. Rejects where none comes. */
export function tokenFromParent() {
  return new Promise((resolve, reject) => {
    const take = ({ source, origin, data }) => {
      if (source !== window.parent || !origins().includes(origin)) return;
      if (data?.streamd !== "token" || typeof data.token !== "string") return;
      end();
      resolve(data.token);
    };
    const late = setTimeout(() => {
      end();
      reject(new Error("no answer from the page around this one"));
    }, ANSWER_MS);
    const end = () => {
      clearTimeout(late);
      removeEventListener("message", take);
    };
    addEventListener("message", take);
    // The browser hands it to the parent only where its origin is the one named.
    for (const origin of origins()) window.parent.postMessage({ streamd: "token?" }, origin);
  });
}
