"""The server's secret behind cookies and tokens: 32 random bytes in a file of their own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from streamd.errors import ConfigError

_BYTES = 32


def server_secret(path: Path) -> bytes:
    """The secret in ``path``, made where there is none; readable by the owner alone.

    Written aside, put on disk, then linked: a crash leaves no file or a whole one, and of two
    processes that start together both use the same. Raises ConfigError where the file is not
    whole: going on with it would let anyone forge a voter.
    """
    if not path.exists():
        _make(path)
    secret = path.read_bytes()
    if len(secret) != _BYTES:
        raise ConfigError(
            f"{path} holds {len(secret)} bytes and should hold {_BYTES}. Restore it from a backup, "
            "or delete it: then every device and open page has to begin anew."
        )
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        aside.unlink(missing_ok=True)
