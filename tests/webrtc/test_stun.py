"""STUN as the mux reads and writes it, beside aioice's own implementation."""

from __future__ import annotations

import struct

import aioice.stun
import pytest
from aioice.stun import Class, Message, Method, parse_message
from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc import stun

PASSWORD = "p" * 32
TRANSACTION = bytes(range(12))


def check(password: str = PASSWORD, **attributes: object) -> bytes:
    """A binding request as aioice writes it."""
    message = Message(Method.BINDING, Class.REQUEST, TRANSACTION)
    message.attributes["USERNAME"] = "localufrag:theirs"
    message.attributes["PRIORITY"] = 7
    message.attributes |= {name.replace("_", "-"): value for name, value in attributes.items()}
    message.add_message_integrity(password.encode())
    return bytes(message)


def test_a_check_is_read_and_its_password_proven() -> None:
    request = stun.read_request(check(ICE_CONTROLLING=1))
    assert request is not None
    assert (request.local, request.transaction) == ("localufrag", TRANSACTION)
    assert (request.nominates, request.controlled, request.unknown) == (False, False, ())
    assert request.proven_by(PASSWORD)
    assert not request.proven_by("q" * 32)


def test_nomination_role_and_what_must_be_understood_are_seen() -> None:
    request = stun.read_request(check(USE_CANDIDATE=None, ICE_CONTROLLED=1, LIFETIME=5))
    assert request is not None
    assert request.nominates
    assert request.controlled
    assert request.unknown == (0x000D,)


def test_what_follows_the_integrity_is_passed_over() -> None:
    """An attacker on the path may append; only FINGERPRINT may stand there (RFC 8489 §14.5)."""
    datagram = check()
    attribute = struct.pack("!HH", 0x0025, 0)
    body = datagram[20:-8] + attribute
    head = struct.pack("!HHI12s", 1, len(body) + 8, stun.COOKIE, TRANSACTION)
    appended = head + body
    appended += struct.pack("!HHI", 0x8028, 4, aioice.stun.message_fingerprint(appended))
    request = stun.read_request(appended)
    assert request is not None
    assert not request.nominates
    assert request.proven_by(PASSWORD)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("203.0.113.9", "203.0.113.9"), ("2001:db8::9", "2001:db8::9"), ("::ffff:192.0.2.4", None)],
)
def test_a_success_tells_the_address_and_is_signed(host: str, shown: str | None) -> None:
    request = stun.read_request(check())
    assert request is not None
    answer = parse_message(stun.success(request, host, 50_000, PASSWORD))
    assert (answer.message_class, answer.transaction_id) == (Class.RESPONSE, TRANSACTION)
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == (shown or "192.0.2.4", 50_000)
    assert answer.check_message_integrity(PASSWORD.encode())
    assert "FINGERPRINT" in answer.attributes


def test_refusals_are_signed_where_the_request_was_authenticated() -> None:
    request = stun.read_request(check(LIFETIME=1))
    assert request is not None
    conflict = parse_message(stun.refusal(request, 487, "Role Conflict", PASSWORD))
    assert conflict.attributes["ERROR-CODE"] == (487, "Role Conflict")
    assert conflict.check_message_integrity(PASSWORD.encode())
    stranger = parse_message(stun.refusal(request, 401, "Unauthenticated", None))
    assert stranger.error_code == 401
    assert not stranger.check_message_integrity(PASSWORD.encode())
    unknown = stun.refusal(request, 420, "Unknown Attribute", PASSWORD, unknown=True)
    assert struct.pack("!HHH", 0x000A, 2, 0x000D) in unknown


def test_aioice_reads_the_checks_that_tests_send() -> None:
    message = parse_message(stun.binding_request(TRANSACTION, "abcd:efgh", PASSWORD))
    assert message.attributes["USERNAME"] == "abcd:efgh"
    assert message.check_message_integrity(PASSWORD.encode())


def test_indications_are_told_from_requests() -> None:
    indication = Message(Method.BINDING, Class.INDICATION, TRANSACTION)
    assert stun.is_indication(bytes(indication))
    assert not stun.is_indication(check())
    assert stun.read_request(bytes(indication)) is None


def without(attribute: str, sign: bool = True) -> bytes:
    message = Message(Method.BINDING, Class.REQUEST, TRANSACTION)
    message.attributes["USERNAME"] = "localufrag:theirs"
    if attribute == "USERNAME":
        del message.attributes["USERNAME"]
    if sign:
        message.add_message_integrity(PASSWORD.encode())
    else:
        message.add_fingerprint()
    return bytes(message)


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "a header cut off": check()[:19],
    "a body cut off": check()[:-4],
    "more than it says": check() + bytes(4),
    "no cookie": check()[:4] + bytes(4) + check()[8:],
    "a wrong fingerprint": check()[:-1] + bytes((check()[-1] ^ 1,)),
    "no fingerprint": check()[:2] + (len(check()) - 28).to_bytes(2, "big") + check()[4:-8],
    "no username": without("USERNAME"),
    "no integrity": without("", sign=False),
    "a username without a colon": check().replace(b"localufrag:", b"localufrag."),
    "another method": b"\0\3" + check()[2:],
    "a response": bytes(Message(Method.BINDING, Class.RESPONSE, TRANSACTION)),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_breaks_the_format_is_nothing(name: str) -> None:
    assert stun.read_request(MALFORMED[name]) is None


def test_an_attribute_that_runs_past_the_end_is_nothing() -> None:
    body = struct.pack("!HH", 0x0006, 65_535) + b"ab:c"
    head = struct.pack("!HHI12s", 1, len(body) + 8, stun.COOKIE, TRANSACTION)
    message = head + body
    message += struct.pack("!HHI", 0x8028, 4, aioice.stun.message_fingerprint(message))
    assert stun.read_request(message) is None


def test_a_thousand_attributes_are_too_many() -> None:
    body = struct.pack("!HH", 0x8022, 0) * 300
    head = struct.pack("!HHI12s", 1, len(body) + 8, stun.COOKIE, TRANSACTION)
    message = head + body
    message += struct.pack("!HHI", 0x8028, 4, aioice.stun.message_fingerprint(message))
    assert stun.read_request(message) is None


@given(st.binary(max_size=200))
def test_garbage_never_raises(garbage: bytes) -> None:
    stun.read_request(garbage)
    stun.is_indication(garbage)


@given(st.data())
def test_a_damaged_check_never_raises_and_never_passes(data: st.DataObject) -> None:
    datagram = bytearray(check(USE_CANDIDATE=None, ICE_CONTROLLING=3))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(datagram) - 1))
        datagram[at] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        # Somebody who damages it can mend the fingerprint, not the integrity.
        datagram[-4:] = aioice.stun.message_fingerprint(bytes(datagram[:-8])).to_bytes(4, "big")
    changed = bytes(datagram)
    request = stun.read_request(changed)
    original = check(USE_CANDIDATE=None, ICE_CONTROLLING=3)
    if request is not None and changed[:-8] != original[:-8]:
        assert not request.proven_by(PASSWORD)


@given(
    st.text("abcXYZ019+/", min_size=4, max_size=256),
    st.text("abcXYZ019+/", min_size=22, max_size=256),
    st.binary(min_size=12, max_size=12),
)
def test_every_lawful_check_is_read_back(ufrag: str, password: str, transaction: bytes) -> None:
    request = stun.read_request(stun.binding_request(transaction, f"{ufrag}:theirs", password))
    assert request is not None
    assert (request.local, request.transaction) == (ufrag, transaction)
    assert request.proven_by(password)
