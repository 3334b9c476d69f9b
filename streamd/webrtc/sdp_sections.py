"""The lines of a session description, sorted into sections (RFC 8866 §5). Pure.

Only the shape is checked here, and that it is small; what the attributes say is read in ``sdp``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from streamd.errors import MalformedOffer

OFFER_BYTES = 65_536
LINES = 2_000
LINE_CHARS = 4_096


@dataclass(slots=True)
class Section:
    """One ``m=`` line with its attributes, in order."""

    kind: str
    port: str
    protocol: str
    formats: list[str]
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str, session: Section | None = None) -> str | None:
        found = self.attributes.get(name)
        if found:
            return found[0]
        return session.first(name) if session is not None else None


def read_sections(text: str) -> tuple[Section, list[Section]]:
    """The session's own attributes, and its ``m=`` sections. Raises MalformedOffer."""
    if len(text) > OFFER_BYTES:
        raise MalformedOffer(f"The SDP is longer than {OFFER_BYTES} characters.")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > LINES:
        raise MalformedOffer(f"The SDP has more than {LINES} lines.")
    if lines[0] != "v=0":
        raise MalformedOffer("This is not SDP: its first line must be “v=0”.")
    session = current = Section("session", "", "", [])
    sections: list[Section] = []
    for number, line in enumerate(lines, 1):
        if not re.fullmatch(r"[a-z]=[^\x00-\x08\x0a-\x1f\x7f]*", line) or len(line) > LINE_CHARS:
            raise MalformedOffer(f"Line {number} of the SDP is not of the form “x=value”.")
        if line.startswith("m="):
            current = _section(line, number)
            sections.append(current)
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            current.attributes.setdefault(name, []).append(value.strip())
    return session, sections


def _section(line: str, number: int) -> Section:
    match = re.fullmatch(r"m=([a-z]+) ([0-9]{1,5}) ([A-Z/]{1,32})((?: [0-9A-Za-z-]{1,32})+)", line)
    if match is None:
        raise MalformedOffer(f"Line {number} of the SDP is not a readable “m=” line.")
    kind, port, protocol, formats = match.groups()
    return Section(kind, port, protocol, formats.split())
