/**
 * Raw pictures and sounds of a track, one at a time.
 *
 * MediaStreamTrackProcessor where the page has it (Chromium). Elsewhere pictures are taken off a
 * video element at each new frame, and sounds off an audio worklet. The element gives none while
 * its page is hidden; there the broadcast's sound goes on alone.
 *
 * `onframe` owns what it gets and closes it.
 */

const RATE = 48_000;
const CHUNK = 480;

class Processor {
  #reader;

  constructor(track, onframe) {
    this.#reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    this.#read(onframe);
  }

  async #read(onframe) {
    for (;;) {
      const { value, done } = await this.#reader.read().catch(() => ({ done: true }));
      if (done) return;
      onframe(value);
    }
  }

  stop() {
    this.#reader.cancel().catch(() => {});
  }
}

class Element {
  #video = document.createElement("video");
  #stopped = false;

  constructor(track, onframe) {
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.#video.srcObject = new MediaStream([track]);
    this.#video.play().catch(() => {});
    const look = (now, { captureTime }) => {
      if (this.#stopped) return;
      const timestamp = Math.round((captureTime ?? now) * 1000);
      onframe(new VideoFrame(this.#video, { timestamp }));
      this.#video.requestVideoFrameCallback(look);
    };
    this.#video.requestVideoFrameCallback(look);
  }

  stop() {
    this.#stopped = true;
    this.#video.srcObject = null;
  }
}

class Worklet {
  #context = new AudioContext({ sampleRate: RATE });
  #source;
  #stopped = false;

  constructor(track, onframe) {
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#start(onframe);
  }

  async #start(onframe) {
    await this.#context.audioWorklet.addModule(new URL("./sound_worklet.js", import.meta.url));
    if (this.#stopped) return;
    const node = new AudioWorkletNode(this.#context, "sound-chunks", {
      processorOptions: { samples: CHUNK },
    });
    node.port.onmessage = ({ data: { channels, planes, first } }) => {
      if (this.#stopped) return;
      onframe(
        new AudioData({
          format: "f32-planar",
          sampleRate: RATE,
          numberOfFrames: CHUNK,
          numberOfChannels: channels,
          timestamp: Math.round((first * 1e6) / RATE),
          data: planes,
        }),
      );
    };
    // A node that leads nowhere is not run. This destination is silent.
    this.#source.connect(node).connect(this.#context.createMediaStreamDestination());
    await this.#context.resume().catch(() => {});
  }

  stop() {
    this.#stopped = true;
    this.#source.disconnect();
    this.#context.close().catch(() => {});
  }
}

/** @returns {boolean} */
export const captures = () =>
  typeof MediaStreamTrackProcessor === "function" ||
  ("requestVideoFrameCallback" in HTMLVideoElement.prototype &&
    typeof AudioWorkletNode === "function");

/**
 * @param {MediaStreamTrack} track
 * @param {(frame: VideoFrame | AudioData) => void} onframe
 * @returns {{stop(): void}}
 */
export function capture(track, onframe) {
  if (typeof MediaStreamTrackProcessor === "function") return new Processor(track, onframe);
  return track.kind === "video" ? new Element(track, onframe) : new Worklet(track, onframe);
}
