"""A WHIP client (RFC 9725) that sends units as they are: coded before, never encoded here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.message import Message
from fractions import Fraction
from typing import Any
from urllib.parse import urljoin, urlsplit

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from streamd.errors import PlaceTaken, PublishLost, PublishRefused
from streamd.media import h264
from streamd.media.opus import SAMPLE_RATE
from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit

ANSWER_SECONDS = 10.0
CONNECT_SECONDS = 10.0
STALLED_SECONDS = 10.0
WAITING_UNITS = 60
"""Units of a kind that wait for the line; ``send`` then waits too."""

_START_CODE = b"\0\0\0\1"
_REDIRECTS = 3
_MEDIUM: dict[Kind, str] = {"v": "video", "a": "audio"}


class Outgoing(MediaStreamTrack):
    """A track whose coded packets are put in by ``WhipPublisher.send``."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = _MEDIUM[kind]
        self.packets: asyncio.Queue[av.Packet[Any]] = asyncio.Queue(WAITING_UNITS)

    async def recv(self) -> av.Packet[Any]:
        """For aiortc's sender, which packetises a coded packet as it is."""
        packet = await self.packets.get()
        self.packets.task_done()
        return packet


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Message
    body: bytes


class WhipPublisher:
    """One broadcast. ``open`` connects, ``send`` sends, ``close`` must be awaited.

    H.264 without B-frames and Opus; everything else is for the caller to turn away. Raises
    PublishRefused with the server's own sentence, PublishLost where there is no line.
    """

    def __init__(self, url: str, key: str, tracks: Mapping[Kind, Track]) -> None:
        self._url = url
        self._key = key
        self._video = tracks.get("v")
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._tracks = {kind: Outgoing(kind) for kind in tracks}
        self._session: str | None = None
        self._state = asyncio.Event()
        self.sent_bytes = 0

    async def open(self) -> None:
        """Offers, takes the answer, waits until media can flow."""
        connection = self._connection
        connection.on("connectionstatechange", self._state.set)
        for track in self._tracks.values():
            transceiver = connection.addTransceiver(track, "sendonly")
            known = RTCRtpSender.getCapabilities(track.kind).codecs
            wanted = ("video/h264", "audio/opus")
            transceiver.setCodecPreferences([c for c in known if c.mimeType.lower() in wanted])
        await connection.setLocalDescription(await connection.createOffer())
        answer = await self._post(connection.localDescription.sdp)
        self._session = _elsewhere(self._url, answer)
        try:
            await connection.setRemoteDescription(
                RTCSessionDescription(answer.body.decode("utf-8", "replace"), "answer")
            )
            async with asyncio.timeout(CONNECT_SECONDS):
                while connection.connectionState != "connected":
                    self._check()
                    self._state.clear()
                    await self._state.wait()
        except TimeoutError:
            raise PublishLost(
                "The server answered, but no media gets through. Is its UDP port open?"
            ) from None
        except ValueError as error:
            raise PublishRefused(f"The server's answer cannot be used: {error}.") from error

    async def send(self, unit: Unit) -> None:
        """Hands one unit to the line; waits, up to STALLED_SECONDS, while WAITING_UNITS wait."""
        self._check()
        payload, scale = unit.payload, SAMPLE_RATE
        if unit.kind == "v":
            payload, scale = self._annexb(unit), MEDIA_TIMESCALE
        packet: av.Packet[Any] = av.Packet(payload)
        packet.pts = packet.dts = unit.pts
        packet.time_base = Fraction(1, scale)
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await self._tracks[unit.kind].packets.put(packet)
        except TimeoutError:
            raise PublishLost("The connection takes nothing any more.") from None
        self.sent_bytes += len(unit.payload)

    async def drain(self) -> None:
        """Waits until what was sent is on the line, a second at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                for track in self._tracks.values():
                    await track.packets.join()

    async def close(self) -> None:
        """Ends the session at the server and the connection."""
        if self._session is not None:
            with contextlib.suppress(PublishLost):
                await asyncio.to_thread(self._request, "DELETE", self._session, None)
        await self._connection.close()

    # -- within

    def _check(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            raise PublishLost("The connection to the server broke off.")

    def _annexb(self, unit: Unit) -> bytes:
        """An access unit as RTP wants it: a keyframe brings its parameter sets along."""
        nals = h264.split_avcc(unit.payload)
        if unit.track is not None:
            self._video = unit.track
        if unit.key and self._video is not None and not h264.parameter_sets(nals)[0]:
            sets = h264.parse_avcc(self._video.config)
            nals = [*sets.sps, *sets.pps, *nals]
        return b"".join(_START_CODE + nal for nal in nals)

    async def _post(self, offer: str) -> _Answer:
        url = self._url
        for _ in range(_REDIRECTS):
            answer = await asyncio.to_thread(self._request, "POST", url, offer.encode())
            if answer.status in (307, 308):  # RFC 9725 section 4.5
                url = _elsewhere(url, answer)
                continue
            if answer.status != 201:
                raise _refusal(answer)
            self._url = url
            return answer
        raise PublishRefused("The server redirects in circles.")

    def _request(self, method: str, url: str, body: bytes | None) -> _Answer:
        headers = {"Authorization": f"Bearer {self._key}"}
        if body is not None:
            headers["Content-Type"] = "application/sdp"
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=ANSWER_SECONDS) as answer:
                return _Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return _Answer(error.code, error.headers, error.read())
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise PublishLost(f"The server cannot be reached: {reason}.") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib turns a redirected POST into a GET, and stumbles over an address that is none; here
    a redirect is an answer as any other.
    """

    def http_error_302(self, *_arguments: Any, **_named: Any) -> None:
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _refusal(answer: _Answer) -> PublishRefused | PublishLost:
    """What the server said, as one sentence (RFC 9457 where it speaks that)."""
    said = ""
    with contextlib.suppress(ValueError, AttributeError):
        problem = json.loads(answer.body)
        said = str(problem.get("detail") or problem.get("title") or "")
    said = said or answer.body.decode("utf-8", "replace").strip()[:200] or "no reason given"
    if answer.status >= 500 or answer.status == 429:
        return PublishLost(f"The server cannot take it now ({answer.status}): {said}")
    if answer.status == 409:
        return PlaceTaken(f"The server refused (409): {said}")
    return PublishRefused(f"The server refused ({answer.status}): {said}")


def _elsewhere(url: str, answer: _Answer) -> str:
    """Where ``answer`` to ``url`` points. Raises PublishRefused where that is another origin: what
    is asked there carries the key.
    """
    location = answer.headers.get("Location") or ""
    target = location
    try:
        target = urljoin(url, location)
        same = _origin(target) == _origin(url)
    except ValueError:
        same = False
    if not same:
        raise PublishRefused(
            f"The server points to another one, which would get the key: {target}. If that is "
            "meant, publish to that address."
        )
    return target


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port (RFC 6454 section 4). Raises ValueError."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def has_b_frames(units: Collection[Unit]) -> bool:
    """Whether a picture is shown before one that was sent earlier."""
    shown = [unit.pts for unit in units if unit.kind == "v"]
    return shown != sorted(shown)
