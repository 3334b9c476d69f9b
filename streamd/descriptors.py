"""How many connections this process may hold: the file descriptors the system gives it."""

from __future__ import annotations

import resource

import structlog

from streamd.config import Feeds

log = structlog.get_logger(__name__)

RESERVE = 768
"""Descriptors kept for pages, HLS, publishers, the store and files, and for those feed connections
beyond the bound that are told so (``feeds.door.REFUSALS``)."""


def connection_limit(settings: Feeds) -> int:
    """``[feeds] connections``, or as many as the raised descriptor limit leaves room for.

    Without this a full process could not even accept the request it means to refuse.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        wanted = hard if hard != resource.RLIM_INFINITY else settings.connections + 4 * RESERVE
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    room = max(soft - RESERVE, soft // 4)
    if room < settings.connections:
        log.warning(
            "fewer feed connections than set: raise the limit of open files (ulimit -n)",
            connections=room,
            wanted=settings.connections,
            open_files=soft,
        )
    return min(room, settings.connections)
