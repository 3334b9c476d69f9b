from __future__ import annotations

import pytest

from streamd.config import IceServer
from streamd.errors import ConfigError
from streamd.webrtc.ice_servers import ice_server_links


def test_links_are_as_rfc_9725_has_them() -> None:
    links = ice_server_links(
        (
            IceServer("stun:stun.example.net"),
            IceServer("turn:turn.example.net?transport=udp", "user", 'my"Pass\\word'),
            IceServer("turns:[2001:db8::1]:5349?transport=tcp", "user", "pass"),
        )
    )
    assert links[0] == '<stun:stun.example.net>; rel="ice-server"'
    assert links[1] == (
        '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; '
        'credential="my\\"Pass\\\\word"; credential-type="password"'
    )
    assert links[2].startswith("<turns:[2001:db8::1]:5349?transport=tcp>;")
    assert ice_server_links(()) == ()


@pytest.mark.parametrize(
    "server",
    [
        IceServer("https://stun.example.net"),
        IceServer("stun:a>; rel=x"),
        IceServer("turn:turn.example.net"),
        IceServer("turn:turn.example.net", "user"),
        IceServer("turn:turn.example.net", "user", "line\r\nbreak"),
    ],
)
def test_what_no_client_could_use_stops_the_start(server: IceServer) -> None:
    with pytest.raises(ConfigError):
        ice_server_links((server,))
