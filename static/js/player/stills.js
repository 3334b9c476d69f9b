// The data saver's stills: one keyframe each, decoded by itself and painted where the picture was.
// WebCodecs where there is a decoder; else a second, hidden <video> with a MediaSource of its own.

import { Source, plays } from "./sink.js";

const PATIENCE_MS = 8000;

/**
 * Decodes a still and hands its picture to `paint`.
 * @param {import("./path.js").StillPart} still
 * @param {(picture: CanvasImageSource, width: number, height: number) => void} paint
 * @returns {Promise<void>} rejected where nothing here decodes it
 */
export async function decodeStill(still, paint) {
  try {
    await byDecoder(still, paint);
  } catch {
    await byElement(still, paint);
  }
}

async function byDecoder({ codec, init, v }, paint) {
  const config = { codec, description: box(init, "avcC"), optimizeForLatency: true };
  const { supported } = await VideoDecoder.isConfigSupported(config);
  if (!supported) throw new Error(`${codec} is not decoded here`);
  let failure = null;
  const decoder = new VideoDecoder({
    output: (frame) => {
      paint(frame, frame.displayWidth, frame.displayHeight);
      frame.close();
    },
    error: (error) => {
      failure = error;
    },
  });
  try {
    decoder.configure(config);
    decoder.decode(new EncodedVideoChunk({ type: "key", timestamp: 0, data: box(v, "mdat") }));
    await decoder.flush();
  } finally {
    if (decoder.state !== "closed") decoder.close();
  }
  if (failure) throw failure;
}

async function byElement({ codec, init, v }, paint) {
  if (!plays("v", codec)) throw new Error(`${codec} is not played here`);
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, disableRemotePlayback: true });
  const source = new Source();
  const url = URL.createObjectURL(source);
  try {
    const opened = once(source, "sourceopen");
    video.src = url;
    await opened;
    const buffer = source.addSourceBuffer(`video/mp4; codecs="${codec}"`);
    for (const bytes of [init, v]) {
      const taken = once(buffer, "updateend");
      buffer.appendBuffer(bytes);
      await taken;
    }
    const shown = once(video, "loadeddata");
    source.endOfStream();
    video.currentTime = buffer.buffered.start(0);
    await shown;
    paint(video, video.videoWidth, video.videoHeight);
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  }
}

function once(target, event) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no ${event}`)), PATIENCE_MS);
    target.addEventListener(
      event,
      () => {
        clearTimeout(late);
        resolve();
      },
      { once: true },
    );
  });
}

// How the bytes before a box's children are to be passed over (ISO/IEC 14496-12, 14496-15).
const HEADS = { moov: 0, trak: 0, mdia: 0, minf: 0, stbl: 0, stsd: 8, avc1: 78, avc3: 78 };

/** The body of the first box of that name. */
export function box(bytes, wanted) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.byteLength; ) {
    const size = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (size < 8 || at + size > bytes.byteLength) break;
    if (name === wanted) return bytes.subarray(at + 8, at + size);
    if (name in HEADS) {
      const found = box(bytes.subarray(at + 8 + HEADS[name], at + size), wanted);
      if (found) return found;
    }
    at += size;
  }
  return null;
}
