"""Logging with structlog: one event a line, and never a key, a token or a voter in it.

Two guards: fields with telling names are replaced, and so is anything in any value that has the
shape of a stream key, a JSON Web Token or a voter's name.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from streamd.config import Log

_SECRET_NAMES = re.compile(
    r"(^|_)(key|token|secret|password|voter|cookie|authorization|ballot_id|nonce)($|_)", re.I
)
_SECRET_SHAPES = re.compile(
    r"\b(?:sk|hq)_[A-Za-z0-9_-]{20,}"
    r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|\b(?:device|platform|code|simulated):[A-Za-z0-9_.:-]+"
)
HIDDEN = "[hidden]"


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor that hides secrets, in nested values and tracebacks too."""
    for name, value in event.items():
        event[name] = HIDDEN if _SECRET_NAMES.search(name) else _scrub(value)
    return event


def _scrub(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET_SHAPES.sub(HIDDEN, value)
    if isinstance(value, bytes):
        return _SECRET_SHAPES.sub(HIDDEN, value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if _SECRET_NAMES.search(str(name)) else _scrub(inner)
            for name, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_scrub(inner) for inner in value]
    if isinstance(value, (int, float, bool)) or value is None:
        return value
    return _scrub(str(value))


def configure(settings: Log) -> None:
    """Sends streamd's and the libraries' log lines to standard error, redacted."""
    level = logging.getLevelNamesMapping().get(settings.level.upper(), logging.INFO)
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    plain = settings.format == "console"
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=44)
        if plain
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These log every connection or frame at INFO; what matters of it streamd says itself.
    for name in ("websockets", "aioice", "aiortc", "asyncio", "aiohttp.access", "libav"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # It logs a stranger's malformed request with his address and raw headers. What goes wrong in
    # a handler is logged by web/problems.py.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
