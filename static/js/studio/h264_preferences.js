/** Which of the browser's WebRTC codecs are offered. Pure. */

/** Constrained Baseline first: every phone decodes it, and it has no B-frames. */
const PROFILES = ["42e01f", "42001f"];

function fmtp(codec, name) {
  const found = new RegExp(`(?:^|;)\\s*${name}=([^;]+)`, "i").exec(codec.sdpFmtpLine ?? "");
  return found ? found[1].toLowerCase() : "";
}

function rank(codec) {
  const place = PROFILES.indexOf(fmtp(codec, "profile-level-id"));
  return place < 0 ? PROFILES.length : place;
}

/**
 * H.264 with packetization-mode 1 (RFC 6184: fragments allowed), best profile first, then
 * retransmission.
 * @param {RTCRtpCodec[]} codecs what the browser can send
 * @returns {RTCRtpCodec[]} empty if it has no H.264 encoder
 */
export function videoPreferences(codecs) {
  const h264 = codecs
    .filter((codec) => codec.mimeType.toLowerCase() === "video/h264")
    .filter((codec) => fmtp(codec, "packetization-mode") === "1")
    .sort((a, b) => rank(a) - rank(b));
  if (!h264.length) return [];
  return [...h264, ...codecs.filter((codec) => codec.mimeType.toLowerCase() === "video/rtx")];
}
