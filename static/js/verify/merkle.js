// Merkle trees as RFC 6962 hashes them and RFC 9162 sections 2.1.3 and 2.1.4 prove them. Hashes are
// Uint8Arrays of 32 bytes; WebCrypto's digest is asynchronous, so everything here is.

const encoder = new TextEncoder();
const AT_ONCE = 2_000;

export const utf8 = (text) => encoder.encode(text);

/** The pieces one after the other. */
export function joined(...pieces) {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

export const equal = (one, other) =>
  one.length === other.length && one.every((byte, place) => byte === other[place]);

export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export const leafHash = (data) => sha256(joined([0], data));
const nodeHash = (left, right) => sha256(joined([1], left, right));

/** The root of a tree with these leaves. */
export async function rootOf(leaves) {
  if (!leaves.length) return sha256(new Uint8Array());
  let row = leaves;
  while (row.length > 1) {
    const above = [];
    for (let from = 0; from < row.length; from += AT_ONCE) {
      const part = [];
      for (let at = from; at < Math.min(from + AT_ONCE, row.length); at += 2) {
        // A last node without a neighbour goes up unchanged.
        part.push(at + 1 < row.length ? nodeHash(row[at], row[at + 1]) : row[at]);
      }
      above.push(...(await Promise.all(part)));
    }
    row = above;
  }
  return row[0];
}

// Numbers of leaves stay below 2^53, past what shifts take.
const half = (number) => Math.floor(number / 2);
const isOdd = (number) => number % 2 === 1;

/** The root that `path` leads to from `leaf`, or null where its length is wrong (2.1.3.2). */
export async function rootFromInclusion(leaf, index, size, path) {
  if (!(index >= 0 && index < size)) return null;
  let [node, last, root] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return null;
    if (isOdd(node) || node === last) {
      root = await nodeHash(sibling, root);
      while (!isOdd(node) && node) [node, last] = [half(node), half(last)];
    } else {
      root = await nodeHash(root, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? root : null;
}

/** Whether `path` proves that the tree of `to` leaves begins with the one of `from` (2.1.4.2). */
export async function isConsistent(from, fromRoot, to, toRoot, path) {
  if (!(from >= 0 && from <= to)) return false;
  if (from === to) return !path.length && equal(fromRoot, toRoot);
  if (from === 0) return !path.length && equal(fromRoot, await rootOf([]));
  const hashes = Number.isInteger(Math.log2(from)) ? [fromRoot, ...path] : [...path];
  if (!hashes.length) return false;
  let [node, last] = [from - 1, to - 1];
  while (isOdd(node)) [node, last] = [half(node), half(last)];
  let [first, second] = [hashes[0], hashes[0]];
  for (const sibling of hashes.slice(1)) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      first = await nodeHash(sibling, first);
      second = await nodeHash(sibling, second);
      while (!isOdd(node) && node) [node, last] = [half(node), half(last)];
    } else {
      second = await nodeHash(second, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && equal(first, fromRoot) && equal(second, toRoot);
}
