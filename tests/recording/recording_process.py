"""Records the test card in real time until it is killed: ``… HOME [URL]``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from streamd.relay import testcard
from tests.recording.broadcast import recordings, watched


async def main(home: Path, url: str) -> None:
    """For ever."""
    kept = recordings(home, url=url)
    await testcard.play(watched(kept), audio="aac")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
