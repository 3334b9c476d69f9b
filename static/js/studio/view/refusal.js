/** Why something did not work, as a sentence with what to do. */

import { page, t } from "../../page.js";

const KNOWN = {
  [-1]: "This browser cannot send H.264 video, the format viewers need. Use Chrome, Edge or Safari, or broadcast with OBS.",
  401: "Your key is no longer valid. Ask your team for a new invitation link.",
  403: "Your key belongs to another stream. Ask your team for your own invitation link.",
  404: "The server does not know this stream any more. Ask your team for a new invitation link.",
  406: "The server did not accept this browser's video format. Use Chrome, Edge or Safari, or broadcast with OBS.",
  409: "Someone is already broadcasting on this stream, perhaps you in another tab or in OBS. Stop that broadcast first, then go live here.",
  413: "The server refused the offer as too large. Reload this page and try again.",
  503: "The server is full or just starting. Wait a few seconds, then try again.",
};

/**
 * @param {{status: number, detail?: string}} error a WhipError or ApiError
 * @param {boolean} [lost] after a broadcast that was on air
 * @returns {string}
 */
export function refusal(error, lost = false) {
  if (error.status === 0 && lost)
    return t("It did not come back within 30 seconds. Check your network, then go live again.");
  if (error.status === 0 && error.detail === "ice")
    return t("The server answered, but your network does not let live video through. Try mobile data or another Wi-Fi.");
  if (error.status === 0)
    return t("The server does not answer. Check that you are online, then try again.");
  // The server's own sentence is the most exact one, but it speaks English.
  if (page.lang === "en" && error.detail) return error.detail;
  return t(KNOWN[error.status] ?? "The server refused this. Wait a moment, then try again.");
}

/** The same for a poll that could not be made, opened or closed. */
export function pollRefusal(error) {
  if (error.status === 409 && page.lang !== "en")
    return t("This poll has moved on in the meantime. Its state here is now the newest.");
  if (error.status === 422 && page.lang !== "en")
    return t("The server did not accept this question. Shorten it or change the choices.");
  return refusal(error);
}
