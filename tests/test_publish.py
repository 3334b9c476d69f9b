"""``streamd publish`` as its users run it: against a whole streamd, all four ways."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import av
import pytest
from rich.console import Console

from loadtests.ports import free_port
from streamd import publish as publishing
from streamd.errors import MediaError, PlaceTaken, PublishLost, PublishRefused
from streamd.media import h264
from streamd.media.testcard_picture import read_clock
from streamd.publish import Progress, publish, show, target_of
from streamd.publish_sources import CARD_HEIGHT, CARD_WIDTH
from streamd.relay.lifecycle import StreamState
from streamd.rtmp import publish_client
from tests.conftest import EVENT
from tests.polling.conftest import Server as StoreServer
from tests.polling.conftest import one_server, valkey
from tests.relay.recording import BIG_BUCK_BUNNY, BIKES, samples
from tests.rtmp.rtmp_server import listening, until
from tests.server import ROOT, Server, running
from tests.web.client import Client

PATIENCE_SECONDS = 60.0
__all__ = ["one_server", "valkey"]


@dataclass
class Ground:
    """A whole streamd with RTMP, and the headquarters' key."""

    server: Server
    rtmp: str
    key: str

    def address(self, way: str, stream: str) -> str:
        return f"{self.rtmp}/{stream}" if way == "rtmp" else f"{self.server.url}/whip/{stream}"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    home = tmp_path_factory.mktemp("publish")
    settings = home / "config.toml"
    settings.write_text(EVENT, encoding="utf-8")
    port = free_port()
    with running(home, "serve", "--config", str(settings), STREAMD_RTMP_PORT=str(port)) as server:
        yield Ground(server, f"rtmp://localhost:{port}/live", server.new_key())


def start(*arguments: str | Path, key: str = "") -> subprocess.Popen[str]:
    environment = {n: v for n, v in os.environ.items() if not n.startswith("STREAMD_")}
    if key:
        environment["STREAMD_KEY"] = key
    return subprocess.Popen(
        [sys.executable, "-m", "streamd", "publish", *map(str, arguments)],
        env=environment,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    shown, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, " ".join(shown.split())


def wait_for_state(ground: Ground, stream: str, state: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        row = Client(ground.server).ask("GET", f"/api/v1/streams/{stream}").json
        if row.get("state") == state:
            return
        assert time.monotonic() < deadline, f"{stream} is {row}, never {state}"
        time.sleep(0.1)


def watched(ground: Ground, stream: str, kind: str) -> bytes:
    """All of a track's segments over HLS, as one file."""
    client = Client(ground.server)
    base = f"/hls/{stream}/index.m3u8"
    playlist = client.ask("GET", base).body.decode()
    named = re.findall(r'TYPE=AUDIO.*URI="([^"]+)"', playlist)
    named += [line for line in playlist.splitlines() if line and not line.startswith("#")]
    for name in named:
        place = urljoin(base, name)
        text = client.ask("GET", place).body.decode()
        lines = re.findall(r'MAP:URI="([^"]+)"', text)[:1]
        lines += [line for line in text.splitlines() if line and not line.startswith("#")]
        whole = b"".join(client.ask("GET", urljoin(place, line)).body for line in lines)
        with av.open(io.BytesIO(whole)) as container:
            if any(one.type == kind for one in container.streams):
                return whole
    raise AssertionError(f"no {kind} in {playlist}")


def slices(payload: bytes) -> list[bytes]:
    return [nal for nal in h264.split_avcc(payload) if h264.nal_type(nal) in (1, 5)]


def test_a_file_by_both_ways_arrives_picture_by_picture(ground: Ground) -> None:
    places = {"rtmp": "alef", "whip": "be"}
    sending = {
        way: start(BIG_BUCK_BUNNY, ground.address(way, stream), key=ground.key)
        for way, stream in places.items()
    }
    for way, process in sending.items():
        code, shown = finish(process)
        assert code == 0, shown
        assert "0:05 sent" in shown
        assert ground.key not in shown
        wait_for_state(ground, places[way], "ended")
    theirs = samples(BIG_BUCK_BUNNY, "video")
    ours = samples(watched(ground, "alef", "video"), "video")
    assert [sample.payload for sample in ours] == [sample.payload for sample in theirs]
    sound = samples(watched(ground, "alef", "audio"), "audio")
    assert [s.payload for s in sound] == [s.payload for s in samples(BIG_BUCK_BUNNY, "audio")]
    by_rtp = samples(watched(ground, "be", "video"), "video")
    assert [slices(sample.payload) for sample in by_rtp] == [
        slices(sample.payload) for sample in theirs
    ]


def test_the_test_card_by_both_ways_shows_its_clock(ground: Ground) -> None:
    places = {"rtmp": "pe", "whip": "alef"}
    began = time.time()
    playing = [
        start("testcard", f"{ground.address(way, stream)}?key={ground.key}")
        for way, stream in places.items()
    ]
    for stream in places.values():
        wait_for_state(ground, stream, "live")
    time.sleep(3)
    for process in playing:
        process.send_signal(signal.SIGINT)
        code, shown = finish(process)
        assert code == 0, shown
        assert "fps" in shown
        assert "Traceback" not in shown
    for stream in places.values():
        wait_for_state(ground, stream, "ended")
        clocks = [clock for clock in read_clocks(watched(ground, stream, "video")) if clock]
        assert len(clocks) >= 25
        assert clocks == sorted(clocks)
        assert began * 1000 < clocks[0] < clocks[-1] < time.time() * 1000
        assert samples(watched(ground, stream, "audio"), "audio")


def read_clocks(film: bytes) -> list[int | None]:
    found = []
    with av.open(io.BytesIO(film), "r") as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            luma = bytes(plane)
            found.append(read_clock(luma, plane.line_size, CARD_WIDTH, CARD_HEIGHT))
    return found


def test_what_cannot_be_sent_is_one_line_without_the_key(ground: Ground) -> None:
    key = ground.key
    asked: list[tuple[tuple[str | Path, ...], str]] = [
        ((BIKES, f"{ground.address('whip', 'be')}#key={key}"), r"bikes\.mp4 has B-frames.*RTMP"),
        ((BIG_BUCK_BUNNY, ground.address("rtmp", "nowhere"), "--key", key), "no stream"),
    ]
    started = [start(*arguments) for arguments, _ in asked]
    for (_, said), process in zip(asked, started, strict=True):
        code, shown = finish(process)
        assert code == 1, shown
        assert re.search(said, shown), shown
        assert key not in shown
        assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("name", "way", "key", "said"),
    [
        (BIG_BUCK_BUNNY, "whip", "sk_wrong", r"\(401\).*not valid"),
        (BIG_BUCK_BUNNY, "rtmp", "sk_wrong", "not valid"),
        (BIKES, "whip", "sk_wrong", "B-frames"),
        ("nowhere.mp4", "rtmp", "sk_wrong", r"nowhere\.mp4 cannot be read"),
        ("README.md", "whip", "sk_wrong", r"README\.md"),
    ],
)
async def test_refusals_are_not_tried_again(
    ground: Ground, name: str | Path, way: str, key: str, said: str
) -> None:
    target = target_of(ground.address(way, "be"), key)
    with pytest.raises((PublishRefused, MediaError), match=said):
        await publish(str(name), target, loop=False, once=False, progress=Progress())


async def test_a_key_for_no_stream(ground: Ground) -> None:
    target = target_of(ground.address("whip", "nowhere"), ground.key)
    with pytest.raises(PublishRefused, match=r"\(404\)"):
        await publish(str(BIG_BUCK_BUNNY), target, loop=False, once=False, progress=Progress())


@pytest.mark.parametrize(
    ("url", "key", "whip", "expected"),
    [
        ("http://h/whip/a", "k", True, "http://h/whip/a"),
        ("https://h/whip/a#key=k", "", True, "https://h/whip/a"),
        ("https://h/whip/a?takeover=1&key=k", "", True, "https://h/whip/a?takeover=1"),
        ("rtmp://h/live/a", "k", False, "rtmp://h/live/a?key=k"),
        ("rtmp://h/live/a?key=k&takeover=1", "", False, "rtmp://h/live/a?key=k&takeover=1"),
        ("rtmp://h/live", "k", False, "rtmp://h/live/k"),
        ("rtmp://h/live/some-name", "", False, "rtmp://h/live/some-name"),
    ],
)
def test_addresses(url: str, key: str, whip: bool, expected: str) -> None:
    target = target_of(url, key)
    assert (target.whip, target.url) == (whip, expected)
    assert target.key == ("k" if "k" in (key, url[-1], "key=k" in url and "k") else "")
    assert "key" not in target.shown
    assert "key=k" not in repr(target)


@pytest.mark.parametrize("url", ["ftp://h/a", "h/a", "rtmp:///live/a", "http://h/whip/a"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(PublishRefused):
        target_of(url, "")


def test_the_progress_line() -> None:
    progress = Progress(started=10.0, seconds=125.0, pictures=250, sent_bytes=1_250_000)
    assert progress.line(20.0) == "2:05 sent · 25.0 fps · 1,000 kbit/s · 0 reconnects"
    progress.trouble = "The line is gone."
    assert progress.line(20.0).endswith("The line is gone.")


async def test_progress_is_shown_at_the_end_where_there_is_no_terminal() -> None:
    console = Console(file=io.StringIO())
    async with show(Progress(), console, "a → b [x]"):
        pass
    file: Any = console.file
    assert "a → b [x]" in file.getvalue()
    assert "reconnects" in file.getvalue()


async def test_a_lost_line_is_tried_again_after_growing_waits_and_given_up() -> None:
    target = target_of(f"rtmp://127.0.0.1:{free_port()}/live/a", "k")
    asked: list[float] = []

    def impatient(seconds: float) -> float:
        asked.append(seconds)
        return 0.0

    progress = Progress()
    with pytest.raises(PublishLost, match="refused"):
        await publish(
            str(BIG_BUCK_BUNNY), target, loop=False, once=False, progress=progress,
            patience=impatient,
        )  # fmt: skip
    assert asked == [1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert "Trying again" in progress.trouble
    with pytest.raises(PublishLost):
        await publish(str(BIG_BUCK_BUNNY), target, loop=False, once=True, progress=progress)
    with pytest.raises(MediaError):
        await publish("nowhere.mp4", target, loop=False, once=False, progress=progress)


async def test_a_server_that_comes_back_is_found_again(valkey: StoreServer) -> None:
    """The first one goes in the middle; the second one, on the same port, is fed."""
    port, progress = free_port(), Progress()
    sending: asyncio.Task[None] | None = None
    for _ in range(2):
        async with listening(valkey, port=port) as ground:
            if sending is None:
                key, _ = await ground.keys.add("alef")
                target = target_of(f"{ground.address}/alef", key)
                sending = asyncio.create_task(
                    publish(
                        "testcard", target, loop=False, once=False, progress=progress,
                        patience=lambda _: 0.2,
                    )
                )  # fmt: skip
            await until(lambda: ground.stream.state is StreamState.LIVE)
    assert sending is not None
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert progress.reconnects >= 1
    assert progress.pictures


@pytest.mark.parametrize("held", [False, True])
async def test_a_place_this_client_held_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    tries: list[type[Exception] | None] = [PlaceTaken, PlaceTaken, None]
    if held:
        tries.insert(0, PublishLost)

    async def send(_source: object, _target: object, progress: Progress) -> None:
        error = tries.pop(0)
        if error is PublishLost:
            progress.sent_bytes += 1
        if error is not None:
            raise error("The server refused.")

    async def source(*_: object) -> None: ...

    monkeypatch.setattr(publishing, "send_once", send)
    monkeypatch.setattr(publishing, "_source", source)
    target, progress = target_of("rtmp://h/live/a", "k"), Progress()

    async def run() -> None:
        await publish(
            "film", target, loop=False, once=False, progress=progress, patience=lambda _: 0.0
        )

    if held:
        await run()
        assert (progress.reconnects, tries) == (3, [])
    else:
        with pytest.raises(PlaceTaken):
            await run()


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish_client, "ANSWER_SECONDS", 0.3)
    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    target = target_of(f"rtmp://127.0.0.1:{silent.sockets[0].getsockname()[1]}/live/a", "k")
    with pytest.raises(PublishLost, match="does not answer"):
        await publish(str(BIG_BUCK_BUNNY), target, loop=False, once=True, progress=Progress())
    for writer in held:
        writer.close()
    silent.close()
