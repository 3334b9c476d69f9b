"""STUN and TURN servers that clients are told of (RFC 9725 §4.6). Pure.

streamd never contacts them: its own candidates are host candidates. They help a client behind a
firewall that lets UDP out to few places only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from streamd.config import IceServer
from streamd.errors import ConfigError

_URL = re.compile(r"(stuns?|turns?):[A-Za-z0-9.\-\[\]:]{1,255}(\?transport=(udp|tcp))?")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


def ice_server_links(servers: Iterable[IceServer]) -> tuple[str, ...]:
    """The value of one ``Link`` header for each server, ``rel="ice-server"`` (RFC 8288).

    Raises ConfigError for what no client could use.
    """
    return tuple(_link(server) for server in servers)


def _link(server: IceServer) -> str:
    if not _URL.fullmatch(server.url):
        raise ConfigError(
            f"{server.url!r} in [webrtc] ice_servers is no address of a STUN or TURN server. "
            'Write it as "stun:stun.example.org:3478" or "turn:turn.example.org?transport=udp".'
        )
    link = f'<{server.url}>; rel="ice-server"'
    if server.url.startswith("stun"):
        return link
    if not (server.username and server.credential):
        raise ConfigError(
            f"{server.url} in [webrtc] ice_servers needs a username and a credential."
        )
    return (
        f"{link}; username={_quoted(server.username)}; credential={_quoted(server.credential)}; "
        'credential-type="password"'
    )


def _quoted(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise ConfigError(
            "A username or credential in [webrtc] ice_servers has characters beyond ASCII, "
            "which HTTP headers do not carry."
        )
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
