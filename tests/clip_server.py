"""A streamd whose streams ``clip-0``, ``clip-1`` … play the files named on the command line.

    python -m tests.clip_server FILE…

Ports and directory come from the environment, as for ``streamd serve``.
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
from streamd.relay.file_ingest import play


def main(files: list[Path]) -> None:
    """Serves until SIGTERM."""
    settings = load(None)
    log.configure(settings.log)
    candidates = tuple(
        Candidate(stream=f"clip-{place}", number=place + 1, name={"en": path.stem})
        for place, path in enumerate(files)
    )
    event = msgspec.structs.replace(settings.event, candidates=candidates)
    app = App(msgspec.structs.replace(settings, event=event))

    async def announce(app: App) -> None:
        print("streamd serves", app.page_url())

    async def broadcast() -> None:
        async with asyncio.TaskGroup() as group:
            for place, path in enumerate(files):
                group.create_task(play(path, app.streams.get(f"clip-{place}")))

    uvloop.run(serve(app, on_ready=announce, background=broadcast))


if __name__ == "__main__":
    main([Path(one) for one in sys.argv[1:]])
