"""One connection as the ``websockets`` library has it, with the ways that do not pass it.

Here the transport's news reach the ``Link``, and the crowd's messages the session.
"""

from __future__ import annotations

import asyncio
from types import GeneratorType
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State
from websockets.speedups import apply_mask

from streamd.feeds.door import Door
from streamd.feeds.frames import small_frame
from streamd.feeds.link import Link
from streamd.feeds.session import Session
from streamd.feeds.turns import Turn

CONTROLS: Final = 500
"""Unread control frames (at most 127 bytes each) before a connection is cut off."""
AT_ONCE: Final = 32
"""Prompt calls that one read of a connection may bring before the others have their turn."""

_CONTROL: Final = (Opcode.CLOSE, Opcode.PING, Opcode.PONG)


class FeedConnection(ServerConnection):
    """A connection that tells its ``Link`` when the transport fills, drains and goes."""

    door: Door
    frame_bytes: int
    turn: Turn[FeedConnection]
    link: Link | None = None
    session: Session | None = None
    unread_controls = 0
    unread = 0
    """Messages that the library has and the session has not handled yet."""
    between_frames = False
    """Whether the library is open and has no part of a message."""
    arrived = b""
    """What was read in this turn of the loop and is still to be handled."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A socket was accepted; its handshake is still to come."""
        super().connection_made(transport)
        if not self.door.enter(self):
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Between messages ``data`` waits for the end of the turn: see ``turns``."""
        if self.arrived:
            self.handle_arrived()
        if self.between_frames and not self.unread:
            self.arrived = data
            self.turn.add(self)
        else:
            self._pass_on(data)

    def handle_arrived(self) -> None:
        """Prompt calls are taken here: in a crowd of votes, the library's way with a frame and the
        reader's task would be most of what a vote costs. All else goes the library's way.
        """
        data, self.arrived = self.arrived, b""
        if self.between_frames and not self.unread:
            data = self._take(data)
        if data:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        super().data_received(data)
        self.between_frames = _between_frames(self)

    def _take(self, data: bytes) -> bytes:
        """Handles the messages at the head of ``data`` that are prompt calls; the rest."""
        session, at = self.session, 0
        if session is None:
            return data
        for _ in range(AT_ONCE):
            found = small_frame(data, at, self.frame_bytes, apply_mask)
            if found is None or not session.take(found[0]):
                break
            at = found[1]
        return data[at:] if at else data

    def send_data(self) -> None:
        """The library writes control frames: pongs, the close. Where the client reads none of
        them, the library would pile them up for ever.
        """
        if self.protocol.writes and self.link is not None:
            self.link.finish_frame()
            super().send_data()
            if self.paused:
                self.unread_controls += 1
                if self.unread_controls > CONTROLS:
                    self.transport.abort()
        else:
            super().send_data()

    def process_event(self, event: Event) -> None:
        """A frame has come in. The pong is taken here: waking the reader for it would be most of
        what an idle connection costs.
        """
        session = self.session
        if (
            session is not None
            and session.awaits_pong
            and isinstance(event, Frame)
            and event.fin
            and bytes(event.data) == session.pong
            and event.opcode in (Opcode.TEXT, Opcode.BINARY)
        ):
            session.awaits_pong = False
        else:
            if isinstance(event, Frame) and event.fin and event.opcode not in _CONTROL:
                self.unread += 1
            super().process_event(event)

    def pause_writing(self) -> None:
        """The transport holds bytes."""
        super().pause_writing()
        if self.link is not None:
            self.link.paused()

    def resume_writing(self) -> None:
        """The transport is empty."""
        super().resume_writing()
        self.unread_controls = 0
        if self.link is not None:
            self.link.resumed()

    def eof_received(self) -> None:
        """The client sends no more."""
        self.handle_arrived()
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is about to be closed: nothing may write to its descriptor any more."""
        self.handle_arrived()
        self.door.leave(self)
        if self.link is not None:
            self.link.seal()
        super().connection_lost(exc)


def _between_frames(connection: FeedConnection) -> bool:
    """Whether the library is open and waits for the first byte of a message."""
    known = connection.protocol
    if known.state is not State.OPEN or known.current_size is not None:
        return False
    # The library's parser is a stack of generators. Only here is nothing half read.
    innermost: object = known.parser
    while isinstance(innermost, GeneratorType) and innermost.gi_yieldfrom is not None:
        innermost = innermost.gi_yieldfrom
    return getattr(innermost, "__name__", "") == "at_eof"


def connections(gate: Door, bytes_: int) -> type[FeedConnection]:
    """The connections of one gateway, whose frames have at most ``bytes_``: the library makes them
    and tells nobody but themselves.
    """

    class GatewayConnection(FeedConnection):
        door = gate
        frame_bytes = bytes_
        turn = Turn(FeedConnection.handle_arrived)

    return GatewayConnection
