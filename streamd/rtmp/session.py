"""One publisher's connection: reads, asks the keys, feeds its stream, says why it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from streamd import config
from streamd.errors import (
    AccessError,
    AlreadyPublishing,
    StreamdError,
    StreamError,
    UnsupportedMedia,
)
from streamd.relay.notices import NoticeCode
from streamd.relay.publisher import Publisher
from streamd.relay.stream import Stream
from streamd.rtmp import protocol
from streamd.rtmp.address import Wanted, wanted
from streamd.rtmp.errors import Refused, RtmpError
from streamd.rtmp.handshake import SIZE
from streamd.rtmp.ingest import Announce, Event, Ingest, Tell
from streamd.rtmp.protocol import Connection
from streamd.rtmp.states import SessionState

log = structlog.get_logger(__name__)

READ_BYTES: Final = 65_536
FAILURE_SECONDS: Final = 1.0
"""A wrong key is answered this much later, so that guessing is slow."""

LINGER_SECONDS: Final = 1.0
"""How long an encoder has to read why it was cut off, before the socket closes."""

TELL_SECONDS: Final = 2.0
"""Each thing to tell is told this often at most."""

_FAILED: Final = "NetStream.Failed"

Authorize = Callable[[Wanted], Awaitable[Stream]]
"""Finds the stream; raises AccessError, StreamError or StoreError."""

MakeRoom = Callable[[Stream, bool], None]
"""Frees the stream's place where its publisher is gone, or where the flag asks to take over."""


class Session:
    """Owns one connection from its first byte to its last. ``run`` ends with it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        settings: config.Rtmp,
        authorize: Authorize,
        make_room: MakeRoom,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._settings = settings
        self._authorize = authorize
        self._make_room = make_room
        self._connection = Connection(os.urandom(SIZE - 8), settings.message_bytes)
        self._ingest = Ingest()
        self._broken_before = 0
        self._publisher: Publisher | None = None
        self._told_at: dict[NoticeCode, float] = {}
        self._now = asyncio.get_running_loop().time
        self._opened_at = self._heard_at = self._now()
        peer = writer.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else ""
        self._deadline: asyncio.Timeout | None = None
        self._over = False
        self.stream: Stream | None = None

    @property
    def state(self) -> SessionState:
        """Where the session stands."""
        return self._connection.state

    @property
    def broken(self) -> int:
        """Messages that could not be read, in all of the session's publications."""
        return self._broken_before + self._ingest.broken

    @property
    def silent_seconds(self) -> float:
        """Since the publisher sent anything."""
        return self._now() - self._heard_at

    async def run(self) -> None:
        """Serves until either side ends it. Cancelled, it loses what the encoder had still to
        read; the stream then waits for its publisher as after a broken line.
        """
        try:
            await self._serve()
        except OSError:
            pass  # it broke off, or this side gave up; what was to be said has been written
        except (RtmpError, UnsupportedMedia) as error:
            self._refuse(error)
        finally:
            self._over = True
            if self._publisher is not None and not self._publisher.closed:
                log.info("RTMP connection lost", stream=self._stream_id, peer=self._peer)
                self._publisher.lose()
            with contextlib.suppress(OSError):
                await self._linger()
            self._writer.transport.abort()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def end(self, code: str, sentence: str) -> None:
        """Ends the session from this side; the encoder is told."""
        if self._over:
            return
        self._connection.fail(code, sentence)
        if not self._writer.is_closing():
            self._writer.write(self._connection.data_to_send())
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(self._now())

    def lose(self) -> None:
        """The publisher is given up as gone: its stream goes on with the next one."""
        if self._publisher is not None:
            self._publisher.lose()
        self.end("NetStream.Publish.Denied", "Another connection took the place of this one.")

    # -- within

    @property
    def _stream_id(self) -> str | None:
        return self.stream.id if self.stream is not None else None

    async def _serve(self) -> None:
        while self.state is not SessionState.ENDED:
            async with asyncio.timeout(self._patience()) as self._deadline:
                data = await self._reader.read(READ_BYTES)
                if not data:
                    return
                self._heard_at = self._now()
                self._connection.receive(data)
                await self._obey()
                self._writer.write(self._connection.data_to_send())
                await self._writer.drain()
            self._deadline = None

    def _patience(self) -> float:
        """Seconds until something has to come."""
        if self.state is SessionState.PUBLISHING:
            return self._settings.idle_seconds
        return self._opened_at + self._settings.handshake_seconds - self._now()

    async def _obey(self) -> None:
        while (event := self._connection.next_event()) is not None:
            match event:
                case protocol.Media(kind, timestamp, payload):
                    self._relay(self._ingest.take(kind, timestamp, payload, self._heard_at))
                case protocol.Metadata(values):
                    self._ingest.metadata(values)
                case protocol.Broken(error):
                    self._relay([self._ingest.spoiled(error)])
                case protocol.PublishRequested():
                    await self._publish(wanted(event))
                case protocol.Unpublished():
                    self._unpublish()
                case protocol.Breath():
                    await asyncio.sleep(0)

    async def _publish(self, asked: Wanted) -> None:
        """Answers ``publish``; a refusal takes its time where it is about a key."""
        try:
            stream = await self._authorize(asked)
            self._make_room(stream, asked.take_over)
            self._publisher = stream.publish("rtmp", on_ended=self._dismissed)
        except AccessError as error:
            log.info("RTMP publisher refused", peer=self._peer, reason=str(error))
            await asyncio.sleep(FAILURE_SECONDS)
            self._connection.fail("NetStream.Publish.Denied", str(error))
        except AlreadyPublishing as error:
            log.info("RTMP publisher refused", peer=self._peer, reason=str(error))
            advice = f"{error} To take over, add “&takeover=1” to a stream key with “?key=”."
            self._connection.fail("NetStream.Publish.BadName", advice)
        except StreamdError as error:
            log.info("RTMP publisher refused", peer=self._peer, reason=str(error))
            code = "NetStream.Publish.BadName" if isinstance(error, StreamError) else _FAILED
            self._connection.fail(code, str(error))
        else:
            self.stream = stream
            self._broken_before = self.broken
            self._ingest = Ingest()
            self._connection.accept(stream.id)
            log.info("RTMP publisher connected", stream=stream.id, peer=self._peer)

    def _unpublish(self) -> None:
        """The encoder stopped in good order."""
        self._opened_at = self._now()
        if self._publisher is not None:
            log.info("RTMP publisher stopped", stream=self._stream_id, peer=self._peer)
            self._publisher.close()

    def _relay(self, events: list[Event]) -> None:
        publisher, stream = self._publisher, self.stream
        for event in events:
            if publisher is None or stream is None or publisher.closed:
                return
            if isinstance(event, Announce):
                publisher.announce(event.tracks)
            elif isinstance(event, Tell):
                self._tell(stream, event)
            else:
                publisher.write(event)

    def _tell(self, stream: Stream, event: Tell) -> None:
        told_at = self._told_at.get(event.code)
        if told_at is None or self._heard_at - told_at >= TELL_SECONDS:
            self._told_at[event.code] = self._heard_at
            stream.notices.add(event.code, **event.facts)

    def _refuse(self, error: RtmpError | UnsupportedMedia) -> None:
        """The encoder's bytes ended the session: it, the studio and the log are told why."""
        log.info(
            "RTMP publisher refused", stream=self._stream_id, peer=self._peer, reason=str(error)
        )
        self._connection.fail("NetStream.Publish.Rejected", str(error))
        if self._publisher is None or self.stream is None:
            return
        if isinstance(error, Refused):
            self.stream.notices.add(error.notice, **error.facts)
            self._publisher.close()
        elif isinstance(error, UnsupportedMedia):
            self._publisher.close()
        else:
            self.stream.notices.add(NoticeCode.BROKEN_INPUT, reason=str(error))
            self._publisher.lose()

    def _dismissed(self) -> None:
        missed = "no keyframe" if self._ingest.keyless else "nothing"
        self.end(
            "NetStream.Publish.Denied",
            "The broadcast was ended from the other side: another encoder took over, or "
            f"{missed} came for too long.",
        )

    async def _linger(self) -> None:
        """Lets the encoder read the last words: bytes of its own left unread would reset the
        connection, and the words with it.
        """
        async with asyncio.timeout(LINGER_SECONDS):
            if not self._writer.is_closing():
                self._writer.write(self._connection.data_to_send())
                await self._writer.drain()
                if self._writer.can_write_eof():
                    self._writer.write_eof()
            while await self._reader.read(READ_BYTES):
                pass
