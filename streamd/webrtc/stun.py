"""STUN binding requests in, their answers out: all of STUN that an ICE-lite agent speaks. Pure.

RFC 8489 §5, §14 and RFC 8445 §7. A lite agent sends no checks of its own, so responses are
nothing to it. ``read_request`` never raises: a datagram that breaks the format is ``None``, since
anybody can send one.
"""

from __future__ import annotations

import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

COOKIE = 0x2112A442
HEADER_BYTES = 20

_BINDING_REQUEST = 0x0001
_BINDING_INDICATION = 0x0011
_BINDING_SUCCESS = 0x0101
_BINDING_ERROR = 0x0111

_USERNAME = 0x0006
_MESSAGE_INTEGRITY = 0x0008
_ERROR_CODE = 0x0009
_UNKNOWN_ATTRIBUTES = 0x000A
_XOR_MAPPED_ADDRESS = 0x0020
_PRIORITY = 0x0024
_USE_CANDIDATE = 0x0025
_FINGERPRINT = 0x8028
_ICE_CONTROLLED = 0x8029
_KNOWN = frozenset((_USERNAME, _MESSAGE_INTEGRITY, _PRIORITY, _USE_CANDIDATE))
_FINGERPRINT_XOR = 0x5354554E
_INTEGRITY_BYTES = 20
_ATTRIBUTES = 32
"""More than any client sends; each costs a turn of the loop."""


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A well-formed request with a right FINGERPRINT; who sent it is not proven yet.

    ``local`` is the ufrag of the side it is meant for: what stands before USERNAME's colon.
    ``unknown`` are attribute types that must be understood, and are not (§14).
    """

    transaction: bytes
    local: str
    nominates: bool
    controlled: bool
    unknown: tuple[int, ...]
    protected: bytes
    integrity: bytes

    def proven_by(self, password: str) -> bool:
        """Whether MESSAGE-INTEGRITY was made with ``password`` (short-term, §14.5)."""
        return hmac.compare_digest(self.integrity, _digest(self.protected, password))


def is_indication(datagram: bytes) -> bool:
    """Whether this is a binding indication, ICE's keepalive (RFC 8445 §11)."""
    return (
        len(datagram) >= HEADER_BYTES
        and int.from_bytes(datagram[:2], "big") == _BINDING_INDICATION
        and int.from_bytes(datagram[4:8], "big") == COOKIE
    )


def read_request(datagram: bytes) -> BindingRequest | None:
    """A connectivity check as RFC 8445 §7.1 has it, or None.

    USERNAME, MESSAGE-INTEGRITY and FINGERPRINT are demanded; what follows MESSAGE-INTEGRITY is
    not protected by it and is passed over (§14.5).
    """
    if len(datagram) < HEADER_BYTES or len(datagram) % 4:
        return None
    kind, length, cookie = struct.unpack_from("!HHI", datagram)
    if kind != _BINDING_REQUEST or cookie != COOKIE or length != len(datagram) - HEADER_BYTES:
        return None
    found = _attributes(datagram)
    if found is None or _USERNAME not in found or _MESSAGE_INTEGRITY not in found:
        return None
    local = _local_ufrag(datagram, *found[_USERNAME])
    at, size = found[_MESSAGE_INTEGRITY]
    if local is None or size != _INTEGRITY_BYTES:
        return None
    # The length field covers MESSAGE-INTEGRITY and nothing behind it.
    covered = (at + _INTEGRITY_BYTES - HEADER_BYTES).to_bytes(2, "big")
    return BindingRequest(
        transaction=datagram[8:HEADER_BYTES],
        local=local,
        nominates=_USE_CANDIDATE in found,
        controlled=_ICE_CONTROLLED in found,
        unknown=tuple(kind for kind in found if kind < 0x8000 and kind not in _KNOWN),
        protected=datagram[:2] + covered + datagram[4 : at - 4],
        integrity=datagram[at : at + _INTEGRITY_BYTES],
    )


def _attributes(datagram: bytes) -> dict[int, tuple[int, int]] | None:
    """(position, size) of each attribute's value up to MESSAGE-INTEGRITY; None if malformed.

    FINGERPRINT must be the last attribute, and right.
    """
    found: dict[int, tuple[int, int]] = {}
    at = HEADER_BYTES
    for _ in range(_ATTRIBUTES):
        if at + 4 > len(datagram):
            return None
        kind, size = struct.unpack_from("!HH", datagram, at)
        at += 4
        if at + size > len(datagram):
            return None
        if kind == _FINGERPRINT:
            whole = size == 4 and at + size == len(datagram)
            return found if whole and _fingerprint_fits(datagram) else None
        if _MESSAGE_INTEGRITY not in found:
            found.setdefault(kind, (at, size))
        at += size + -size % 4
    return None


def _fingerprint_fits(datagram: bytes) -> bool:
    return _fingerprint(datagram[:-8]) == datagram[-4:]


def _local_ufrag(datagram: bytes, at: int, size: int) -> str | None:
    local, colon, _ = datagram[at : at + size].partition(b":")
    if not colon or not 4 <= len(local) <= 256 or not local.isascii():
        return None
    return local.decode("ascii")


def success(request: BindingRequest, host: str, port: int, password: str) -> bytes:
    """The answer that tells the client the address it was heard from (RFC 8445 §7.3.1.2)."""
    xored = _packed(host)
    mask = COOKIE.to_bytes(4, "big") + request.transaction
    address = bytes(a ^ b for a, b in zip(xored, mask, strict=False))
    family = 1 if len(xored) == 4 else 2
    value = struct.pack("!BBH", 0, family, port ^ COOKIE >> 16) + address
    body = _attribute(_XOR_MAPPED_ADDRESS, value)
    return _message(_BINDING_SUCCESS, request.transaction, body, password)


def refusal(
    request: BindingRequest, code: int, reason: str, password: str | None, unknown: bool = False
) -> bytes:
    """An error answer (§6.3.4); without ``password`` for a request that was not authenticated."""
    value = struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode("ascii")
    body = _attribute(_ERROR_CODE, value)
    if unknown:
        body += _attribute(
            _UNKNOWN_ATTRIBUTES, b"".join(kind.to_bytes(2, "big") for kind in request.unknown)
        )
    return _message(_BINDING_ERROR, request.transaction, body, password)


def binding_request(
    transaction: bytes, username: str, password: str, *, attributes: bytes = b""
) -> bytes:
    """A check as a full agent sends it; streamd's own use is in tests and load tests."""
    body = _attribute(_USERNAME, username.encode("ascii")) + attributes
    return _message(_BINDING_REQUEST, transaction, body, password)


def _message(kind: int, transaction: bytes, body: bytes, password: str | None) -> bytes:
    """A whole message with its MESSAGE-INTEGRITY and FINGERPRINT, in this order (§14.7)."""
    if password is not None:
        size = len(body) + 4 + _INTEGRITY_BYTES
        head = struct.pack("!HHI", kind, size, COOKIE) + transaction
        body += _attribute(_MESSAGE_INTEGRITY, _digest(head + body, password))
    head = struct.pack("!HHI", kind, len(body) + 8, COOKIE) + transaction
    return head + body + _attribute(_FINGERPRINT, _fingerprint(head + body))


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _digest(message: bytes, password: str) -> bytes:
    return hmac.digest(password.encode("ascii"), message, "sha1")


def _fingerprint(message: bytes) -> bytes:
    return (zlib.crc32(message) ^ _FINGERPRINT_XOR).to_bytes(4, "big")


@lru_cache(maxsize=1_024)
def _packed(host: str) -> bytes:
    """An address as bytes, an IPv4 one that came through an IPv6 socket as IPv4."""
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).packed
