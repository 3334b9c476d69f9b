"""A streamd with a test card on ``card`` (Opus), ``sound`` (AAC), and files on ``clip-0``, …

    python -m tests.card_server FILE…|none

Stream ``off`` has nothing on it. Ports and directory come from the environment.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import uvloop

from streamd import log
from streamd.app import App, serve
from streamd.config import Candidate, load
from streamd.relay import testcard
from streamd.relay.file_ingest import play


def main(files: list[Path]) -> None:
    """Serves until SIGTERM."""
    settings = load(None)
    log.configure(settings.log)
    clips = [f"clip-{place}" for place in range(len(files))]
    candidates = tuple(
        Candidate(stream=stream, number=place + 1, name={"en": stream})
        for place, stream in enumerate(("card", "sound", "off", *clips))
    )
    event = msgspec.structs.replace(settings.event, candidates=candidates)
    app = App(msgspec.structs.replace(settings, event=event))

    async def announce(app: App) -> None:
        print("streamd serves", app.page_url())

    async def broadcast() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(testcard.play(app.streams.get("card"), audio="opus"))
            group.create_task(testcard.play(app.streams.get("sound"), audio="aac"))
            for stream, path in zip(clips, files, strict=True):
                group.create_task(play(path, app.streams.get(stream)))

    uvloop.run(serve(app, on_ready=announce, background=broadcast))


if __name__ == "__main__":
    main([Path(one) for one in sys.argv[1:] if one != "none"])
