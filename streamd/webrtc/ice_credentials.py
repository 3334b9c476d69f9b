"""A side's ICE username fragment and password (RFC 8445 §5.3). Pure."""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass, field

_ALPHABET = string.ascii_letters + string.digits
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one side puts before and behind the colon of its checks, and signs them with."""

    ufrag: str
    password: str = field(repr=False)

    @classmethod
    def new(cls) -> Credentials:
        """Random ones: the ufrag is a key of the mux's table, so it is too long to be guessed."""
        return cls(_random(16), _random(32))

    def well_formed(self) -> bool:
        """Whether both are ICE characters of a lawful length (RFC 8839 §5.4)."""
        return (
            _UFRAG.fullmatch(self.ufrag) is not None
            and _PASSWORD.fullmatch(self.password) is not None
        )


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
