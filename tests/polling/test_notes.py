"""Signed notes: Go's own test vectors, and everything that must be refused."""

from __future__ import annotations

import base64

import pytest

from polling.errors import NoteRejected
from polling.notes import NoteKey, NoteSigner, note_text

# From golang.org/x/mod/sumdb/note's tests.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SKEY = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    f"{TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


@pytest.fixture
def signer() -> NoteSigner:
    return NoteSigner("PeterNeumann", base64.b64decode(SKEY)[1:])


def test_gos_vectors(signer: NoteSigner) -> None:
    assert signer.key.vkey == VKEY
    assert signer.note(TEXT) == NOTE
    assert NoteKey.parse(VKEY + "\n") == signer.key
    assert signer.key.open(NOTE) == TEXT


def test_unknown_signatures_are_passed_over(signer: NoteSigner) -> None:
    other = NoteSigner("example.com/witness", bytes(32)).note(TEXT).split("\n\n")[1]
    assert signer.key.open(NOTE + other) == TEXT
    assert signer.key.open(NOTE.replace("\n\n", f"\n\n{other}")) == TEXT
    with pytest.raises(NoteRejected, match="has not signed"):
        signer.key.named("somebody.else").open(NOTE)


def test_a_text_may_hold_empty_lines(signer: NoteSigner) -> None:
    text = "one\n\n— two\n\nthree\n"
    assert signer.key.open(signer.note(text)) == text


@pytest.mark.parametrize(
    "broken",
    [
        NOTE.replace("cryptography", "cryptographie"),
        NOTE.replace("x08go/Z", "x08go/Y"),
        NOTE.removesuffix("\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("If", "I\x01f"),
        NOTE + "\n",
        TEXT,
        "",
        "\n\n",
        NOTE + "— a b\n" * 100,
        "x" * 70_000 + NOTE,
    ],
)
def test_what_is_not_signed_is_refused(signer: NoteSigner, broken: str) -> None:
    with pytest.raises(NoteRejected):
        signer.key.open(broken)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("+AR", "+Ag"),
        VKEY[:-4],
        VKEY.replace("PeterNeumann", "PeterNeuman"),
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_broken_keys_are_refused(vkey: str) -> None:
    with pytest.raises(NoteRejected):
        NoteKey.parse(vkey)


def test_a_note_is_not_made_of_anything(signer: NoteSigner) -> None:
    for text in ("no newline", "tab\there\n"):
        with pytest.raises(ValueError, match="newline"):
            signer.note(text)
    with pytest.raises(ValueError, match="name"):
        NoteSigner("two words", bytes(32))


def test_the_text_of_an_unverified_note() -> None:
    assert note_text(NOTE) == TEXT
