// emsg boxes of version 1 before a part's first moof (ISO/IEC 23009-1 clause 5.10.3.3). Pure.

const SCHEME = "urn:streamd:poll:2026";
const text = new TextDecoder();

/**
 * The cues that stand in a part.
 * @param {Uint8Array} part
 * @returns {{id: string, seconds: number, poll: string, action: string, rev: number}[]} `seconds` of
 *   media time
 */
export function cuesIn(part) {
  const found = [];
  const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
  let at = 0;
  while (at + 8 <= part.length && text.decode(part.subarray(at + 4, at + 8)) === "emsg") {
    const size = view.getUint32(at);
    if (size < 32 || at + size > part.length) break;
    const cue = view.getUint8(at + 8) === 1 ? read(view, part.subarray(at, at + size), at) : null;
    if (cue) found.push(cue);
    at += size;
  }
  return found;
}

function read(view, box, at) {
  const [scheme, , message] = strings(box.subarray(32));
  if (scheme !== SCHEME) return null;
  try {
    const { poll, action, rev = 0 } = JSON.parse(message);
    const seconds = Number(view.getBigUint64(at + 16)) / view.getUint32(at + 12);
    return { id: String(view.getUint32(at + 28)), seconds, poll, action, rev };
  } catch {
    return null; // not a message of ours
  }
}

// scheme_id_uri and value end with a zero; the message is the rest.
function strings(bytes) {
  const first = bytes.indexOf(0);
  const second = bytes.indexOf(0, first + 1);
  return [bytes.subarray(0, first), bytes.subarray(first + 1, second), bytes.subarray(second + 1)].map((part) => text.decode(part));
}
