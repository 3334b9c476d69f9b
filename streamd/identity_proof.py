"""A new device's proof of work, by altcha, and the pass that says it was done.

It makes a thousand devices cost a thousand times what one costs; it does not tell people from
programs. The challenge is stateless (signed here, expires, https://altcha.org/docs/v2/), a used
one is remembered in the store until it expires. The pass is a cookie bound to the device cookie,
so it opens nothing for another device.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import altcha

from streamd.errors import ProofRefused

CHALLENGE_SECONDS = 1_200
"""How long a challenge can be answered. A page solves it at once and sends it with its vote."""

_ALGORITHMS = {"pbkdf2": "PBKDF2/SHA-256", "scrypt": "SCRYPT"}
# scrypt's N is a power of two; a guess takes a few times as long as of PBKDF2, in WebAssembly.
_SCRYPT_BLOCK = 8
_PBKDF2_A_SCRYPT = 8


class Proofs:
    """Makes challenges and checks their solutions; ``cost`` is PBKDF2's rounds, 0: no proofs."""

    def __init__(self, secret: bytes, cost: int) -> None:
        self._secret = hashlib.sha256(b"proof-of-work" + secret).digest()
        self.cost = cost

    def challenge(self, now: float, kind: str = "pbkdf2") -> dict[str, object]:
        """A challenge as altcha's clients take it: ``{parameters, signature}``.

        ``kind`` "scrypt" is for pages that a browser gives no WebCrypto (plain HTTP): they solve
        it in WebAssembly.
        """
        expires_at = int(now) + CHALLENGE_SECONDS
        if kind == "scrypt":
            rounds = max(16, self.cost // _PBKDF2_A_SCRYPT)
            made = altcha.create_challenge(
                _ALGORITHMS["scrypt"],
                1 << (rounds - 1).bit_length(),
                memory_cost=_SCRYPT_BLOCK,
                parallelism=1,
                expires_at=expires_at,
                hmac_secret=self._secret,
            )
        else:
            made = altcha.create_challenge(
                _ALGORITHMS["pbkdf2"],
                self.cost,
                expires_at=expires_at,
                hmac_secret=self._secret,
            )
        shape: dict[str, object] = made.to_dict()
        return shape

    def check(self, payload: str) -> str:
        """The id of the challenge that ``payload`` (altcha's base64 JSON) solves.

        It has to be spent in the store: checking alone would let it be used again. Raises
        ProofRefused.
        """
        result = altcha.verify_solution(payload, self._secret)
        if result.expired:
            raise ProofRefused("That challenge has expired. Ask for a new one and solve it.")
        if not result.verified:
            raise ProofRefused("That does not solve a challenge of ours. Ask for a new one.")
        signature = altcha.Payload.from_base64(payload).challenge.signature or ""
        return hashlib.sha256(signature.encode()).hexdigest()[:32]


class DevicePasses:
    """Issues and checks the pass cookie: ``{expires}.{HMAC-SHA256}``, bound to one device."""

    name = "streamd_pass"

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.sha256(b"device-pass" + secret).digest()

    def issue(self, device: str, expires_at: int) -> str:
        """A cookie value that holds until ``expires_at``, in Unix seconds."""
        return f"{expires_at}.{self._sign(device, str(expires_at))}"

    def holds(self, value: str | None, device: str, now: float) -> bool:
        """Whether ``value`` is a pass of ``device`` that has not expired."""
        expires_at, _, signature = (value or "").partition(".")
        expected = self._sign(device, expires_at)
        if not hmac.compare_digest(signature.encode(errors="replace"), expected.encode()):
            return False
        return int(expires_at) > now

    def _sign(self, device: str, expires_at: str) -> str:
        digest = hmac.digest(
            self._secret, f"{expires_at}.{device}".encode(errors="replace"), "sha256"
        )
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
