/** Why something did not work, as a sentence with what to do. */

import { page, t } from "../../page.js";

const KNOWN = {
  [-1]: "This browser cannot send H.264 video, the format viewers need. Use Chrome, Edge or Safari, or broadcast with OBS.",
  401: "Your key is no longer valid. Ask your team for a new invitation link.",
  403: "Your key belongs to another stream. Ask your team for your own invitation link.",
  400: "The server could not read what this browser sent. Use Chrome, Edge or Safari, or broadcast with OBS.",
  404: "The server does not know this stream any more. Ask your team for a new invitation link.",
  406: "The server did not accept this browser's video format. Use Chrome, Edge or Safari, or broadcast with OBS.",
  408: "No picture and no sound left this page for half a minute, so the broadcast ended. Go live again.",
  409: "Someone is already broadcasting on this stream, perhaps you in another tab or in OBS. Stop that broadcast first, then go live here.",
  415: "The server cannot relay what this browser encodes. Use Chrome, Edge or Safari, or broadcast with OBS.",
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
  if (error.slug === "taken_over")
    return t("Your stream goes on from there, and viewers stay. To come back, take over from here.");
  if (error.detail === "codecs")
    return t("This browser cannot send video over the web connection. Use Chrome or Edge, or broadcast with OBS by RTMP: its address is under “Use OBS”.");
  if (error.blocked && error.slug === "only")
    return t("Your network does not let WebRTC through. Choose the connection “Automatic” below, then go live again.");
  if (error.status === 0 && error.detail === "ice")
    return t("Your network does not let live video through, and this browser cannot send it over the web connection. Try mobile data, use Chrome or Edge, or broadcast with OBS by RTMP.");
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
