"""The poll keys: one secret per open poll, in a file outside the store, destroyed at close.

The store knows a voter only as a *nullifier*, HMAC(poll key, voter). While the poll is open the
key tells a second vote by one person from a first. Once the key is gone nobody, the operator
included, can compute the nullifier of a known voter again.

Keep the directory out of the store's backups: a copy of a key outlives its poll.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from pathlib import Path

_SUFFIX = ".key"
_KEY_BYTES = 32
# 128 bits: among 10 million voters two share a nullifier with a chance of 10^-25.
NULLIFIER_BYTES = 16
_BLOCK_BYTES = 64

# SHA-256 after HMAC's inner and outer block (RFC 2104), ready to be copied: half of what HMAC costs
# is to begin anew with the same key, and every vote needs one.
_Begun = tuple["hashlib._Hash", "hashlib._Hash"]


class PollKeys:
    """The keys in ``directory`` (0700), each in a file ``{poll}.key`` (0600)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: dict[str, _Begun] = {}
        self._destroyed: set[str] = set()
        # Keys are read on the loop and destroyed in a thread.
        self._lock = threading.Lock()

    def create(self, poll: str) -> None:
        """Makes the key of ``poll`` and puts it on disk; keeps the one that is already there.

        Blocks on fsync.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        with self._lock:
            self._destroyed.discard(poll)
        path = self._path(poll)
        # Written aside, then linked: a crash leaves either no key or a whole one, and of two
        # processes that open the same poll only one decides.
        aside = path.with_name(f".{poll}.{secrets.token_hex(8)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(aside, path)
            except FileExistsError:
                return
        finally:
            aside.unlink()
        self._sync_directory()

    def destroy(self, poll: str) -> bool:
        """Forgets the key of ``poll`` here and on disk; False where there was none. Blocks.

        The file is overwritten before it is removed. Flash memory and copying file systems may
        keep the old blocks for a while; the threat model says so.
        """
        with self._lock:
            # A vote that reads the file in this moment must not put the key back.
            self._destroyed.add(poll)
            self._held.pop(poll, None)
        path = self._path(poll)
        try:
            with path.open("r+b") as file:
                file.write(bytes(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except FileNotFoundError:
            return False
        self._sync_directory()
        return True

    def polls(self) -> tuple[str, ...]:
        """The polls whose key is on disk."""
        if not self._directory.is_dir():
            return ()
        return tuple(sorted(path.stem for path in self._directory.glob(f"*{_SUFFIX}")))

    def nullifier(self, poll: str, voter: str) -> bytes | None:
        """HMAC-SHA256(poll key, voter), its first 16 bytes; None where the poll has no key."""
        begun = self._held.get(poll) or self._read(poll)
        if begun is None:
            return None
        inner, outer = begun[0].copy(), begun[1].copy()
        inner.update(voter.encode())
        outer.update(inner.digest())
        return outer.digest()[:NULLIFIER_BYTES]

    def _read(self, poll: str) -> _Begun | None:
        try:
            key = self._path(poll).read_bytes()
        except FileNotFoundError:
            return None
        if len(key) != _KEY_BYTES or not any(key):
            return None
        block = key.ljust(_BLOCK_BYTES, b"\0")
        begun = (
            hashlib.sha256(bytes(byte ^ 0x36 for byte in block)),
            hashlib.sha256(bytes(byte ^ 0x5C for byte in block)),
        )
        with self._lock:
            if poll in self._destroyed:
                return None
            self._held[poll] = begun
        return begun

    def _path(self, poll: str) -> Path:
        return self._directory / f"{poll}{_SUFFIX}"

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
