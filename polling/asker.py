"""Who asks a poll: the headquarters or a candidate, with the name in every language there is."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Asker(msgspec.Struct, frozen=True):
    """``kind``: whose key asked. ``name``: language → the name as it was when the poll was made;
    whoever shows it picks the reader's language. Whose stream it is stands in the poll.
    """

    kind: Literal["headquarters", "candidate"]
    name: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """``{"kind", "name": {language: text}}``."""
        return {"kind": self.kind, "name": dict(self.name)}
