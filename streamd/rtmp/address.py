"""Which stream a publisher wants, and with which key, from the addresses it sends. Pure.

rtmp://HOST/live/STREAM?key=KEY[&takeover=1]     the query may stand in the address too
rtmp://HOST/live/STREAM  +  stream key KEY
rtmp://HOST/live         +  stream key KEY       the key tells the stream
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from streamd.rtmp.protocol import PublishRequested

_MOST_PARAMETERS = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be published. ``stream`` is None where the key tells it."""

    stream: str | None
    key: str = field(repr=False)
    take_over: bool


def wanted(request: PublishRequested) -> Wanted:
    """Reads application, address and stream name; nothing is checked here."""
    application, _, of_application = request.application.partition("?")
    name, _, of_name = request.name.partition("?")
    parameters: dict[str, str] = {}
    for query in (request.address.partition("?")[2], of_application, of_name):
        # The address may go on after its query: rtmp://HOST/live?key=KEY/STREAM.
        parameters.update(_parameters(query.partition("/")[0]))
    stream = application.strip("/").removeprefix("live").strip("/") or None
    name = name.strip("/")
    key = parameters.get("key", "")
    take_over = parameters.get("takeover") == "1"
    if key:
        return Wanted(name or stream, key, take_over)
    return Wanted(stream, name, take_over)


def _parameters(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, max_num_fields=_MOST_PARAMETERS))
    except ValueError:
        return {}
