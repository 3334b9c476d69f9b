"""Hashing and proofs: known vectors, every small tree, and an implementation that is not ours."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from polling import merkle
from polling.merkle import Hashes

# The leaves and roots of the certificate transparency reference implementation's tests.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LARGEST = 40


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % number) for number in range(size)]


def hashes_over(leaves: list[bytes]) -> Hashes:
    def root(level: int, index: int) -> bytes:
        start = index << level
        assert start + (1 << level) <= len(leaves), "a subtree beyond the tree was asked for"
        return merkle.root_of(b"".join(leaves[start : start + (1 << level)]))

    return root


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1 as it is written."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_known_roots(size: int) -> None:
    leaves = [merkle.leaf_hash(data) for data in LEAVES[:size]]
    assert merkle.root_of(b"".join(leaves)).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [
        (1, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]),
        (2, 5, ["5f083f0a", "bc1a0643"]),
        (6, 8, ["0ebc5d34", "ca854ea1", "d37ee418"]),
        (8, 8, []),
    ],
)
def test_known_consistency_proofs(old: int, new: int, proof: list[str]) -> None:
    """Of the same tests, by the first four bytes of each hash; the roots hold the rest."""
    hashes = hashes_over([merkle.leaf_hash(data) for data in LEAVES])
    path = merkle.consistency_proof(hashes, old, new)
    assert [one.hex()[:8] for one in path] == proof
    roots = [bytes.fromhex(ROOTS[size]) for size in (old, new)]
    assert merkle.is_consistent(old, roots[0], new, roots[1], path)


@pytest.mark.parametrize(
    ("index", "size", "proof"),
    [
        (0, 1, []),
        (0, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]),
        (5, 8, ["bc1a0643", "ca854ea1", "d37ee418"]),
        (2, 3, ["fac54203"]),
        (1, 5, ["6e340b9c", "5f083f0a", "bc1a0643"]),
    ],
)
def test_known_inclusion_proofs(index: int, size: int, proof: list[str]) -> None:
    leaves = [merkle.leaf_hash(data) for data in LEAVES]
    path = merkle.inclusion_proof(hashes_over(leaves), index, size)
    assert [one.hex()[:8] for one in path] == proof
    assert merkle.is_included(leaves[index], index, size, path, bytes.fromhex(ROOTS[size]))


def test_every_leaf_of_every_small_tree_is_included_and_no_other() -> None:
    leaves = leaves_of(LARGEST)
    for size in range(1, LARGEST + 1):
        hashes, root = hashes_over(leaves[:size]), naive_root(leaves[:size])
        assert merkle.root_of(b"".join(leaves[:size])) == root
        for index in range(size):
            path = merkle.inclusion_proof(hashes, index, size)
            assert merkle.is_included(leaves[index], index, size, path, root)
            assert not merkle.is_included(leaves[index], index + 1, size, path, root)
            assert not merkle.is_included(leaves[index - 1], index, size, path, root) or size == 1
            assert not merkle.is_included(leaves[index], index, size, [*path, root], root)
            assert not path or not merkle.is_included(leaves[index], index, size, path[:-1], root)


def test_every_small_tree_goes_on_from_every_smaller_one() -> None:
    leaves = leaves_of(LARGEST)
    roots = [naive_root(leaves[:size]) for size in range(LARGEST + 1)]
    for new in range(LARGEST + 1):
        hashes = hashes_over(leaves[:new])
        for old in range(new + 1):
            path = merkle.consistency_proof(hashes, old, new)
            assert merkle.is_consistent(old, roots[old], new, roots[new], path)
            wrong = roots[old - 1] if old else roots[1]
            assert not merkle.is_consistent(old, wrong, new, roots[new], path)
            # Whatever there is goes on from nothing.
            assert not merkle.is_consistent(old, roots[old], new, wrong, path) or old == 0 < new
            assert not merkle.is_consistent(old, roots[old], new, roots[new], [*path, wrong])
            if path:
                assert not merkle.is_consistent(old, roots[old], new, roots[new], path[:-1])


@pytest.mark.parametrize(
    "ask",
    [
        lambda hashes: merkle.inclusion_proof(hashes, 3, 3),
        lambda hashes: merkle.inclusion_proof(hashes, -1, 3),
        lambda hashes: merkle.consistency_proof(hashes, 4, 3),
    ],
)
def test_what_no_tree_proves(ask: Callable[[Hashes], object]) -> None:
    with pytest.raises(ValueError, match="a tree of 3 leaves"):
        ask(hashes_over(leaves_of(3)))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400), st.randoms(use_true_random=False))
def test_pymerkle_agrees(size: int, chance: random.Random) -> None:
    """Its roots are ours, and it accepts our proofs as we accept its own."""
    data = [b"%d" % number for number in range(size)]
    theirs = InmemoryTree(algorithm="sha256")
    for one in data:
        theirs.append_entry(one)
    leaves = [merkle.leaf_hash(one) for one in data]
    hashes, root = hashes_over(leaves), theirs.get_root()
    assert root == merkle.root_of(b"".join(leaves))

    index, old = chance.randrange(size), chance.randint(1, size)
    inclusion = theirs.prove_inclusion(index + 1, size)
    # Its path begins with the leaf itself.
    assert inclusion.path[1:] == merkle.inclusion_proof(hashes, index, size)
    assert merkle.is_included(leaves[index], index, size, inclusion.path[1:], root)
    inclusion.path = [leaves[index], *merkle.inclusion_proof(hashes, index, size)]
    verify_inclusion(leaves[index], root, inclusion)

    # Its consistency proofs have a layout of their own, so they are held against our roots.
    roots = [merkle.root_of(b"".join(leaves[:part])) for part in (old, size)]
    verify_consistency(*roots, theirs.prove_consistency(old, size))
    path = merkle.consistency_proof(hashes, old, size)
    assert merkle.is_consistent(old, theirs.get_root(old), size, root, path)
