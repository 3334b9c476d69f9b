"""Signed notes and their keys, after https://c2sp.org/signed-note, with Ed25519 alone. Pure.

A note is text, a blank line, then signature lines ``— NAME BASE64(key id ‖ signature)``. A public
key travels as a *vkey*, ``NAME+KEYID+BASE64(0x01 ‖ public key)``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from polling.errors import NoteRejected

_ED25519 = b"\x01"
_MOST_BYTES = 65_536
_MOST_SIGNATURES = 64
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under a name. ``public`` is 32 bytes (RFC 8032 section 5.1.5)."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), its first four bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as text, to be pinned by whoever checks."""
        public = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{public}"

    @classmethod
    def parse(cls, vkey: str) -> NoteKey:
        """The key in a vkey. Raises NoteRejected."""
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        public = _decoded(encoded)
        if not is_key_name(name) or len(public) != 33 or public[:1] != _ED25519:
            raise NoteRejected("This is not a public key of a log (NAME+ID+KEY, Ed25519).")
        key = cls(name, public[1:])
        if key.key_id.hex() != key_id:
            raise NoteRejected("The public key and the id in it do not belong together.")
        return key

    def named(self, name: str) -> NoteKey:
        """The same key under another name."""
        return NoteKey(name, self.public)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` (64 bytes) is this key's over ``message`` (RFC 8032)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def open(self, note: str) -> str:
        """The text of ``note``, which this key has signed. Raises NoteRejected."""
        text, lines = _parted(note)
        signed = False
        for line in lines:
            name, _, encoded = line.removeprefix("— ").partition(" ")
            signature = _decoded(encoded)
            if name != self.name or signature[:4] != self.key_id:
                continue
            if not self.verifies(text.encode(), signature[4:]):
                raise NoteRejected(f"The signature of “{self.name}” does not fit what it signs.")
            signed = True
        if not signed:
            raise NoteRejected(f"“{self.name}” has not signed this with the key that is expected.")
        return text


class NoteSigner:
    """Signs notes and messages. ``seed``: the private key's 32 bytes (RFC 8032 section 5.1.5)."""

    def __init__(self, name: str, seed: bytes) -> None:
        if not is_key_name(name):
            raise ValueError(f"{name!r} cannot be a key's name: no spaces, no plus, not empty")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = NoteKey(name, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over ``message``; always the same for the same."""
        return self._private.sign(message)

    def note(self, text: str, name: str | None = None) -> str:
        """``text``, which ends in a newline, as a signed note, by the key as ``name``."""
        key = self.key if name is None else self.key.named(name)
        if not text.endswith("\n") or _CONTROL.search(text):
            raise ValueError("a note's text ends in a newline and has no other control characters")
        signature = base64.b64encode(key.key_id + self.sign(text.encode())).decode()
        return f"{text}\n— {key.name} {signature}\n"


def is_key_name(name: str) -> bool:
    """Whether ``name`` can name a key: not empty, no Unicode spaces, no plus."""
    return _NAME.fullmatch(name) is not None


def note_text(note: str) -> str:
    """The text of ``note``, whoever signed it; not to be trusted. Raises NoteRejected."""
    return _parted(note)[0]


def _parted(note: str) -> tuple[str, list[str]]:
    text, blank, tail = note.rpartition("\n\n")
    lines = tail.split("\n")[:-1]
    whole = (
        blank
        and len(note) <= _MOST_BYTES
        and not _CONTROL.search(note)
        and tail.endswith("\n")
        and 0 < len(lines) <= _MOST_SIGNATURES
        and all(line.startswith("— ") for line in lines)
    )
    if not whole:
        raise NoteRejected("This is not a signed note: text, a blank line, then signatures.")
    return text + "\n", lines


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""
