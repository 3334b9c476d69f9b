"""Access codes: how they are made, written, read back and kept.

A code is eleven characters of 55 random bits and a check character, shown as ``XXXX-XXXX-XXXX``.
The alphabet is Crockford's: no I, L, O or U, so that nothing on paper looks like something else.
The check is Damm's with the quasigroup 2x + y over GF(32): it finds every single wrong character
and every swap of two neighbours. What is kept of a code is an HMAC under a key that is not in the
store, so a stolen store does not yield codes even though they could be guessed there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from streamd.errors import MistypedCode

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_CHARACTERS = 11
GROUP = 4
MOST_A_REQUEST = 2_000
MOST_A_BATCH = 20_000
"""What `streamd codes make` makes at once; a QR takes 4 ms."""

_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_DIGITS = {
    ord(digit): str(value)
    for digits in ("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩")
    for value, digit in enumerate(digits)
}
# Read as what they were taken for (Crockford); hyphens and spaces are for the eye.
_READ = {**_DIGITS, **str.maketrans("ILO", "110", "-‐‑–— \t\n\u200c\u200e\u200f")}
_POLYNOMIAL = 0b100101


def make() -> str:
    """A new code without hyphens."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return body + ALPHABET[_double(_interim(body))]


def shown(code: str) -> str:
    """The code in groups of four."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def read(entered: str) -> str:
    """The code that was meant: any case, any hyphens and spaces, Persian and Arabic digits.

    Raises MistypedCode.
    """
    code = entered.upper().translate(_READ)
    if (
        len(code) != RANDOM_CHARACTERS + 1
        or not all(character in _VALUES for character in code)
        or _interim(code)
    ):
        raise MistypedCode(
            "That is not a code from a sheet. Compare it character by character and enter it again."
        )
    return code


class CodeSeal:
    """Turns codes into what is kept of them."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"access-code" + secret).digest()

    def seal(self, scope: str, code: str) -> str:
        """128 bits of HMAC-SHA256 over the code and what it is for, as 32 hex digits."""
        return hmac.digest(self._key, f"{scope}\n{code}".encode(), "sha256")[:16].hex()


def _interim(code: str) -> int:
    """Damm's interim digit; 0 after a whole code."""
    interim = 0
    for character in code:
        interim = _double(interim) ^ _VALUES[character]
    return interim


def _double(value: int) -> int:
    """2 · value in GF(32) by x⁵ + x² + 1."""
    value <<= 1
    return value ^ _POLYNOMIAL if value & 0b100000 else value
