// Signed notes, their keys, checkpoints and close statements (https://c2sp.org/signed-note,
// https://c2sp.org/tlog-checkpoint), with WebCrypto's Ed25519.

import { equal, joined, sha256, utf8 } from "./merkle.js";

const CLOSE_TITLE = "streamd close statement v1";

/** What is wrong with a note or a key; `code` names the sentence in checks.js. */
export class NoteError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** The bytes of standard base64; none where it is not that. */
export function unbase64(text) {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The bytes that hexadecimal text spells, or null. */
export function unhex(text) {
  if (typeof text !== "string" || !/^(?:[0-9a-f]{2})*$/.test(text)) return null;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Why this browser cannot check signatures: "insecure", "old", or null where it can. */
export async function unable() {
  if (!globalThis.crypto?.subtle) return "insecure";
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "Ed25519" }, false, ["verify"]);
    return null;
  } catch {
    return "old";
  }
}

/** A public key under a name. */
export class NoteKey {
  constructor(name, raw) {
    this.name = name;
    this.raw = raw;
  }

  /** The key in a vkey, NAME+ID+BASE64. */
  static async parse(vkey) {
    const [name, id, ...rest] = vkey.trim().split("+");
    // Base64 has plus signs of its own.
    const encoded = unbase64(rest.join("+"));
    if (!name || /\s/.test(name) || encoded.length !== 33 || encoded[0] !== 1) {
      throw new NoteError("no-key");
    }
    const key = new NoteKey(name, encoded.slice(1));
    if (hex(await key.id()) !== id) throw new NoteError("no-key");
    return key;
  }

  named(name) {
    return new NoteKey(name, this.raw);
  }

  async id() {
    return (await sha256(joined(utf8(`${this.name}\n`), [1], this.raw))).slice(0, 4);
  }

  async verifies(message, signature) {
    if (signature.length !== 64) return false;
    this.imported ??= await crypto.subtle.importKey("raw", this.raw, { name: "Ed25519" }, false, ["verify"]);
    return crypto.subtle.verify({ name: "Ed25519" }, this.imported, signature, message);
  }

  /** The text of a note that this key signed. */
  async open(note) {
    const { text, lines } = parted(note);
    const id = await this.id();
    let signed = false;
    for (const line of lines) {
      const [, name, encoded] = line.split(" ");
      const signature = unbase64(encoded ?? "");
      if (name !== this.name || !equal(signature.slice(0, 4), id)) continue;
      if (!(await this.verifies(utf8(text), signature.slice(4)))) throw new NoteError("bad-signature");
      signed = true;
    }
    if (!signed) throw new NoteError("not-signed");
    return text;
  }
}

function parted(note) {
  const place = note.lastIndexOf("\n\n");
  const lines = note.slice(place + 2).split("\n");
  const ended = lines.pop() === "";
  const whole = place > 0 && ended && lines.length > 0 && lines.length <= 64;
  // eslint-disable-next-line no-control-regex
  if (!whole || /[\x00-\x09\x0b-\x1f]/.test(note) || !lines.every((line) => line.startsWith("— "))) {
    throw new NoteError("no-note");
  }
  return { text: note.slice(0, place + 1), lines };
}

function checkpointIn(text) {
  const lines = text.split("\n");
  const root = unbase64(lines[2] ?? "");
  if (lines.length < 4 || !lines[0] || !/^(?:0|[1-9]\d{0,14})$/.test(lines[1]) || root.length !== 32) {
    throw new NoteError("no-checkpoint");
  }
  return { origin: lines[0], size: Number(lines[1]), root };
}

/** The checkpoint in a note that `key` signed by the origin's name: {origin, size, root, note}. */
export async function openCheckpoint(note, key) {
  const claimed = checkpointIn(parted(note).text);
  return { ...checkpointIn(await key.named(claimed.origin).open(note)), note };
}

/** The close statement in a note that `key` signed: {origin, poll, mode, tally, identities, size, root}. */
export async function openStatement(note, key) {
  const [title, origin] = parted(note).text.split("\n");
  if (title !== CLOSE_TITLE || !origin) throw new NoteError("no-statement");
  const body = (await key.named(origin).open(note)).split("\n")[2];
  const { poll, mode, tally, identities, log, superseded } = JSON.parse(body);
  return { origin, poll, mode, tally, identities, superseded, size: log.size, root: unbase64(log.root) };
}
