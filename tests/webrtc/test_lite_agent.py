from __future__ import annotations

import struct

from aioice.stun import Class, parse_message

from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.lite_agent import RESTART_SECONDS, VALIDATED, LiteAgent, Verdict
from streamd.webrtc.stun import binding_request, read_request

HOME, AWAY = ("192.0.2.1", 1_000), ("198.51.100.2", 2_000)
USE_CANDIDATE = struct.pack("!HH", 0x0025, 0)
CONTROLLED = struct.pack("!HHQ", 0x8029, 8, 5)


def ask(
    agent: LiteAgent,
    credentials: Credentials,
    address: tuple[str, int] = HOME,
    attributes: bytes = b"",
    now: float = 0.0,
) -> Verdict:
    datagram = binding_request(
        bytes(12), f"{credentials.ufrag}:theirs", credentials.password, attributes=attributes
    )
    request = read_request(datagram)
    assert request is not None
    return agent.check(request, address, now)


def code(verdict: Verdict) -> int | None:
    return parse_message(verdict.answer).error_code


def test_a_check_validates_and_use_candidate_nominates() -> None:
    agent = LiteAgent(0.0)
    first = ask(agent, agent.credentials, now=1.0)
    assert first.valid
    assert parse_message(first.answer).message_class is Class.RESPONSE
    assert (agent.validated, agent.nominated, agent.checked) == ((HOME,), None, 1.0)
    ask(agent, agent.credentials, HOME, USE_CANDIDATE)
    assert agent.nominated == HOME


def test_the_newest_nomination_counts() -> None:
    agent = LiteAgent(0.0)
    for address in (HOME, AWAY):
        ask(agent, agent.credentials, address, USE_CANDIDATE)
    assert agent.nominated == AWAY
    assert set(agent.validated) == {HOME, AWAY}


def test_a_wrong_password_proves_nothing() -> None:
    agent = LiteAgent(0.0)
    forged = Credentials(agent.credentials.ufrag, "x" * 32)
    verdict = ask(agent, forged, HOME, USE_CANDIDATE, now=9.0)
    assert code(verdict) == 401
    assert not verdict.valid
    assert (agent.validated, agent.nominated, agent.checked) == ((), None, 0.0)


def test_a_client_that_thinks_it_is_controlled_is_told_to_switch() -> None:
    agent = LiteAgent(0.0)
    verdict = ask(agent, agent.credentials, HOME, CONTROLLED + USE_CANDIDATE)
    assert code(verdict) == 487
    assert not verdict.valid
    assert agent.nominated is None


def test_an_attribute_that_must_be_understood_is_refused() -> None:
    agent = LiteAgent(0.0)
    verdict = ask(agent, agent.credentials, HOME, struct.pack("!HHI", 0x0003, 4, 0))
    assert code(verdict) == 420
    assert not verdict.valid


def test_addresses_are_bounded_and_the_nominated_one_stays() -> None:
    agent = LiteAgent(0.0)
    ask(agent, agent.credentials, HOME, USE_CANDIDATE)
    gone = [
        address
        for port in range(50)
        for address in ask(agent, agent.credentials, ("203.0.113.5", port)).gone
    ]
    assert len(agent.validated) == VALIDATED
    assert HOME in agent.validated
    assert set(gone) == {("203.0.113.5", port) for port in range(50)} - set(agent.validated)


def test_a_restart_counts_once_it_is_nominated() -> None:
    agent = LiteAgent(0.0)
    old = agent.credentials
    ask(agent, old, HOME, USE_CANDIDATE)
    assert agent.restart(1.0) is None
    new = agent.newest
    assert new.ufrag != old.ufrag
    assert new.password != old.password
    assert ask(agent, new, AWAY).valid
    assert agent.nominated == HOME
    assert ask(agent, old, HOME, USE_CANDIDATE).valid
    assert agent.restarted is new
    verdict = ask(agent, new, AWAY, USE_CANDIDATE)
    assert (verdict.retired, agent.nominated) == (old.ufrag, AWAY)
    assert agent.newest is agent.credentials
    assert agent.credentials.ufrag == new.ufrag


def test_a_restart_that_comes_to_nothing_changes_nothing() -> None:
    agent = LiteAgent(0.0)
    old = agent.credentials
    ask(agent, old, HOME, USE_CANDIDATE)
    agent.restart(1.0)
    waiting = agent.newest
    ask(agent, waiting, AWAY)
    assert agent.expire(1.0 + RESTART_SECONDS - 0.1) is None
    assert agent.expire(1.0 + RESTART_SECONDS) == waiting.ufrag
    assert agent.expire(99.0) is None
    assert (agent.newest, agent.nominated) == (old, HOME)
    assert ask(agent, old, HOME, now=99.0).valid


def test_a_second_restart_takes_the_place_of_the_first() -> None:
    agent = LiteAgent(0.0)
    agent.restart(1.0)
    first = agent.newest
    assert agent.restart(2.0) == first.ufrag
    assert agent.newest.ufrag != first.ufrag
