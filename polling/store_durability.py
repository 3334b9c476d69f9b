"""Whether one server has a write on disk before it answers, pure: read off its own settings.

On a Cluster nothing is read off: ``WAITAOF`` tells of each write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ASK: Final = ("CONFIG GET", "appendonly", "appendfsync", "no-appendfsync-on-rewrite")
"""The command whose reply ``doubt`` reads. Seldom refused: ``ACL SETUSER … +config|get``."""

# Where the last one is "yes", a server does not wait for its disk while it writes a new file.
_WANTED: Final = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
}


def doubt(settings: Mapping[str, str] | None) -> str:
    """Why an answer of this server does not mean "on disk", in sentences for who runs it; "" where
    it does. ``settings`` None: it would not tell them.
    """
    if settings is None:
        return (
            "The store does not say whether it has a vote on disk before it answers, so no vote is "
            "taken. Allow streamd's user CONFIG GET there (ACL SETUSER … +config|get)."
        )
    wrong = [
        f"{name} {wanted} (it is {settings.get(name, 'unknown')})"
        for name, wanted in _WANTED.items()
        if settings.get(name) != wanted
    ]
    if not wrong:
        return ""
    return (
        "The store may answer before a vote is on disk, so no vote is taken. "
        f"Set there: {', '.join(wrong)}."
    )
