"""WebVTT (W3C) text: cues, whole files, and segments as HLS carries them (RFC 8216bis §3.1.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CONTENT_TYPE = "text/vtt; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: shown from ``start`` until ``end``, both in seconds. ``text`` is plain."""

    id: str
    start: float
    end: float
    text: str


def timestamp(seconds: float) -> str:
    """``HH:MM:SS.mmm`` (WebVTT §4.1); times before 0 are 0."""
    milliseconds = max(0, round(seconds * 1000))
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def escape(text: str) -> str:
    """Cue text that shows ``text`` as it is: no markup, no blank line, no arrow (WebVTT §4.2.2)."""
    lines = (line.strip() for line in text.replace("\0", "\ufffd").splitlines())
    joined = "\n".join(line for line in lines if line)
    return joined.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def document(cues: Iterable[Cue]) -> str:
    """A whole WebVTT file, cues in order of their start."""
    blocks = [_block(cue) for cue in sorted(cues, key=lambda cue: (cue.start, cue.id))]
    return "WEBVTT\n" + "".join(f"\n{block}" for block in blocks)


def segment(cues: Iterable[Cue], begins: float, ends: float) -> str:
    """The segment of media time ``begins`` to ``ends``: every cue that is shown within it.

    Cue times are media time as the fMP4 renditions count it: X-TIMESTAMP-MAP ties 0 to 0. A cue
    that lasts over several segments stands in each of them, under the same id.
    """
    shown = [cue for cue in cues if cue.start < ends and cue.end > begins]
    head, body = document(shown).split("\n", 1)
    return f"{head}\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n{body}"


def _block(cue: Cue) -> str:
    return f"{cue.id}\n{timestamp(cue.start)} --> {timestamp(cue.end)}\n{escape(cue.text)}\n"
