// A receipt and the signature on it: one Ed25519 signature for a batch, and the way from this
// receipt's leaf to what was signed. polling/receipts.py has the layout.

import { joined, leafHash, rootFromInclusion, utf8 } from "./merkle.js";
import { unbase64 } from "./notes.js";

const TITLE = utf8("streamd receipts v1\n");
const HEAD = 64 + 2 + 2;
const KINDS = { poll: "string", ballot_id: "string", shard: "number", seq: "number", log: "string", sig: "string" };

/** The receipt in JSON as a voter copied it, or null. */
export function parseReceipt(text) {
  try {
    const fields = JSON.parse(text);
    const whole = Object.entries(KINDS).every(([name, kind]) => typeof fields[name] === kind);
    return whole && Number.isInteger(fields.seq) && Number.isInteger(fields.shard) ? fields : null;
  } catch {
    return null;
  }
}

/** Its canonical JSON (RFC 8785), which is what the signature covers. */
function signedText({ ballot_id, log, poll, seq, shard }) {
  return JSON.stringify({ ballot_id, log, poll, seq, shard });
}

/** Whether `key` signed this receipt, in a batch. */
export async function holds(receipt, key) {
  const raw = unbase64(receipt.sig);
  if (raw.length < HEAD || (raw.length - HEAD) % 32) return false;
  const view = new DataView(raw.buffer);
  const path = [];
  for (let at = HEAD; at < raw.length; at += 32) path.push(raw.slice(at, at + 32));
  const leaf = await leafHash(utf8(signedText(receipt)));
  const root = await rootFromInclusion(leaf, view.getUint16(64), view.getUint16(66), path);
  return root !== null && key.verifies(joined(TITLE, root), raw.slice(0, 64));
}

/** The hash of a ballot's leaf; `commitment` in polls that are opened at the close. */
export function ballotLeaf(poll, ballotId, commitment) {
  const committed = commitment ? `${commitment}\n` : "";
  return leafHash(utf8(`streamd ballot v1\n${poll}\n${ballotId}\n${committed}`));
}
