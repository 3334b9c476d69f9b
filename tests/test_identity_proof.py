"""Proof of work against altcha's own library, and the pass that it earns."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import altcha
import pytest

from streamd.errors import ProofRefused
from streamd.identity_proof import CHALLENGE_SECONDS, DevicePasses, Proofs
from tests.proof import solved

SECRET = b"s" * 32
CHEAP = 16


def altered(proof: str, change: Any) -> str:
    payload = json.loads(base64.b64decode(proof))
    change(payload)
    return base64.b64encode(json.dumps(payload).encode()).decode()


@pytest.mark.parametrize("kind", ["pbkdf2", "scrypt"])
def test_altcha_solves_what_we_ask_and_we_know_it_again(kind: str) -> None:
    proofs = Proofs(SECRET, CHEAP)
    challenge = proofs.challenge(time.time(), kind)
    proof = solved(challenge)
    assert proofs.check(proof) == proofs.check(proof)
    assert proofs.check(proof) != proofs.check(solved(proofs.challenge(time.time(), kind)))


def test_the_cost_is_the_settings_and_scrypts_a_power_of_two() -> None:
    for cost in (1_000, 4_000):
        proofs = Proofs(SECRET, cost)
        asked = altcha.Challenge.from_dict(proofs.challenge(0.0)).parameters
        assert (asked.algorithm, asked.cost) == ("PBKDF2/SHA-256", cost)
        other = altcha.Challenge.from_dict(proofs.challenge(0.0, "scrypt")).parameters
        assert other.algorithm == "SCRYPT"
        assert other.cost & (other.cost - 1) == 0
        assert cost // 8 <= other.cost < cost // 4


def test_a_late_solution_is_refused() -> None:
    proofs = Proofs(SECRET, CHEAP)
    late = solved(proofs.challenge(time.time() - CHALLENGE_SECONDS - 5))
    with pytest.raises(ProofRefused, match="expired"):
        proofs.check(late)


def test_a_challenge_of_another_server_is_refused() -> None:
    with pytest.raises(ProofRefused, match="ours"):
        Proofs(SECRET, CHEAP).check(solved(Proofs(b"o" * 32, CHEAP).challenge(time.time())))


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: payload["challenge"]["parameters"].update(cost=1),
        lambda payload: payload["challenge"]["parameters"].update(keyPrefix=""),
        lambda payload: payload["challenge"]["parameters"].update(expiresAt=9_999_999_999),
        lambda payload: payload["challenge"].pop("signature"),
        lambda payload: payload["challenge"].update(signature=None),
        lambda payload: payload["solution"].update(counter=payload["solution"]["counter"] + 1),
        lambda payload: payload["solution"].update(derivedKey="00" * 32),
        lambda payload: payload["solution"].update(counter="1"),
        lambda payload: payload.pop("solution"),
    ],
)
def test_an_altered_solution_is_refused(change: Any) -> None:
    proofs = Proofs(SECRET, CHEAP)
    with pytest.raises(ProofRefused):
        proofs.check(altered(solved(proofs.challenge(time.time())), change))


@pytest.mark.parametrize("rubbish", ["x", "e30=", "bnVsbA==", "W10=", "é", "\ud800", "[" * 10_000])
def test_rubbish_is_refused(rubbish: str) -> None:
    with pytest.raises(ProofRefused):
        Proofs(SECRET, CHEAP).check(rubbish)


def test_a_pass_holds_for_its_device_until_it_expires() -> None:
    passes = DevicePasses(SECRET)
    value = passes.issue("device-a", 1_000)
    assert passes.holds(value, "device-a", 999.0)
    assert not passes.holds(value, "device-a", 1_000.0)
    assert not passes.holds(value, "device-b", 999.0)
    assert not passes.holds(value.replace("1000", "9000"), "device-a", 999.0)
    assert not DevicePasses(b"o" * 32).holds(value, "device-a", 999.0)
    for wrong in (None, "", ".", "x.y", "\udcff.\udcff"):
        assert not passes.holds(wrong, "device-a", 0.0)
