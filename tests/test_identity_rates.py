"""Limits per network: which addresses are one, how often it may act, what a full table forgets."""

from __future__ import annotations

import pytest

from streamd.identity_rates import PrefixRates, prefix_of
from streamd.web.identity_address import client_address


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.250", "203.0.113.0/24"),
        ("203.0.114.7", "203.0.114.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_addresses_of_one_network(address: str, prefix: str) -> None:
    assert prefix_of(address) == prefix


def test_a_minutes_worth_at_once_then_one_at_a_time() -> None:
    rates = PrefixRates(6)
    assert [rates.take("a", 100.0) for _ in range(7)] == [0, 0, 0, 0, 0, 0, 10]
    assert rates.take("b", 100.0) == 0
    assert rates.take("a", 109.0) == 1
    assert rates.take("a", 110.0) == 0
    assert rates.take("a", 110.0) == 10
    assert rates.refused == 3
    assert [rates.take("a", 1_000.0) for _ in range(7)].count(0) == 6


def test_what_is_given_back_was_never_taken() -> None:
    rates = PrefixRates(1)
    for _ in range(5):
        assert rates.take("a", 100.0) == 0
        rates.give_back("a")
    rates.give_back("never came")
    assert rates.take("a", 100.0) == 0
    assert rates.take("a", 100.0) == 60


def test_no_limit_keeps_no_table() -> None:
    rates = PrefixRates(0)
    assert not any(rates.take("a", 100.0) for _ in range(1_000))
    assert len(rates) == 0


def test_a_full_table_forgets_who_acted_longest_ago() -> None:
    rates = PrefixRates(1, most=2)
    for prefix in ("a", "b"):
        assert rates.take(prefix, 100.0) == 0
    assert rates.take("c", 101.0) == 0
    assert len(rates) == 2
    assert rates.forgotten == 1
    assert rates.take("a", 102.0) == 0
    assert rates.take("c", 102.0) > 0


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "client"),
    [
        ("10.0.0.1", "203.0.113.7", (), "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7", ("10.0.0.1",), "203.0.113.7"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.7", ("10.0.0.0/8",), "203.0.113.7"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.7, 10.0.0.9", ("10.0.0.0/8",), "203.0.113.7"),
        ("10.0.0.1", "", ("10.0.0.0/8",), "10.0.0.1"),
        ("10.0.0.1", "rubbish", ("10.0.0.0/8",), "rubbish"),
        ("203.0.113.9", "1.1.1.1", ("10.0.0.0/8",), "203.0.113.9"),
        ("::1", "2001:db8::1", ("::1", "127.0.0.1"), "2001:db8::1"),
    ],
)
def test_only_our_own_proxies_are_believed(
    remote: str, forwarded: str, proxies: tuple[str, ...], client: str
) -> None:
    assert client_address(remote, forwarded, proxies) == client
