"""A streamd that broadcasts by itself: ``python -m loadtests.card_server aac|opus|none|FILE``.

``aac`` and ``opus`` are the test card with that sound, ``FILE`` a clip, looped; ``none`` leaves the
stream to a publisher.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import uvloop

from loadtests.served import STREAM
from streamd import log
from streamd.app import App, serve
from streamd.config import load
from streamd.relay import file_ingest, testcard


async def run(config: Path, source: str) -> None:
    """Serves until SIGTERM."""
    settings = load(config)
    log.configure(settings.log)
    app = App(settings)

    async def ready(_: App) -> None:
        return

    async def broadcast() -> None:
        stream = app.streams.get(STREAM)
        match source:
            case "aac":
                await testcard.play(stream, audio="aac")
            case "opus":
                await testcard.play(stream, audio="opus")
            case clip:
                await file_ingest.play(clip, stream)

    await serve(app, ready, broadcast if source != "none" else None)


def main() -> None:
    """Reads the arguments and serves."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.card_server")
    parser.add_argument("source")
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args()
    uvloop.run(run(options.config, options.source))


if __name__ == "__main__":
    main()
