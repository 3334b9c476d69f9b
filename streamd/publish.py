"""``streamd publish``: a file or the test card, in real time, to a WHIP or RTMP address.

Video goes out as it is in the file. Over WebRTC, AAC is made Opus here, as a broadcaster may; the
server never converts.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from rich.console import Console
from rich.markup import escape

from streamd.errors import PlaceTaken, PublishLost, PublishRefused
from streamd.media.units import Kind, Track, Unit
from streamd.publish_sources import CardSource, FileSource, Source
from streamd.relay.demux import FileReader
from streamd.rtmp.publish_client import RtmpPublisher
from streamd.webrtc.aac_to_opus import AacToOpus
from streamd.webrtc.publish_client import WhipPublisher, has_b_frames

TESTCARD = "testcard"
SHOWN_SECONDS = 0.5
PRINTED_SECONDS = 10.0
"""How often the progress line is drawn on a terminal, and printed elsewhere."""

CHECKED_SECONDS = 20.0
"""How much of a file is looked at before it is offered over WebRTC."""

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
TRIES = 10
"""Connections in a row that may fail before it is given up."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to publish. ``url`` holds the key where RTMP needs it there, so it is not shown."""

    whip: bool
    url: str = field(repr=False)
    key: str = field(repr=False)
    shown: str = ""


@dataclass(slots=True)
class Progress:
    """What has been sent since the start, for the line that is shown."""

    started: float = 0.0
    seconds: float = 0.0
    pictures: int = 0
    sent_bytes: int = 0
    reconnects: int = 0
    trouble: str = ""

    def line(self, now: float) -> str:
        """Media sent, pictures and kilobits a second on average, reconnects, the trouble."""
        passed = max(now - self.started, 0.001)
        minutes, seconds = divmod(int(self.seconds), 60)
        parts = [
            f"{minutes}:{seconds:02} sent",
            f"{self.pictures / passed:.1f} fps",
            f"{self.sent_bytes * 8 / 1000 / passed:,.0f} kbit/s",
            f"{self.reconnects} reconnects",
        ]
        return " · ".join(parts) + (f"   {self.trouble}" if self.trouble else "")


def target_of(url: str, key: str) -> Target:
    """Reads the address; the key may stand in it as ``key=``, in its query or its fragment.

    Raises PublishRefused where it is neither a WHIP nor an RTMP address, or without a key.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "rtmp", "rtmps") or not parts.netloc:
        raise PublishRefused(
            "The address must begin with http:// or https:// (WHIP), or with rtmp://."
        )
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    key = key or query.get("key", "") or dict(parse_qsl(parts.fragment)).get("key", "")
    query.pop("key", None)
    shown = urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), ""))
    if parts.scheme in ("http", "https"):
        if not key:
            raise PublishRefused(
                "A key is needed: --key KEY, or STREAMD_KEY in the environment, or #key=KEY in "
                "the address."
            )
        return Target(True, shown, key, shown)
    url = shown
    if key and parts.path.strip("/").count("/"):
        joined = urlencode({"key": key, **query})
        url = urlunsplit((parts.scheme, parts.netloc, parts.path, joined, ""))
    elif key:
        url = urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{key}", "", ""))
    return Target(False, url, key, shown)


class Line(Protocol):
    """A way to a server."""

    async def send(self, unit: Unit) -> None: ...


class _Whip:
    """The WHIP line: sound that is AAC is converted before it goes."""

    def __init__(self, publisher: WhipPublisher, converter: AacToOpus | None) -> None:
        self.publisher = publisher
        self._converter = converter

    async def send(self, unit: Unit) -> None:
        if unit.kind == "a" and self._converter is not None:
            for converted in await asyncio.to_thread(self._converter.convert, unit):
                await self.publisher.send(converted)
        else:
            await self.publisher.send(unit)


@asynccontextmanager
async def line_to(target: Target, tracks: list[Track]) -> AsyncIterator[Line]:
    """A connected line; its broadcast is ended in good order. Raises PublishError."""
    by_kind: dict[Kind, Track] = {track.kind: track for track in tracks}
    if target.whip:
        sound = by_kind.get("a")
        converter = AacToOpus(sound) if sound is not None and sound.codec != "opus" else None
        whip = WhipPublisher(target.url, target.key, by_kind)
        try:
            await whip.open()
            yield _Whip(whip, converter)
            await whip.drain()
        finally:
            await whip.close()
        return
    rtmp = RtmpPublisher(target.url, tracks)
    try:
        await rtmp.open()
        yield rtmp
    finally:
        await rtmp.close()


async def send_once(source: Source, target: Target, progress: Progress) -> None:
    """One connection, to the source's end. Raises PublishError."""
    scales = {track.kind: track.timescale for track in source.tracks}
    clock = asyncio.get_running_loop().time
    before, started = progress.seconds, None
    async with line_to(target, source.tracks) as line, aclosing(source.units()) as batches:
        progress.trouble = ""
        async for batch in batches:
            for unit in batch:
                seconds = unit.dts / scales[unit.kind]
                if started is None:
                    started = clock() - seconds
                await asyncio.sleep(max(started + seconds - clock(), 0))
                await line.send(unit)
                progress.seconds = max(progress.seconds, before + seconds)
                progress.pictures += unit.kind == "v"
                progress.sent_bytes += len(unit.payload)


async def publish(
    name: str,
    target: Target,
    *,
    loop: bool,
    once: bool,
    progress: Progress,
    patience: Callable[[float], float] = lambda seconds: seconds,
) -> None:
    """Sends ``name`` (a file, or "testcard") to its end, or for ever where it loops.

    A line that is lost is built anew, from the source's beginning, after a growing wait, at most
    TRIES times without success between; not at all with ``once``. ``patience`` is asked how long
    to wait in place of a number of seconds. A place that is taken is a lost line once this client
    has held it: the server may not know yet that it is gone. Raises PublishError, MediaError.
    """
    progress.started = asyncio.get_running_loop().time()
    failures = 0
    for attempt in itertools.count():
        sent = progress.sent_bytes
        try:
            await send_once(await _source(name, target, loop), target, progress)
        except (PublishLost, PlaceTaken) as error:
            if isinstance(error, PlaceTaken) and not sent:
                raise
            failures = 1 if progress.sent_bytes > sent else failures + 1
            if once or failures >= TRIES:
                raise
            wait = min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT)
            progress.trouble = f"{error} Trying again in {wait:.0f} s."
            progress.reconnects = attempt + 1
            await asyncio.sleep(patience(wait))
        else:
            return


@asynccontextmanager
async def show(progress: Progress, console: Console, title: str) -> AsyncIterator[None]:
    """Shows ``progress`` while inside: one line that moves on a terminal, else a line at times."""
    clock = asyncio.get_running_loop().time

    async def draw() -> None:
        with console.status("") as status:
            while True:
                status.update(escape(f"{title}   {progress.line(clock())}"))
                await asyncio.sleep(SHOWN_SECONDS)

    async def tell() -> None:
        while True:
            await asyncio.sleep(PRINTED_SECONDS)
            console.print(progress.line(clock()), markup=False)

    console.print(title, markup=False)
    drawing = asyncio.create_task(draw() if console.is_terminal else tell())
    try:
        yield
    finally:
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        console.print(progress.line(clock()), markup=False)


async def _source(name: str, target: Target, loop: bool) -> Source:
    if name == TESTCARD:
        return await asyncio.to_thread(CardSource, target.whip)
    if target.whip:
        await asyncio.to_thread(_check_for_whip, Path(name))
    return await asyncio.to_thread(FileSource, Path(name), loop)


def _check_for_whip(path: Path) -> None:
    """Raises PublishRefused where WebRTC cannot carry the file's pictures."""
    reader = FileReader(path)
    try:
        if has_b_frames(reader.read(CHECKED_SECONDS)):
            raise PublishRefused(
                f"{path.name} has B-frames, and WebRTC cannot carry them. Use the RTMP address "
                "(rtmp://HOST/live/STREAM), or a file made without them."
            )
    finally:
        reader.close()
