/**
 * A WHIP client (RFC 9725): one publishing session, from POST to DELETE.
 *
 * It sends H.264 and Opus only: the relay passes what it gets and never transcodes, so what a
 * publisher sends is what every viewer has to be able to decode.
 */

import { videoPreferences } from "./h264_preferences.js";
import { FRAMES_A_SECOND, reduction } from "./quality.js";
import { fragmentOf, restarted } from "./sdp_fragment.js";
import { SendError } from "./send_error.js";
import { WhipResource } from "./whip_resource.js";

const GATHERING_MS = 300;
/** Without a connection by then, UDP is taken to be blocked. */
const ICE_MS = 5_000;
/** Networks change in several steps; a restart before the last one would find no way out. */
const SETTLE_MS = 700;
/** A short gap often heals by itself: ICE goes on checking. */
const GRACE_MS = 1_000;
/** The same where the server cannot restart ICE, and a new session is the only other way. */
const LONG_GRACE_MS = 3_000;
/** A goodbye after the server's five seconds without media ends no broadcast there. */
const QUIET_MS = 6_000;

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
  #resource;
  #peer = null;
  #video = null;
  #audio = null;
  #quality;
  #late = [];
  #timer = 0;
  #healing = false;
  #restarting = false;
  #settling = 0;
  #networkChanged = () => {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#restart(), SETTLE_MS);
  };

  /**
   * @param {string} endpoint the WHIP URL
   * @param {string} key the stream key, sent as Bearer
   * @param {(state: string, error?: SendError) => void} onstate "connected", "disconnected" (may
   *   heal by itself) or "failed"
   */
  constructor(endpoint, key, onstate) {
    this.#resource = new WhipResource(endpoint, key);
    this.onstate = onstate;
  }

  /**
   * Offers the stream's tracks and takes the answer; media flows once `onstate` says "connected".
   * @param {MediaStream} media one video track, at most one audio track
   * @param {{name: string, height: number, bitrate: number}} quality
   * @param {boolean} takeover whether a broadcast that is on air gives way
   * @throws {SendError}
   */
  async publish(media, quality, takeover = false) {
    this.#quality = quality;
    const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    this.#peer = peer;
    peer.addEventListener("connectionstatechange", () => this.#changed(peer));
    peer.addEventListener("icecandidate", ({ candidate }) => this.#found(peer, candidate));
    try {
      this.#send(peer, media);
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer);
      this.#late = [];
      const answer = await this.#resource.create(peer.localDescription.sdp, takeover);
      if (peer !== this.#peer) {
        // Ended while the server was asked: its answer made a session that nobody wants any more.
        await this.#resource.remove();
        return;
      }
      await peer.setRemoteDescription({ type: "answer", sdp: answer });
      this.#timer = setTimeout(() => this.#fail(peer, new SendError(0, "ice")), ICE_MS);
      await this.setQuality(quality);
    } catch (error) {
      await this.close();
      throw error;
    }
    navigator.connection?.addEventListener?.("change", this.#networkChanged);
    addEventListener("online", this.#networkChanged);
    await this.#trickle();
  }

  #send(peer, media) {
    const [picture] = media.getVideoTracks();
    const [sound] = media.getAudioTracks();
    const preferences = videoPreferences(RTCRtpSender.getCapabilities("video")?.codecs ?? []);
    if (!preferences.length) throw new SendError(-1);
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
    return {
      maxBitrate: this.#quality.bitrate,
      maxFramerate: FRAMES_A_SECOND,
      scaleResolutionDownBy: reduction(track.getSettings(), this.#quality),
    };
  }

  // -- the connection, and its healing

  #changed(peer) {
    if (peer !== this.#peer) return;
    const { connectionState: state } = peer;
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#healing = false;
      this.onstate("connected");
    } else if (state === "disconnected" || state === "failed") this.#heal(peer, state);
    else if (state === "closed") this.#fail(peer);
  }

  #heal(peer, state) {
    if (this.#healing) return;
    this.#healing = true;
    this.onstate("disconnected");
    clearTimeout(this.#timer);
    if (!this.#resource.mayRestart) {
      if (state === "failed") this.#fail(peer);
      else this.#timer = setTimeout(() => this.#fail(peer), LONG_GRACE_MS);
      return;
    }
    this.#timer = setTimeout(() => this.#restart(), state === "failed" ? 0 : GRACE_MS);
  }

  #fail(peer, error = undefined) {
    if (peer !== this.#peer || peer.connectionState === "connected") return;
    clearTimeout(this.#timer);
    this.onstate("failed", error);
  }

  /** New ICE credentials on both sides; the session, its media and its keys go on. */
  async #restart() {
    const peer = this.#peer;
    if (!peer || !this.#resource.mayRestart || this.#restarting) return;
    if (peer.signalingState !== "stable") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(peer), 2 * ICE_MS);
    this.#restarting = true;
    try {
      await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
      await gathered(peer);
      const whole = () => {
        this.#late = [];
        return fragmentOf(peer.localDescription.sdp);
      };
      const fragment = await this.#resource.restart(whole, () => peer === this.#peer, ICE_MS);
      const answer = restarted(peer.currentRemoteDescription.sdp, fragment);
      if (peer === this.#peer) await peer.setRemoteDescription({ type: "answer", sdp: answer });
    } catch {
      // RFC 9725, section 4.3.3: the session goes on as it was, if it still can.
      await peer.setLocalDescription({ type: "rollback" }).catch(() => {});
      this.#fail(peer);
    } finally {
      this.#restarting = false;
    }
  }

  #found(peer, candidate) {
    if (peer !== this.#peer || !candidate?.candidate) return;
    this.#late.push(candidate.candidate);
    if (this.#resource.exists) this.#trickle();
  }

  /** Sends what was found after the offer had gone. */
  async #trickle() {
    const peer = this.#peer;
    if (!peer || !this.#resource.mayRestart || peer.signalingState !== "stable") return;
    const { sdp } = peer.localDescription;
    const late = this.#late.splice(0);
    if (!late.length) return;
    const ended = peer.iceGatheringState === "complete";
    await this.#resource.trickle(fragmentOf(sdp, late, ended));
  }

  // -- while it lasts

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
    const peer = this.#release();
    // DELETE goes first: a peer that closes ends the session by itself, and the answer is then 404.
    await this.#resource.remove();
    peer?.close();
  }

  /**
   * Gives the session up here alone: at the server the broadcast waits for the next one, which
   * gets the place of a session that has fallen silent.
   */
  abandon() {
    const peer = this.#release();
    this.#resource.forget();
    if (!peer) return;
    // What closes says goodbye over DTLS where it still can, and that would end the broadcast.
    const mute = ["failed", "closed"].includes(peer.connectionState);
    for (const sender of peer.getSenders()) sender.replaceTrack(null).catch(() => {});
    setTimeout(() => peer.close(), mute ? 0 : QUIET_MS);
  }

  #release() {
    const peer = this.#peer;
    clearTimeout(this.#timer);
    clearTimeout(this.#settling);
    navigator.connection?.removeEventListener?.("change", this.#networkChanged);
    removeEventListener("online", this.#networkChanged);
    this.#peer = this.#video = this.#audio = null;
    return peer;
  }
}
