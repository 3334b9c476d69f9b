"""Work on whole recordings in a process of its own: ``python -m streamd.recording.offline``.

Decoders and demuxers read what a broadcaster sent; in another process they can neither take the
server down with them nor hold the loop's lock. The job is one JSON line on standard input; JSON
lines on standard output say how far it is (``{"share": 0.4}``) and at the end what came of it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import msgspec

from streamd.recording import journal, poster, remux
from streamd.recording.places import storage_at
from streamd.recording.summary import JOURNAL, POSTER, chapters, download_name

LOWER_PRIORITY = 10


class Job(msgspec.Struct, frozen=True):
    """What to make of which recording; ``scratch`` is where an MP4 grows."""

    what: Literal["poster", "mp4"]
    url: str
    folder: str
    recording: str
    chapter: int = 0
    scratch: str = ""


class Report(msgspec.Struct, frozen=True):
    """``done`` is None on the way, then whether anything was made."""

    share: float = 0.0
    done: bool | None = None


def run(job: Job) -> bool:
    """Does the job; False where a recording has no picture to show."""
    storage = storage_at(job.url, Path(job.folder))
    kept = journal.decode(storage.read_log(f"{job.recording}/{JOURNAL}"))
    if job.what == "poster":
        picture = poster.poster(storage, kept)
        if picture is not None:
            storage.write(f"{job.recording}/{POSTER}", picture)
        return picture is not None
    chapter = chapters(kept)[job.chapter - 1]
    scratch = Path(job.scratch)
    shown = 0.0

    def tell(share: float) -> None:
        nonlocal shown
        if share >= shown + 0.01:
            shown = share
            _print(Report(share))

    try:
        remux.to_mp4(storage, kept, chapter, scratch, tell)
        storage.take_in(scratch, f"{job.recording}/{download_name(job.chapter)}")
    finally:
        scratch.unlink(missing_ok=True)
    return True


def main() -> None:
    """One job, then the end."""
    os.nice(LOWER_PRIORITY)
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    _print(Report(1.0, run(job)))


def _print(report: Report) -> None:
    print(msgspec.json.encode(report).decode(), flush=True)


if __name__ == "__main__":
    main()
