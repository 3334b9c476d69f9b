"""All of WebRTC on one UDP port: who a datagram belongs to, and the way out in batches.

    socket ─► content_of ─┬─ STUN ──► by ufrag ──► LiteAgent (answers; validates, nominates)
                          └─ media ─► by source address, if validated ─► MuxConnection ─► DTLS
    MuxConnection.send, Mux.post ─► this tick's datagrams by address ─► BatchSender ─► kernel
    a viewer's media ─► Tray, with all other viewers' ─► kernel

A datagram that belongs to nobody is dropped and counted; none can end a peer. An address stays
with the connection that it was validated for as long as that one is heard there, so that nobody
takes over another's traffic by sending a check of their own under a forged address.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from aioice import Candidate

from streamd import config
from streamd.errors import ConfigError
from streamd.webrtc.datagram_batches import Address, BatchSender
from streamd.webrtc.datagrams import DATAGRAM_BYTES, Content, content_of
from streamd.webrtc.errors import MuxFull
from streamd.webrtc.host_candidates import announced_addresses, candidates, listening_address
from streamd.webrtc.mux_connection import MuxConnection
from streamd.webrtc.shared_certificate import SharedCertificate
from streamd.webrtc.stun import is_indication, read_request
from streamd.webrtc.tray import Tray

CONNECT_SECONDS = 30.0
"""From a connection's making to its first nomination."""
CONSENT_SECONDS = 30.0
"""A peer that is sent media must have proven within this time that it wants it (RFC 7675 §5.1)."""
FRESH_SECONDS = 10.0
"""An address heard within this time stays with its connection."""
SWEEP_SECONDS = 1.0
READS = 256
"""Datagrams taken in one wakeup, so that the rest of the loop gets its turn."""
POSTED = 4_096
"""Datagrams that may wait for the end of the tick; past it they go to the kernel at once."""
SOCKET_BYTES = 4 * 1_048_576
SPARE_PLACES = 32
ADDRESSES_SECONDS = 10.0


class Dropped(StrEnum):
    """Why a datagram that came in went no further."""

    EMPTY = "empty"
    OVERSIZED = "oversized"
    UNKNOWN_KIND = "unknown_kind"
    STRANGER = "stranger"
    MALFORMED_CHECK = "malformed_check"
    UNKNOWN_UFRAG = "unknown_ufrag"
    REFUSED_CHECK = "refused_check"
    TAKEN_ADDRESS = "taken_address"


class Mux:
    """Owns the socket. ``open`` before the first ``connection``; ``close`` at the end."""

    def __init__(self, settings: config.WebRtc) -> None:
        self.certificate = SharedCertificate()
        self.port = settings.port
        self.dropped: Counter[Dropped] = Counter()
        self.sender = BatchSender()
        """Counts what went out."""
        self.tray = Tray(self.sender)
        self._settings = settings
        self._limit = settings.publishers + settings.viewers + SPARE_PLACES
        self._socket: socket.socket | None = None
        self._by_ufrag: dict[str, MuxConnection] = {}
        self._by_address: dict[Address, MuxConnection] = {}
        self._heard: dict[Address, float] = {}
        """When each of these addresses was last heard."""
        self._connections: dict[MuxConnection, None] = {}
        self._posted: dict[Address, list[bytes]] = {}
        self._waiting = 0
        self._flushing: asyncio.Handle | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._candidates: tuple[float, list[Candidate]] | None = None

    def __len__(self) -> int:
        return len(self._connections)

    # -- life

    def open(self) -> None:
        """Binds the port. Raises ConfigError where the address is taken or is none."""
        host, port = listening_address(self._settings), self._settings.port
        announced_addresses(self._settings)
        sock = socket.socket(
            socket.AF_INET6 if host.version == 6 else socket.AF_INET, socket.SOCK_DGRAM
        )
        try:
            if host.version == 6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not _any(host)))
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BYTES)
            sock.setblocking(False)
            sock.bind((str(host), port))
        except OSError as error:
            sock.close()
            raise ConfigError(
                f"Cannot listen on {host}:{port}/udp: {error.strerror}. "
                "Stop what listens there, or choose another port in [webrtc]."
            ) from error
        self.port = sock.getsockname()[1]
        self._socket = sock
        self.sender.open(sock)
        self.tray.open(sock)
        loop = asyncio.get_running_loop()
        loop.add_reader(sock, self._readable)
        self._sweeping = loop.call_later(SWEEP_SECONDS, self._sweep)

    def close(self) -> None:
        """Ends every connection, sends what waits, and closes the socket. May be called twice."""
        for connection in tuple(self._connections):
            connection.drop()
        if self._socket is None:
            return
        self._flush()
        if self._sweeping is not None:
            self._sweeping.cancel()
        asyncio.get_running_loop().remove_reader(self._socket)
        self.tray.close()
        self.sender.close()
        self._socket.close()
        self._socket = None

    # -- connections

    def connection(self, *, consent_seconds: float | None = CONSENT_SECONDS) -> MuxConnection:
        """A connection for one peer, with ``aioice.Connection``'s interface. Raises MuxFull.

        It is dropped where the peer has not passed a check for ``consent_seconds`` (None: never).
        """
        if not self.has_room():
            raise MuxFull
        now = _now()
        connection = MuxConnection(self, self._announced(now), consent_seconds, now)
        self._connections[connection] = None
        self._by_ufrag[connection.local_username] = connection
        return connection

    def has_room(self, leaving: int = 0) -> bool:
        """Whether another connection finds a place once ``leaving`` of these are gone."""
        return self._socket is not None and len(self._connections) - leaving < self._limit

    def restart(self, connection: MuxConnection) -> None:
        """For MuxConnection.restart."""
        replaced = connection.agent.restart(_now())
        if replaced is not None:
            self._by_ufrag.pop(replaced, None)
        self._by_ufrag[connection.local_username] = connection

    def forget(self, connection: MuxConnection) -> None:
        """For MuxConnection.drop."""
        self._connections.pop(connection, None)
        for credentials in (connection.agent.credentials, connection.agent.restarted):
            if credentials is not None:
                self._by_ufrag.pop(credentials.ufrag, None)
        self._unroute(connection.agent.validated, connection)

    def _announced(self, now: float) -> list[Candidate]:
        """Looked up now and then, since a machine may get another address."""
        if self._candidates is None or now - self._candidates[0] >= ADDRESSES_SECONDS:
            self._candidates = now, candidates(announced_addresses(self._settings), self.port)
        return self._candidates[1]

    def _unroute(self, addresses: Iterable[Address], connection: MuxConnection) -> None:
        for address in addresses:
            if self._by_address.get(address) is connection:
                del self._by_address[address], self._heard[address]

    def _sweep(self) -> None:
        now = _now()
        for connection in tuple(self._connections):
            agent, consent = connection.agent, connection.consent_seconds
            given_up = agent.expire(now)
            if given_up is not None:
                self._by_ufrag.pop(given_up, None)
            if agent.nominated is None:
                late = now - connection.made >= CONNECT_SECONDS
            else:
                late = consent is not None and now - agent.checked >= consent
            if late:
                connection.drop()
        self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    # -- in

    def _readable(self) -> None:
        assert self._socket is not None
        now, receive = _now(), self._socket.recvfrom
        for _ in range(READS):
            try:
                datagram, address = receive(DATAGRAM_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error of an earlier datagram; reading goes on.
                continue
            self.receive(datagram, address, now)

    def receive(self, datagram: bytes, address: Address, now: float) -> None:
        """Sorts one datagram (RFC 7983 §7) and hands it on, or drops and counts it."""
        content = content_of(datagram)
        if content is Content.MEDIA:
            connection = self._by_address.get(address)
            if connection is None:
                self.dropped[Dropped.STRANGER] += 1
            else:
                self._heard[address] = now
                connection.arrived(datagram, now)
        elif content is Content.STUN:
            self._check(datagram, address, now)
        elif not datagram:
            self.dropped[Dropped.EMPTY] += 1
        elif len(datagram) > DATAGRAM_BYTES:
            self.dropped[Dropped.OVERSIZED] += 1
        else:
            self.dropped[Dropped.UNKNOWN_KIND] += 1

    def _check(self, datagram: bytes, address: Address, now: float) -> None:
        owner = self._by_address.get(address)
        request = read_request(datagram)
        if request is None:
            if owner is not None and is_indication(datagram):
                owner.heard = self._heard[address] = now
            else:
                self.dropped[Dropped.MALFORMED_CHECK] += 1
            return
        connection = self._by_ufrag.get(request.local)
        if connection is None:
            self.dropped[Dropped.UNKNOWN_UFRAG] += 1
            return
        other = owner is not None and owner is not connection
        if other and now - self._heard[address] < FRESH_SECONDS:
            self.dropped[Dropped.TAKEN_ADDRESS] += 1
            return
        verdict = connection.agent.check(request, address, now)
        self.sender.send((verdict.answer,), address)
        if not verdict.valid:
            self.dropped[Dropped.REFUSED_CHECK] += 1
            return
        connection.heard = self._heard[address] = now
        self._by_address[address] = connection
        self._unroute(verdict.gone, connection)
        if verdict.retired is not None:
            self._by_ufrag.pop(verdict.retired, None)
        if connection.agent.nominated is not None:
            connection.nominated()

    # -- out

    def post(self, datagrams: Sequence[bytes], address: Address) -> None:
        """Sends datagrams to one address, in order, at the end of this loop tick."""
        waiting = self._posted.get(address)
        if waiting is None:
            self._posted[address] = [*datagrams]
        else:
            waiting += datagrams
        self._waiting += len(datagrams)
        if self._waiting >= POSTED:
            self._flush()
        elif self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def send(self, datagrams: Iterable[tuple[bytes, Address]]) -> None:
        """Sends (datagram, address) pairs at the end of this loop tick."""
        for datagram, address in datagrams:
            self.post((datagram,), address)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        posted, self._posted, self._waiting = self._posted, {}, 0
        if self._socket is not None:
            for address, datagrams in posted.items():
                self.sender.send(datagrams, address)


def _any(host: object) -> bool:
    return str(host) == "::"


def _now() -> float:
    return asyncio.get_running_loop().time()
