/** From a track to coded frames: one object a track, from its first frame to `stop`. */

import { FRAMES_A_SECOND, sizeFor } from "../quality.js";
import { capture } from "./capture.js";
import { TrackClock } from "./clock.js";
import { audioDescription, videoDescription } from "./messages.js";

/** Constrained Baseline first: every phone decodes it, and it has no B-frames. */
const CODECS = ["avc1.42e01f", "avc1.42001f", "avc1.4d001f"];
const OPUS_BITRATE = 64_000;
const WAITING_FRAMES = 2;

const pictureConfig = (codec, size, bitrate) => ({
  codec,
  ...size,
  bitrate,
  framerate: FRAMES_A_SECOND,
  latencyMode: "realtime",
  avc: { format: "avc" },
});

const soundConfig = (channels, rate) => ({
  codec: "opus",
  sampleRate: rate,
  numberOfChannels: channels,
  bitrate: OPUS_BITRATE,
  opus: { frameDuration: 20_000 },
});

/** @returns {Promise<string>} the codec string this browser encodes H.264 with, "" if it cannot */
export async function videoCodec() {
  if (typeof VideoEncoder !== "function") return "";
  for (const codec of CODECS) {
    const config = pictureConfig(codec, { width: 1280, height: 720 }, 2_500_000);
    const answer = await VideoEncoder.isConfigSupported(config).catch(() => null);
    if (answer?.supported) return codec;
  }
  return "";
}

/** @returns {Promise<boolean>} whether this browser encodes Opus */
export async function encodesOpus() {
  if (typeof AudioEncoder !== "function") return false;
  const answer = await AudioEncoder.isConfigSupported(soundConfig(1, 48_000)).catch(() => null);
  return Boolean(answer?.supported);
}

/**
 * What encoders hand on: `describe(message)` when the decoder's configuration is new, then
 * `send(kind, chunk, timestamp, message)`; `fail(error)` once if the encoder gives up.
 * @typedef {{describe(message: Uint8Array): void, fail(error: Error): void,
 *   send(kind: string, chunk: EncodedVideoChunk | EncodedAudioChunk, timestamp: number): void,
 *   wanted(): {bitrate: number, quality: object, dropping: boolean}}} Outlet
 */

export class PictureEncoder {
  width = 0;
  height = 0;
  encoded = 0;
  /** Pictures the device was too slow for. */
  skipped = 0;

  #codec;
  #outlet;
  #keyEvery;
  #clock = new TrackClock();
  #encoder;
  #capture;
  #applied = "";
  #lastKey = -Infinity;
  #wantsKey = true;
  #lastAt = -Infinity;

  /**
   * @param {MediaStreamTrack} track
   * @param {string} codec
   * @param {number} keyframeSeconds
   * @param {Outlet} outlet
   */
  constructor(track, codec, keyframeSeconds, outlet) {
    this.#codec = codec;
    this.#outlet = outlet;
    this.#keyEvery = keyframeSeconds * 1000;
    track.contentHint = "motion";
    this.#encoder = new VideoEncoder({
      output: (chunk, metadata) => this.#output(chunk, metadata),
      error: (error) => outlet.fail(error),
    });
    this.#capture = capture(track, (picture) => this.#take(picture));
  }

  /** The next picture is to be a keyframe. */
  requestKey() {
    this.#wantsKey = true;
  }

  stop() {
    this.#capture.stop();
    if (this.#encoder.state !== "closed") this.#encoder.close();
  }

  #take(picture) {
    const now = performance.now();
    this.#clock.arrived(picture.timestamp, now);
    if (this.#encoder.state !== "closed" && this.#due(picture, now)) this.#encode(picture, now);
    picture.close();
  }

  #due(picture, now) {
    if (!this.#clock.ready || this.#outlet.wanted().dropping) return false;
    // Half a frame of tolerance: a camera's own 30 a second jitter.
    if (now - this.#lastAt < 500 / FRAMES_A_SECOND) return false;
    if (this.#encoder.encodeQueueSize <= WAITING_FRAMES) return true;
    this.skipped += 1;
    return false;
  }

  #encode(picture, now) {
    const { bitrate, quality } = this.#outlet.wanted();
    const size = sizeFor({ width: picture.displayWidth, height: picture.displayHeight }, quality);
    const turned = size.width !== this.width || size.height !== this.height;
    const keyFrame = turned || this.#wantsKey || now - this.#lastKey >= this.#keyEvery;
    if (keyFrame) {
      this.#lastKey = now;
      this.#wantsKey = false;
      // Here alone: encoders make a keyframe of their own at every change of the bitrate.
      this.#configure(size, bitrate);
    }
    this.#lastAt = now;
    this.#encoder.encode(picture, { keyFrame });
  }

  #configure(size, bitrate) {
    const config = pictureConfig(this.#codec, size, bitrate);
    if (JSON.stringify(config) === this.#applied) return;
    this.#applied = JSON.stringify(config);
    Object.assign(this, size);
    this.#encoder.configure(config);
  }

  #output(chunk, metadata) {
    if (metadata?.decoderConfig) this.#outlet.describe(videoDescription(metadata.decoderConfig));
    this.encoded += 1;
    this.#outlet.send("v", chunk, this.#clock.place(chunk.timestamp));
  }
}

export class SoundEncoder {
  #outlet;
  #clock = new TrackClock();
  #encoder;
  #capture;
  #applied = "";
  #described = 0;
  #channels = 1;

  /**
   * @param {MediaStreamTrack} track
   * @param {Outlet} outlet
   */
  constructor(track, outlet) {
    this.#outlet = outlet;
    this.#encoder = new AudioEncoder({
      output: (chunk) => this.#output(chunk),
      error: (error) => outlet.fail(error),
    });
    this.#capture = capture(track, (sound) => this.#take(sound));
  }

  stop() {
    this.#capture.stop();
    if (this.#encoder.state !== "closed") this.#encoder.close();
  }

  #take(sound) {
    this.#clock.arrived(sound.timestamp, performance.now());
    if (this.#clock.ready && this.#encoder.state !== "closed") {
      const config = soundConfig(Math.min(sound.numberOfChannels, 2), sound.sampleRate);
      if (JSON.stringify(config) !== this.#applied) {
        this.#applied = JSON.stringify(config);
        this.#channels = config.numberOfChannels;
        this.#encoder.configure(config);
      }
      this.#encoder.encode(sound);
    }
    sound.close();
  }

  #output(chunk) {
    if (this.#described !== this.#channels) {
      this.#described = this.#channels;
      this.#outlet.describe(audioDescription(this.#channels));
    }
    this.#outlet.send("a", chunk, this.#clock.place(chunk.timestamp));
  }
}

