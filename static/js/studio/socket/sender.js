/**
 * Goes live over a WebSocket: this page encodes (WebCodecs) what WebRTC would have, for networks
 * that drop UDP. The text messages are described in `streamd/web/publish_socket.py`.
 */

import { SendError } from "../send_error.js";
import { captures } from "./capture.js";
import { PictureEncoder, SoundEncoder, encodesOpus, videoCodec } from "./encoders.js";
import { frame } from "./messages.js";
import { Pressure } from "./pressure.js";

const ANSWER_MS = 10_000;
const LOOK_MS = 200;
/** Past this even sound is left out: whatever is behind it would come too late. */
const SILENT_MS = 8_000;
/** The server says something every second; TCP itself would notice a dead line minutes later. */
const DEAD_MS = 6_000;

export class SocketSender {
  #address;
  #key;
  #socket = null;
  #pictures = null;
  #sounds = null;
  #codec = "";
  #quality = null;
  #pressure = null;
  #keyframeSeconds = 2;
  #timer = 0;
  /** The last frame sent and the last the server has, in microseconds of capture. */
  #sent = { v: -Infinity, a: -Infinity };
  #seen = null;
  #heardAt = 0;
  #connected = false;
  #refusal = null;
  #bytes = 0;
  #messages = 0;
  #roundTrip = null;
  #shortestTrip = Infinity;

  /** Whether this browser can encode what viewers need. */
  static async supported() {
    return captures() && (await encodesOpus()) && Boolean(await videoCodec());
  }

  /**
   * @param {string} address the WebSocket's URL
   * @param {string} key the stream key, sent in the first message
   * @param {(state: string, error?: SendError) => void} onstate
   */
  constructor(address, key, onstate) {
    this.#address = address;
    this.#key = key;
    this.onstate = onstate;
  }

  /**
   * Says hello and starts to encode; media flows once `onstate` says "connected".
   * @param {MediaStream} media one video track, at most one audio track
   * @param {{height: number, bitrate: number}} quality
   * @param {boolean} takeover whether a broadcast that is on air gives way
   * @throws {SendError}
   */
  async publish(media, quality, takeover = false) {
    this.#quality = quality;
    this.#pressure = new Pressure(quality.bitrate);
    this.#codec = await videoCodec();
    if (!this.#codec) throw new SendError(-1);
    const sound = media.getAudioTracks().length > 0;
    try {
      const socket = await this.#open();
      await this.#greet(socket, { takeover, audio: sound });
    } catch (error) {
      await this.close();
      throw error;
    }
    for (const track of media.getTracks()) this.#encode(track);
    this.#heardAt = performance.now();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #open() {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#address);
      socket.binaryType = "arraybuffer";
      this.#socket = socket;
      const timer = setTimeout(() => reject(new SendError(0)), ANSWER_MS);
      const settled = (settle, value) => () => {
        clearTimeout(timer);
        settle(value);
      };
      socket.addEventListener("open", settled(resolve, socket));
      socket.addEventListener("close", settled(reject, new SendError(0)));
    });
  }

  #greet(socket, given) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new SendError(0)), ANSWER_MS);
      socket.addEventListener("message", ({ data }) => {
        if (socket !== this.#socket) return;
        const message = JSON.parse(data);
        if (message.type === "welcome") {
          clearTimeout(timer);
          this.#keyframeSeconds = message.keyframe_seconds;
          resolve();
        } else this.#hear(message);
      });
      socket.addEventListener("close", () => {
        clearTimeout(timer);
        reject(this.#refusal ?? new SendError(0));
        this.#closed(socket);
      });
      socket.send(JSON.stringify({ type: "hello", v: 1, key: this.#key, video: true, ...given }));
    });
  }

  #hear(message) {
    this.#heardAt = performance.now();
    if (message.type === "keyframe") this.#pictures?.requestKey();
    else if (message.type === "seen") {
      this.#seen = message.timestamp;
      this.#roundTrip = message.rtt_ms;
      this.#shortestTrip = Math.min(this.#shortestTrip, message.rtt_ms ?? Infinity);
      if (!this.#connected) {
        this.#connected = true;
        this.onstate("connected");
      }
    } else if (message.type === "refused" || message.type === "ended") {
      this.#refusal = new SendError(message.status, message.detail, { slug: message.slug });
    }
  }

  #closed(socket) {
    // Before anything was sent, `publish` itself says what went wrong.
    if (socket !== this.#socket || !this.#timer) return;
    this.#drop();
    this.onstate("failed", this.#refusal ?? undefined);
  }

  #encode(track) {
    const outlet = {
      describe: (message) => this.#push(message),
      send: (kind, chunk, timestamp) => this.#send(kind, chunk, timestamp),
      fail: () => this.#broke(),
      wanted: () => ({
        bitrate: this.#pressure.bitrate,
        quality: this.#quality,
        dropping: this.#pressure.dropping,
      }),
    };
    if (track.kind === "video") {
      this.#pictures?.stop();
      this.#pictures = new PictureEncoder(track, this.#codec, this.#keyframeSeconds, outlet);
    } else {
      this.#sounds?.stop();
      this.#sounds = new SoundEncoder(track, outlet);
    }
  }

  #send(kind, chunk, timestamp) {
    if (!this.#socket || (kind === "a" && this.#behind() > SILENT_MS)) return;
    // Another camera's clock may be a hair behind the last one's.
    this.#sent[kind] = Math.max(timestamp, this.#sent[kind] + 1);
    this.#push(frame(kind, chunk, this.#sent[kind]));
  }

  #push(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#bytes += message.byteLength;
    this.#messages += 1;
    this.#socket.send(message);
  }

  /** Milliseconds by which the server is behind what was encoded. */
  #behind() {
    const waiting = ((this.#socket?.bufferedAmount ?? 0) * 8000) / this.#pressure.bitrate;
    const late = this.#seen === null ? 0 : (this.#sent.v - this.#seen) / 1000;
    const travelled = Number.isFinite(this.#shortestTrip) ? this.#shortestTrip : 0;
    return Math.max(waiting, Number.isFinite(late) ? late - travelled : 0);
  }

  #look() {
    if (this.#connected && performance.now() - this.#heardAt > DEAD_MS) this.#broke();
    else if (this.#pressure.take(this.#behind(), performance.now())) this.#pictures?.requestKey();
  }

  /**
   * The line is dead, or an encoder gave up, as when a phone takes its hardware away: only a new
   * session helps.
   */
  #broke() {
    if (!this.#socket) return;
    this.#socket.close();
    this.#drop();
    this.onstate("failed");
  }

  /** Changes bitrate and size without a new session. */
  async setQuality(quality) {
    this.#quality = quality;
    this.#pressure?.aim(quality.bitrate);
  }

  /** Puts another camera or microphone in place of the one being sent. */
  async replaceTrack(track) {
    if (this.#socket && this.#timer) this.#encode(track);
  }

  /** @returns {Promise<Map<string, object> | null>} null when no session is up */
  async stats() {
    if (!this.#pictures) return null;
    const { encoded, skipped, width, height } = this.#pictures;
    const limit = this.#pressure.held ? "bandwidth" : skipped > encoded ? "cpu" : "none";
    const trip = this.#roundTrip;
    return new Map([
      [
        "pictures",
        {
          type: "outbound-rtp",
          kind: "video",
          bytesSent: this.#bytes,
          packetsSent: this.#messages,
          framesEncoded: encoded,
          frameWidth: width,
          frameHeight: height,
          qualityLimitationReason: limit,
        },
      ],
      [
        "line",
        {
          type: "candidate-pair",
          nominated: true,
          state: "succeeded",
          currentRoundTripTime: trip === null ? undefined : trip / 1000,
        },
      ],
    ]);
  }

  #drop() {
    clearInterval(this.#timer);
    this.#pictures?.stop();
    this.#sounds?.stop();
    this.#timer = 0;
    this.#pictures = this.#sounds = this.#socket = null;
  }

  /** Gives the session up here alone: at the server the broadcast waits for the next one. */
  abandon() {
    const socket = this.#socket;
    this.#drop();
    socket?.close();
  }

  /** Ends the session here and at the server. Safe to call twice, and from `pagehide`. */
  async close() {
    const socket = this.#socket;
    this.#drop();
    if (!socket) return;
    if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"bye"}');
    socket.close(1000);
  }
}
