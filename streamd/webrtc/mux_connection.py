"""One peer's share of the mux, with the interface of ``aioice.Connection``.

aiortc's ICE transport runs above it without knowing: what it would do with checks, sockets and
candidates has been done by the mux. Nothing is ever sent to an address that the peer merely
named; only to one that its own check came from.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aioice import Candidate, ConnectionClosed

from streamd.webrtc.datagram_batches import Address
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.lite_agent import LiteAgent
from streamd.webrtc.tray import Destination, Tray

if TYPE_CHECKING:
    from streamd.webrtc.mux import Mux

QUEUED_DATAGRAMS = 1_024
"""What may wait for the DTLS transport; past it the newest is dropped."""
NAMED_CANDIDATES = 32


class MuxConnection:
    """Made by ``Mux.connection``. ``recv`` has one caller at a time.

    ``heard`` is when the last datagram came from a validated address, ``overflowed`` counts those
    that found the queue full.
    """

    ice_controlling = False
    remote_is_lite = False

    def __init__(
        self, mux: Mux, candidates: list[Candidate], consent_seconds: float | None, now: float
    ) -> None:
        self.remote_username: str | None = None
        self.remote_password: str | None = None
        self.agent = LiteAgent(now)
        self.made = self.heard = now
        self.consent_seconds = consent_seconds
        self.overflowed = 0
        self.closed = False
        self.destination: Destination | None = None
        """``address`` as the tray wants it, made once."""
        self._mux = mux
        self._candidates = candidates
        self._named: list[Candidate] = []
        self._queue: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._nominated = asyncio.Event()
        self._ended = asyncio.Event()

    # -- what aiortc calls

    @property
    def local_username(self) -> str:
        """The ufrag that the peer's checks begin with."""
        return self.agent.newest.ufrag

    @property
    def local_password(self) -> str:
        """The password that the peer's checks are signed with."""
        return self.agent.newest.password

    @property
    def local_candidates(self) -> list[Candidate]:
        """The mux's addresses."""
        return self._candidates[:]

    @property
    def remote_candidates(self) -> list[Candidate]:
        """What the peer has named. It is never sent to: a lite agent sends no checks."""
        return self._named[:]

    async def gather_candidates(self) -> None:
        """They are known from the start."""

    async def add_remote_candidate(self, candidate: Candidate | None) -> None:
        """Takes note of a candidate; None is the end of them."""
        if candidate is not None and len(self._named) < NAMED_CANDIDATES:
            self._named.append(candidate)

    async def connect(self) -> None:
        """Returns once the peer has nominated an address. Raises ConnectionError if none comes.

        The mux gives up on a peer after ``mux.CONNECT_SECONDS``.
        """
        await self._nominated.wait()
        if self.closed:
            raise ConnectionError("The peer never nominated an address")

    async def get_event(self) -> ConnectionClosed:
        """Returns when the connection is closed."""
        await self._ended.wait()
        return ConnectionClosed()

    async def recv(self) -> bytes:
        """The next datagram. Raises ConnectionError once closed. Cancelled, it loses nothing."""
        while not self._queue:
            if self.closed:
                raise ConnectionError("The connection is closed")
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._queue.popleft()

    async def send(self, datagram: bytes) -> None:
        """Sends with this loop tick's batch. Raises ConnectionError while nobody is nominated."""
        if not self.transmit((datagram,)):
            raise ConnectionError("Cannot send, not connected")

    async def close(self) -> None:
        """Frees its places in the mux. What was sent before still goes out."""
        self.drop()

    # -- what streamd calls

    @property
    def address(self) -> Address | None:
        """The nominated address; None before the first nomination and after the end."""
        return None if self.closed else self.agent.nominated

    def transmit(self, datagrams: Sequence[bytes]) -> bool:
        """Sends datagrams, in order, with this loop tick's batch; False without an address.

        They go to the kernel in the fewest calls if all but the last have one size.
        """
        address = self.address
        if address is None:
            return False
        self._mux.post(datagrams, address)
        return True

    @property
    def tray(self) -> Tray:
        """Takes runs for ``destination``, together with those of all other peers."""
        return self._mux.tray

    def restart(self) -> Credentials:
        """New credentials for an ICE restart; the old ones stay valid until these are nominated.

        Raises ConnectionError once closed.
        """
        if self.closed:
            raise ConnectionError("The connection is closed")
        self._mux.restart(self)
        return self.agent.newest

    # -- what the mux calls

    def arrived(self, datagram: bytes, now: float) -> None:
        """A datagram of media or DTLS from a validated address."""
        self.heard = now
        if len(self._queue) >= QUEUED_DATAGRAMS:
            self.overflowed += 1
            return
        self._queue.append(datagram)
        self._wake()

    def nominated(self) -> None:
        """The peer has chosen an address, perhaps another one than before."""
        address = self.address
        if address is not None and (
            self.destination is None or self.destination.address != address
        ):
            self.destination = Destination(address)
        self._nominated.set()

    def drop(self) -> None:
        """Ends the connection from this side; may be called twice."""
        if not self.closed:
            self.closed = True
            self.destination = None
            self._mux.forget(self)
            self._wake()
            self._nominated.set()
            self._ended.set()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
