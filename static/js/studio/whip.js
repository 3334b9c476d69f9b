/**
 * A WHIP client (RFC 9725): one publishing session, from POST to DELETE.
 *
 * It sends H.264 and Opus only: the relay passes what it gets and never transcodes, so what a
 * publisher sends is what every viewer has to be able to decode.
 */

const GATHERING_MS = 1_000;
const ANSWER_MS = 10_000;
const LEAVE_MS = 2_000;

/** Constrained Baseline first: every phone decodes it, and it has no B-frames. */
const PROFILES = ["42e01f", "42001f"];

/** Picture quality: height in lines, bitrate in bit/s. */
export const QUALITIES = Object.freeze([
  { name: "360p", height: 360, bitrate: 600_000 },
  { name: "540p", height: 540, bitrate: 1_200_000 },
  { name: "720p", height: 720, bitrate: 2_500_000 },
]);

export const qualityNamed = (name) =>
  QUALITIES.find((quality) => quality.name === name) ?? QUALITIES[QUALITIES.length - 1];

/** The next lower quality, or null at the lowest. */
export const qualityBelow = (name) =>
  QUALITIES[QUALITIES.findIndex((quality) => quality.name === name) - 1] ?? null;

/**
 * The session could not be made.
 *
 * `status` is the HTTP status; 0: no answer; -1: this browser has no H.264 encoder.
 * `detail` is the server's sentence (RFC 9457) or "". `retryAfter` is in seconds, null if unsaid.
 */
export class WhipError extends Error {
  constructor(status, detail = "", retryAfter = null) {
    super(detail || `WHIP ${status}`);
    this.name = "WhipError";
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

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

async function problem(response) {
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  let detail = "";
  try {
    detail = (await response.json()).detail ?? "";
  } catch {
    // A proxy's own error page: the status has to do.
  }
  return new WhipError(response.status, detail, Number.isNaN(after) ? null : after);
}

/** Resolves when every candidate is in the description, or when waiting longer helps nobody. */
function gathered(peer) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      peer.removeEventListener("icegatheringstatechange", look);
      resolve();
    };
    const look = () => {
      if (peer.iceGatheringState === "complete") done();
    };
    const timer = setTimeout(done, GATHERING_MS);
    peer.addEventListener("icegatheringstatechange", look);
    look();
  });
}

export class WhipClient {
  #endpoint;
  #key;
  #peer = null;
  #location = "";
  #video = null;
  #audio = null;
  #quality;

  /**
   * @param {string} endpoint the WHIP URL
   * @param {string} key the stream key, sent as Bearer
   * @param {(state: RTCPeerConnectionState) => void} onstate called on each change
   */
  constructor(endpoint, key, onstate) {
    this.#endpoint = endpoint;
    this.#key = key;
    this.onstate = onstate;
  }

  /**
   * Offers the stream's tracks and takes the answer; media flows once `onstate` says "connected".
   * @param {MediaStream} media one video track, at most one audio track
   * @param {{name: string, height: number, bitrate: number}} quality
   * @throws {WhipError}
   */
  async publish(media, quality) {
    this.#quality = quality;
    const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    this.#peer = peer;
    peer.addEventListener("connectionstatechange", () => {
      if (peer === this.#peer) this.onstate(peer.connectionState);
    });
    try {
      this.#send(peer, media);
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer);
      const answer = await this.#offer(peer.localDescription.sdp);
      if (peer !== this.#peer) return;
      await peer.setRemoteDescription({ type: "answer", sdp: answer });
      await this.setQuality(quality);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #send(peer, media) {
    const [picture] = media.getVideoTracks();
    const [sound] = media.getAudioTracks();
    const preferences = videoPreferences(RTCRtpSender.getCapabilities("video")?.codecs ?? []);
    if (!preferences.length) throw new WhipError(-1);
    picture.contentHint = "motion";
    const video = peer.addTransceiver(picture, {
      direction: "sendonly",
      streams: [media],
      sendEncodings: [this.#encoding(picture)],
    });
    video.setCodecPreferences(preferences);
    this.#video = video.sender;
    if (!sound) return;
    const audio = peer.addTransceiver(sound, { direction: "sendonly", streams: [media] });
    audio.setCodecPreferences(
      (RTCRtpSender.getCapabilities("audio")?.codecs ?? []).filter(
        (codec) => codec.mimeType.toLowerCase() === "audio/opus",
      ),
    );
    this.#audio = audio.sender;
  }

  #encoding(track) {
    const { width = 0, height = 0 } = track.getSettings();
    // A phone held upright sends 720×1280: the shorter side carries the quality's name.
    const lines = Math.min(width, height) || this.#quality.height;
    return {
      maxBitrate: this.#quality.bitrate,
      maxFramerate: 30,
      scaleResolutionDownBy: Math.max(1, lines / this.#quality.height),
    };
  }

  async #offer(sdp) {
    let response;
    try {
      response = await fetch(this.#endpoint, {
        method: "POST",
        headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${this.#key}` },
        body: sdp,
        signal: AbortSignal.timeout(ANSWER_MS),
      });
    } catch {
      throw new WhipError(0);
    }
    if (response.status !== 201) throw await problem(response);
    const location = response.headers.get("Location");
    // RFC 9725, section 4.2: the session URL may be relative to the endpoint's.
    this.#location = location ? new URL(location, response.url).href : "";
    return response.text();
  }

  /** Changes bitrate and size without a new session. */
  async setQuality(quality) {
    this.#quality = quality;
    const sender = this.#video;
    if (!sender?.track) return;
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return;
    Object.assign(parameters.encodings[0], this.#encoding(sender.track));
    parameters.degradationPreference = "maintain-framerate";
    try {
      await sender.setParameters(parameters);
    } catch {
      // Browsers without this preference still take the offer's encoding.
    }
  }

  /** Puts another camera or microphone in place of the one being sent. */
  async replaceTrack(track) {
    const sender = track.kind === "video" ? this.#video : this.#audio;
    if (track.kind === "video") track.contentHint = "motion";
    await sender?.replaceTrack(track);
    if (track.kind === "video") await this.setQuality(this.#quality);
  }

  /** @returns {Promise<RTCStatsReport | null>} null when no session is up */
  async stats() {
    return this.#peer ? this.#peer.getStats() : null;
  }

  /**
   * Ends the session here and at the server (RFC 9725, section 4.2). Safe to call twice, and from
   * `pagehide`: the request outlives the page.
   */
  async close() {
    const peer = this.#peer;
    const location = this.#location;
    this.#peer = this.#video = this.#audio = null;
    this.#location = "";
    // DELETE goes first: a peer that closes ends the session by itself, and the answer is then 404.
    if (location) await this.#unpublish(location);
    peer?.close();
  }

  async #unpublish(location) {
    try {
      await fetch(location, {
        method: "DELETE",
        headers: { Authorization: `Bearer ${this.#key}` },
        keepalive: true,
        signal: AbortSignal.timeout(LEAVE_MS),
      });
    } catch {
      // The server notices by itself that no packets come.
    }
  }
}
