"""``[event] delay_seconds`` in a whole streamd: every way out is as late, the studio is not."""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import msgpack
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.server import Server, running
from tests.web.client import Client
from tests.webrtc.whep_client import whep_client

DELAY_SECONDS = 4.0
PATIENCE_SECONDS = 60.0
SENTENCES = (
    ("/?lang=en", "Every broadcast is shown 4 seconds later, the same for each candidate."),
    ("/?lang=fa", "هر پخش ۴ ثانیه دیرتر نشان داده می‌شود، برای همهٔ نامزدها یکسان."),
    ("/watch/{}?lang=en", "This broadcast is shown 4 seconds later, the same for every candidate."),
    ("/watch/{}?lang=fa", "این پخش ۴ ثانیه دیرتر نشان داده می‌شود، برای همهٔ نامزدها یکسان."),
)


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Polls until ``condition`` gives something; a generous deadline, never a measurement."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.1)
    return found


def newest_part(server: Server, stream: str, started_at: float) -> float:
    """When the newest part on the feed was captured, in Unix seconds."""
    protocol = Subprotocol("streamd.msgpack")
    with connect(server.feed_url, subprotocols=[protocol], max_size=None) as socket:
        subscribe = {"channel": f"media:{stream}", "data": {"audio": "aac"}}
        socket.send(msgpack.packb({"id": 1, "connect": {}}))
        socket.send(msgpack.packb({"id": 2, "subscribe": subscribe}))
        while True:
            for message in msgpack.Unpacker(_reading(socket.recv(PATIENCE_SECONDS))):
                if "push" in message:
                    return started_at + float(message["push"]["pub"]["data"]["t"]) / 90_000


def _reading(frame: str | bytes) -> Any:
    assert isinstance(frame, bytes)
    return io.BytesIO(frame)


def newest_segment(client: Client, stream: str) -> float | None:
    """When the newest HLS segment's first picture was captured, in Unix seconds."""
    answer = client.ask("GET", f"/hls/{stream}/v.m3u8")
    dates = re.findall(r"#EXT-X-PROGRAM-DATE-TIME:(\S+)", answer.body.decode())
    return datetime.fromisoformat(dates[-1]).timestamp() if dates else None


def recorded_until(client: Client, stream: str) -> float | None:
    """When the newest picture that one may go back to was captured, in Unix seconds."""
    answer = client.ask("GET", f"/hls/{stream}/dvr.m3u8")
    if answer.status == 404:
        return None
    tracks = re.findall(r"^[^#].*v\.m3u8.*$", answer.body.decode(), re.MULTILINE)
    listed = client.ask("GET", urljoin(f"/hls/{stream}/dvr.m3u8", tracks[0])).body.decode()
    began = datetime.fromisoformat(re.findall(r"PROGRAM-DATE-TIME:(\S+)", listed)[0])
    lengths = [float(one) for one in re.findall(r"#EXTINF:([\d.]+)", listed)]
    return float(began.timestamp() + sum(lengths))


async def newest_packet(client: Client, stream: str) -> float:
    """When the first picture that comes by WHEP was captured, in Unix seconds."""
    async with whep_client() as viewer:
        offered = (await viewer.offer()).encode()
        answer = await asyncio.to_thread(
            client.ask, "POST", f"/whep/{stream}", offered, Content_Type="application/sdp"
        )
        assert answer.status == 201, answer.body
        await viewer.accept(answer.body.decode())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not viewer.packets:
                await asyncio.sleep(0.02)
        told = client.ask("GET", f"/whep/{stream}/clock").json
        ticks = int(viewer.packets[-1].timestamp - told["video"]["rtp"]) % (1 << 32)
        return float(told["started_at"]) + ticks / float(told["video"]["rate"])


def test_every_way_out_is_late_and_the_studio_is_not(tmp_path: Path) -> None:
    with running(tmp_path, "demo", STREAMD_EVENT_DELAY_SECONDS=str(DELAY_SECONDS)) as server:
        client = Client(server)
        link = wait_for(
            lambda: re.search(r"/studio/(kaveh)#key=(\S+)", server.log()), "a studio link"
        )
        stream, key = link[1], link[2]

        def health() -> Any:
            return client.ask("GET", f"/api/v1/streams/{stream}/health", key=key).json

        wait_for(lambda: health()["state"] == "live", "live for its broadcaster")
        began = time.time() - health()["uptime_seconds"]
        row = wait_for(
            lambda: next(
                (
                    one
                    for one in client.ask("GET", "/api/v1/streams").json["streams"]
                    if one["id"] == stream and one["state"] == "live"
                ),
                None,
            ),
            "live for viewers",
        )
        assert time.time() - began >= DELAY_SECONDS - 0.1
        assert row["delay_seconds"] == health()["delay_seconds"] == DELAY_SECONDS
        for path, sentence in SENTENCES:
            page = client.ask("GET", path.format(stream)).body.decode()
            assert sentence in page, path
        # Capture time stays capture time, so that what is shown says itself how late it is.
        assert abs(row["started_at"] - began) < 2.0

        # Half a second for a first unit that a busy machine took late: the clock counts from it.
        assert time.time() - newest_part(server, stream, row["started_at"]) >= DELAY_SECONDS - 0.5
        segment = wait_for(lambda: newest_segment(client, stream), "a segment")
        assert time.time() - segment >= DELAY_SECONDS
        packet = asyncio.run(newest_packet(client, stream))
        assert DELAY_SECONDS - 0.5 <= time.time() - packet <= DELAY_SECONDS + PATIENCE_SECONDS
        recorded = wait_for(lambda: recorded_until(client, stream), "a recording")
        assert time.time() - recorded >= DELAY_SECONDS - 0.5
        asked = {"question": "Now?", "choices": ["a", "b"], "open": True}
        asked_at = time.time()
        poll = client.ask("POST", f"/api/v1/streams/{stream}/polls", asked, key=key).json
        # On the picture that the studio shows now: viewers see it so much later, and only then.
        assert poll["cue"]["lag"] >= DELAY_SECONDS
        assert 0 <= poll["cue"]["open"] - asked_at < DELAY_SECONDS
        row = client.ask("GET", f"/api/v1/polls/{poll['id']}").json
        assert row["cue"]["open"] + row["cue"]["lag"] >= asked_at + DELAY_SECONDS
        assert server.stop() == 0
        assert "Traceback" not in server.log()
