/**
 * The ways out of this page. Each is a sender:
 *
 *   new Sender(address, key, onstate)   `onstate(state, error)`: "connected", "disconnected" (may
 *                                       heal by itself) or "failed"; `error` where the server ended it
 *   publish(media, quality, takeover)   throws SendError
 *   setQuality(quality)  replaceTrack(track)
 *   close()                             ends the broadcast
 *   abandon()                           leaves it to the next sender
 *   stats()                             what RTCPeerConnection.getStats gives, or as much of it
 */

import { SocketSender } from "./socket/sender.js";
import { WhipClient } from "./whip.js";

export const Way = Object.freeze({
  /** WebRTC, and the WebSocket where UDP is blocked. */
  AUTOMATIC: "automatic",
  WEBRTC: "webrtc",
  WEBSOCKET: "websocket",
});

const SLOT = "streamd.studio.way";
const known = (name) => (Object.values(Way).includes(name) ? name : "");

/**
 * The way that the link asks for (`#key=…&way=websocket`), or that was chosen in this tab before.
 * @param {string} fragment
 */
export function takeWay(fragment) {
  const asked = known(new URLSearchParams(fragment.replace(/^#/, "")).get("way"));
  if (asked) keepWay(asked);
  try {
    return asked || known(sessionStorage.getItem(SLOT)) || Way.AUTOMATIC;
  } catch {
    return asked || Way.AUTOMATIC;
  }
}

/** Remembers a choice for this tab; where the browser keeps nothing, until the page goes. */
export function keepWay(way) {
  try {
    sessionStorage.setItem(SLOT, way);
  } catch {
    // The broadcast has it.
  }
}

/** Whether this browser can encode by itself, which the WebSocket needs. */
export const socketSupported = () => SocketSender.supported();

/**
 * @param {string} way Way.WEBRTC or Way.WEBSOCKET
 * @param {string} stream the stream's id
 * @param {string} key
 * @param {(state: string, error?: import("./send_error.js").SendError) => void} onstate
 */
export function makeSender(way, stream, key, onstate) {
  const id = encodeURIComponent(stream);
  if (way === Way.WEBSOCKET) {
    const origin = location.origin.replace(/^http/, "ws");
    return new SocketSender(`${origin}/publish/${id}`, key, onstate);
  }
  return new WhipClient(`${location.origin}/whip/${id}`, key, onstate);
}
