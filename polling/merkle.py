"""Merkle trees as RFC 6962 hashes them and RFC 9162 sections 2.1.1 to 2.1.4 prove them. Pure.

A tree's *leaves* are hashes of data; a *perfect subtree* ``(level, index)`` covers the 2**level
leaves from leaf ``index << level`` on. Whoever keeps a tree answers for its perfect subtrees
(``Hashes``); roots and proofs of any size follow from those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()

Hashes = Callable[[int, int], bytes]
"""``hashes(level, index)``: the 32-byte root of that perfect subtree."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf: SHA-256(0x00 ‖ data) (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def folded(row: bytes) -> bytes:
    """The row of nodes above ``row``, both as 32-byte hashes one after the other.

    A last node without a neighbour goes up unchanged, which gives the tree of section 2.1.1.
    """
    sha256 = hashlib.sha256
    whole = len(row) - len(row) % (2 * HASH_BYTES)
    above = [sha256(b"\1" + row[at : at + 64]).digest() for at in range(0, whole, 64)]
    return b"".join(above) + row[whole:]


def root_of(row: bytes) -> bytes:
    """The root over the hashes in ``row``, 32 bytes each; that of an empty tree where it is empty.

    The last hash may stand for an incomplete subtree, the others for perfect ones of one level.
    """
    if not row:
        return EMPTY_ROOT
    while len(row) > HASH_BYTES:
        row = folded(row)
    return row


def range_root(hashes: Hashes, start: int, end: int) -> bytes:
    """MTH(D[start:end]) (RFC 9162 section 2.1.1) of a range that a split of the tree leads to."""
    width = end - start
    if width & (width - 1) == 0:
        return hashes(width.bit_length() - 1, start // width)
    split = start + _split(width)
    return node_hash(range_root(hashes, start, split), range_root(hashes, split, end))


def inclusion_proof(hashes: Hashes, index: int, size: int) -> list[bytes]:
    """PATH(index, D_size) (RFC 9162 section 2.1.3.1), from the leaf upwards.

    Raises ValueError where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path, start, end = [], 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(range_root(hashes, split, end))
            end = split
        else:
            path.append(range_root(hashes, start, split))
            start = split
    return path[::-1]


def consistency_proof(hashes: Hashes, old: int, new: int) -> list[bytes]:
    """PROOF(old, D_new) (RFC 9162 section 2.1.4.1). Empty where both sizes are the same.

    Also empty where ``old`` is 0: every tree goes on from the empty one. Raises ValueError where
    ``old`` is larger.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves has not grown out of one of {old}")
    if old in (0, new):
        return []
    path, start, end, whole = [], 0, new, True
    while end != old:
        split = start + _split(end - start)
        if old <= split:
            path.append(range_root(hashes, split, end))
            end = split
        else:
            path.append(range_root(hashes, start, split))
            start, whole = split, False
    if not whole:
        path.append(range_root(hashes, start, end))
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that ``path`` leads to from ``leaf``; None where it has not the right length.

    RFC 9162 section 2.1.3.2, all but the comparison with a known root.
    """
    if not 0 <= index < size:
        return None
    node, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    return root if last == 0 else None


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` proves ``leaf`` to be the ``index``-th of ``size`` leaves of ``root``."""
    return root_from_inclusion(leaf, index, size, path) == root


def is_consistent(
    old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether ``path`` proves that the tree of ``new`` leaves begins with that of ``old``.

    RFC 9162 section 2.1.4.2; the empty tree is the beginning of every tree.
    """
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(width: int) -> int:
    """The largest power of two below ``width``, which is at least 2."""
    return 1 << (width - 1).bit_length() - 1
