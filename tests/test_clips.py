"""Real files through the whole path: demux, relay, packager, gateway; then read back whole.

What a MessagePack client collects from ``media:…`` is put together as an MP4 and read by
libavformat: every picture and every sound of one pass through the file is there, byte for byte,
with the source's timestamps up to one constant.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgpack
import pytest
from playwright.sync_api import Browser
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.browser.test_main_job import PLAYED, playing
from tests.relay.recording import BIG_BUCK_BUNNY, CARPHONE, Sample, samples
from tests.server import Server, running

CLIPS = (BIG_BUCK_BUNNY, CARPHONE)
"""The first has AAC 5.1 and one keyframe, the second B-frames and no sound."""
NAMES = [clip.name for clip in CLIPS]
KINDS = {"v": "video", "a": "audio"}
PATIENCE_SECONDS = 60
TICK = Fraction(1, 90_000)


@pytest.fixture(scope="module")
def clip_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Both clips on air, in a loop."""
    home = tmp_path_factory.mktemp("clips")
    files = [str(clip) for clip in CLIPS]
    with running(home, *files, module="tests.clip_server") as server:
        yield server


def collect(server: Server, stream: str, seconds: float) -> dict[str, bytes]:
    """Each track's init and fragments from ``media:{stream}``, over ``seconds`` of media."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    files: dict[str, bytearray] = {}
    with connect(
        server.feed_url, subprotocols=[Subprotocol("streamd.msgpack")], max_size=None
    ) as feed:
        feed.send(msgpack.packb({"id": 1, "connect": {}}))
        wish = {"channel": f"media:{stream}", "data": {"audio": "aac"}}
        feed.send(msgpack.packb({"id": 2, "subscribe": wish}))
        first = last = None
        while first is None or last is None or last - first < seconds * 90_000:
            assert time.monotonic() < deadline, f"{stream}: {first} to {last}"
            message: dict[str, Any] = msgpack.unpackb(feed.recv(timeout=PATIENCE_SECONDS))
            parts = []
            if not message:
                feed.send(msgpack.packb({}))
            elif message.get("error", {}).get("temporary"):
                # The server is ready before its clips are on air.
                time.sleep(0.2)
                feed.send(msgpack.packb({"id": message["id"], "subscribe": wish}))
            elif "subscribe" in message:
                joined = message["subscribe"]["data"]
                files = {kind: bytearray(t["init"]) for kind, t in joined["tracks"].items()}
                parts = joined["parts"]
            elif "pub" in message.get("push", {}):
                parts = [message["push"]["pub"]["data"]]
            for part in parts:
                first = part["t"] if first is None else first
                last = part["t"]
                for kind in files:
                    files[kind] += part.get(kind, b"")
    return {kind: bytes(body) for kind, body in files.items()}


@pytest.fixture(scope="module")
def collected(clip_server: Server) -> list[dict[str, bytes]]:
    """What came of each clip while it was played at least once from its beginning."""

    def twice(place: int) -> dict[str, bytes]:
        sent = samples(CLIPS[place], "video")
        seconds = float(sent[-1].dts - sent[0].dts)
        return collect(clip_server, f"clip-{place}", 2 * seconds + 2)

    with ThreadPoolExecutor(len(CLIPS)) as together:
        return list(together.map(twice, range(len(CLIPS))))


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_every_sample_arrives_unchanged_and_in_time(
    collected: list[dict[str, bytes]], place: int
) -> None:
    source, files = CLIPS[place], collected[place]
    sent = {"v": samples(source, "video")}
    if source is BIG_BUCK_BUNNY:
        sent["a"] = samples(source, "audio")
    assert set(files) == set(sent)
    offsets = {kind: passes(samples(body, KINDS[kind]), sent[kind]) for kind, body in files.items()}
    assert all(offsets.values()), "each track holds a whole pass through the file"
    # Sound and picture of one pass were moved by the same amount.
    common = [
        one
        for one in offsets["v"]
        if all(any(abs(one - other) <= TICK for other in found) for found in offsets.values())
    ]
    assert common


def passes(got: list[Sample], wanted: list[Sample]) -> list[Fraction]:
    """The offset of each whole pass of ``wanted`` in ``got``, byte for byte and tick for tick."""
    found = []
    for begin in range(len(got) - len(wanted) + 1):
        one_pass = got[begin : begin + len(wanted)]
        if any(
            mine.payload != theirs.payload for mine, theirs in zip(one_pass, wanted, strict=True)
        ):
            continue
        offset = one_pass[0].dts - wanted[0].dts
        for mine, theirs in zip(one_pass, wanted, strict=True):
            assert abs(mine.dts - theirs.dts - offset) <= TICK
            assert abs(mine.pts - theirs.pts - offset) <= TICK
        found.append(offset)
    return found


@pytest.mark.browser
@pytest.mark.parametrize("path", ["ws", "hls"])
@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_a_browser_plays_it(
    clip_server: Server, browser: Browser, artefacts: Path, place: int, path: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{clip_server.url}/watch/clip-{place}?lang=en&path={path}")
    if place == 0:
        playing(page, path)
    else:
        page.wait_for_function(f"() => ({PLAYED})()?.frames > 40", timeout=45_000)
        assert page.evaluate(PLAYED)["time"] > 0.5
    page.screenshot(path=artefacts / "playing.png")
    page.close()
    assert errors == []
