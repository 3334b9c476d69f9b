/**
 * Binary messages of `/publish/{stream}`, as `streamd/media/frame_messages.py` reads them.
 * Pure: values in, bytes out.
 */

const VIDEO_DESCRIPTION = 1;
const AUDIO_DESCRIPTION = 2;
const PICTURE = 3;
const SOUND = 4;
const HEAD_BYTES = 14;
const OPUS_RATE = 48_000;

function bytesOf(source) {
  if (!source) return new Uint8Array();
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

function described(kind, codec, tail) {
  const name = new TextEncoder().encode(codec);
  const message = new Uint8Array(2 + name.length + tail.length);
  message.set([kind, name.length]);
  message.set(name, 2);
  message.set(tail, 2 + name.length);
  return message;
}

/** @param {VideoDecoderConfig} config of an encoder's output; its description is an avcC record */
export const videoDescription = ({ codec, description }) =>
  described(VIDEO_DESCRIPTION, codec, bytesOf(description));

/** @param {number} channels one or two */
export function audioDescription(channels) {
  const tail = new Uint8Array(5);
  new DataView(tail.buffer).setUint32(0, OPUS_RATE);
  tail[4] = channels;
  return described(AUDIO_DESCRIPTION, "opus", tail);
}

/**
 * @param {"v" | "a"} kind
 * @param {EncodedVideoChunk | EncodedAudioChunk} chunk
 * @param {number} timestamp microseconds on the page's clock
 */
export function frame(kind, chunk, timestamp) {
  const message = new Uint8Array(HEAD_BYTES + chunk.byteLength);
  const view = new DataView(message.buffer);
  view.setUint8(0, kind === "v" ? PICTURE : SOUND);
  view.setUint8(1, chunk.type === "key" ? 1 : 0);
  view.setBigInt64(2, BigInt(timestamp));
  view.setUint32(10, chunk.duration ?? 0);
  chunk.copyTo(message.subarray(HEAD_BYTES));
  return message;
}
