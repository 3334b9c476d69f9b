"""Who may open a feed connection, and in which encoding. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from streamd.feeds.protocol import JSON, MSGPACK, Encoding

PATH: Final = "/connection/websocket"
"""Where stock Centrifuge clients look for a server."""

ENCODINGS: Final[Mapping[str | None, Encoding]] = {
    None: JSON,
    "centrifuge-json": JSON,
    "streamd.msgpack": MSGPACK,
}
"""The encoding of each subprotocol (RFC 6455 §1.9); None where a client names none."""


class NoCommonSubprotocol(Exception):
    """The client names subprotocols, and streamd speaks none of them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status, and the sentence that goes with it."""

    status: int
    sentence: str


def check(path: str, origins: Sequence[str], allowed: Collection[str]) -> Refusal | None:
    """Whether a request for ``path`` with these Origin headers is refused.

    No Origin: not a browser, allowed. One Origin: it must stand in ``allowed`` exactly, since any
    page on the web can make its visitor's browser connect here (OWASP ASVS 4.4.2).
    """
    if path.partition("?")[0] != PATH:
        return Refusal(404, f"The feed is at {PATH}.")
    if origins and (len(origins) > 1 or origins[0] not in allowed):
        return Refusal(
            403,
            f"Pages of {origins[0]} may not open this feed. "
            "The operator can allow them in [feeds] origins.",
        )
    return None


def subprotocol(offered: Sequence[str]) -> str | None:
    """The first offered subprotocol that streamd speaks; None where none is offered.

    Raises NoCommonSubprotocol: going on in an encoding the client did not name helps nobody.
    """
    for name in offered:
        if name in ENCODINGS:
            return name
    if offered:
        spoken = " and ".join(name for name in ENCODINGS if name)
        raise NoCommonSubprotocol(f"streamd speaks {spoken}, or JSON where none is named")
    return None
