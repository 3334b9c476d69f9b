from __future__ import annotations

import pytest

from streamd.webrtc.ice_candidates import CANDIDATES, kept_candidates


def test_host_reflexive_and_relayed_udp_candidates_are_kept_as_they_are() -> None:
    assert kept_candidates(
        [
            "1 1 UDP 2122194687 192.0.2.7 50000 typ host generation 0 network-id 3",
            "2 1 udp 1686052607 198.51.100.4 50001 typ srflx raddr 10.0.0.1 rport 50000",
            "3 1 udp 41885439 2001:db8::0:1 50002 typ relay",
        ]
    ) == [
        "a=candidate:1 1 udp 2122194687 192.0.2.7 50000 typ host",
        "a=candidate:2 1 udp 1686052607 198.51.100.4 50001 typ srflx",
        "a=candidate:3 1 udp 41885439 2001:db8::1 50002 typ relay",
    ]


@pytest.mark.parametrize(
    "candidate",
    [
        "",
        "1 1 udp 1 3f0e.local 5 typ host",
        "1 1 udp 1 d2b5f2f0-5b2f-4b5a.local 50000 typ host",
        "1 1 tcp 1518214911 192.0.2.7 9 typ host tcptype active",
        "1 2 udp 2122194686 192.0.2.7 50000 typ host",
        "1 1 udp 2122194687 192.0.2.7 0 typ host",
        "1 1 udp 2122194687 192.0.2.7 65536 typ host",
        "1 1 udp 0 192.0.2.7 50000 typ host",
        "1 1 udp 9999999999 192.0.2.7 50000 typ host",
        "1 1 udp 2122194687 224.0.0.251 5353 typ host",
        "1 1 udp 2122194687 0.0.0.0 50000 typ host",
        "1 1 udp 2122194687 255.255.255.255 50000 typ host",
        "1 1 udp 2122194687 ff02::fb 5353 typ host",
        "1 1 udp 2122194687 1.2.3 50000 typ host",
        "1 1 udp 2122194687 192.0.2.7 50000 typ prflx",
        "1 1 udp 2122194687 192.0.2.7 50000 typ host\r\na=x",
    ],
)
def test_what_should_not_be_checked_is_left_out(candidate: str) -> None:
    assert kept_candidates([candidate]) == []


def test_their_number_is_bounded_and_repetitions_do_not_count() -> None:
    same = ["1 1 udp 2122194687 192.0.2.7 50000 typ host"] * 50
    many = [f"1 1 udp 2122194687 192.0.2.8 {port} typ host" for port in range(1_000, 1_100)]
    kept = kept_candidates(same + many)
    assert len(kept) == len(set(kept)) == CANDIDATES
