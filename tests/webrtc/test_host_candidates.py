from __future__ import annotations

import ipaddress

import pytest

from streamd import config
from streamd.errors import ConfigError
from streamd.webrtc.host_candidates import announced_addresses, candidates, own_addresses


def test_the_configured_addresses_are_announced_in_their_order() -> None:
    settings = config.WebRtc(addresses=("203.0.113.7", "2001:db8::7"), loopback=False)
    assert announced_addresses(settings) == ["203.0.113.7", "2001:db8::7"]
    settings = config.WebRtc(addresses=("203.0.113.7",))
    assert announced_addresses(settings) == ["203.0.113.7", "127.0.0.1"]


def test_otherwise_this_machines_own_are_and_loopback_where_it_is_wanted() -> None:
    announced = announced_addresses(config.WebRtc())
    assert announced[-1] == "127.0.0.1"
    assert announced[:-1] == own_addresses(ipv6=False)
    assert "127.0.0.1" not in announced_addresses(config.WebRtc(loopback=False))
    for address in own_addresses(ipv6=True):
        assert not ipaddress.ip_address(address).is_link_local


def test_a_port_on_one_address_announces_that_one_alone() -> None:
    assert announced_addresses(config.WebRtc(host="127.0.0.1")) == ["127.0.0.1"]


@pytest.mark.parametrize(
    "settings", [config.WebRtc(addresses=("media.example",)), config.WebRtc(host="localhost")]
)
def test_names_are_refused_since_candidates_hold_addresses(settings: config.WebRtc) -> None:
    with pytest.raises(ConfigError, match="is no IP address"):
        announced_addresses(settings)


def test_candidates_are_host_candidates_best_first() -> None:
    made = candidates(["203.0.113.7", "127.0.0.1"], 8_189)
    lines = [one.to_sdp() for one in made]
    assert lines[0] == "1 1 udp 2130706431 203.0.113.7 8189 typ host"
    assert made[0].priority > made[1].priority
    assert len({one.foundation for one in made}) == 2
    assert len(candidates([f"192.0.2.{last}" for last in range(99)], 1)) == 16
