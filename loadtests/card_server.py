"""A streamd that broadcasts the test card: ``python -m loadtests.card_server aac|opus|none``.

``none`` leaves the stream to a WHIP publisher.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

import uvloop

from loadtests.served import STREAM
from streamd import log
from streamd.app import App, serve
from streamd.config import load
from streamd.relay import testcard


async def run(config: Path, audio: Literal["aac", "opus"] | None) -> None:
    """Serves until SIGTERM."""
    settings = load(config)
    log.configure(settings.log)
    app = App(settings)

    async def ready(_: App) -> None:
        return

    async def broadcast() -> None:
        assert audio is not None
        await testcard.play(app.streams.get(STREAM), audio=audio)

    await serve(app, ready, broadcast if audio is not None else None)


def main() -> None:
    """Reads the arguments and serves."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.card_server")
    parser.add_argument("audio", choices=("aac", "opus", "none"))
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args()
    uvloop.run(run(options.config, None if options.audio == "none" else options.audio))


if __name__ == "__main__":
    main()
