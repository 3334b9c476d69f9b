"""Datagrams to the kernel, many in one call (UDP generic segmentation offload, Linux 4.18).

Datagrams of one size to one address, the last of which may be shorter, travel as one ``sendmsg``
with the segment size beside it; the kernel cuts them apart again. Where it refuses, each goes by
itself. Nothing here waits: what a full socket buffer does not take is dropped and counted, as a
network would.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Any

Address = tuple[Any, ...]
"""What the socket gives and takes: (host, port) for IPv4, four values for IPv6."""

SEGMENTS = 64
"""Most datagrams of one call (UDP_MAX_SEGMENTS of older kernels)."""
RUN_BYTES = 60_000
"""Most bytes of one call: all of it is one datagram of at most 65,507 bytes until it is cut."""

_SOL_UDP = 17
_UDP_SEGMENT = 103
_NEVER = frozenset((errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT))
_NOT_THIS = frozenset((errno.EINVAL, errno.EMSGSIZE))


def runs(datagrams: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The datagrams in order, cut into runs that one call can send. None may be empty."""
    start, size, total = 0, len(datagrams[0]) if datagrams else 0, 0
    for index, datagram in enumerate(datagrams):
        length = len(datagram)
        ended = index > start and len(datagrams[index - 1]) < size
        if (
            ended
            or length > size
            or index - start >= SEGMENTS
            or (index > start and total + length > RUN_BYTES)
        ):
            yield datagrams[start:index]
            start, size, total = index, length, 0
        total += length
    if start < len(datagrams):
        yield datagrams[start:]


class BatchSender:
    """Sends through one UDP socket. Counters: datagrams ``sent`` and ``unsent``, ``calls`` made."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self.sent = self.unsent = self.calls = 0
        self.segmented = False
        """Whether the kernel is asked to cut runs apart."""

    def open(self, sock: socket.socket) -> None:
        """From now on what is sent goes through this socket."""
        self._socket = sock
        try:
            sock.getsockopt(_SOL_UDP, _UDP_SEGMENT)
        except OSError:
            self.segmented = False
        else:
            self.segmented = True

    def close(self) -> None:
        """The socket is about to be closed; what is sent from now on is dropped."""
        self._socket = None

    def send(self, datagrams: Sequence[bytes], address: Address) -> None:
        """Sends all of them to one address, in order. Never raises, never waits."""
        sock = self._socket
        if sock is None:
            self.unsent += len(datagrams)
            return
        for run in runs(datagrams):
            count = len(run)
            if count == 1 or not self._send_run(sock, run, count, len(run[0]), address):
                for datagram in run:
                    self._send_one(sock, datagram, address)

    def send_image(self, image: memoryview, segment: int, address: Address) -> None:
        """Sends datagrams that lie one behind the other, within the bounds of a run.

        All have ``segment`` bytes, but for the last, which may be shorter. The memory is free
        again when this returns. Never raises, never waits.
        """
        sock, size = self._socket, len(image)
        count = -(-size // segment)
        if sock is None:
            self.unsent += count
        elif count == 1 or not self._send_run(sock, (image,), count, segment, address):
            for start in range(0, size, segment):
                self._send_one(sock, image[start : start + segment], address)

    def _send_run(
        self,
        sock: socket.socket,
        parts: Sequence[bytes | memoryview],
        count: int,
        segment: int,
        address: Address,
    ) -> bool:
        """False where the kernel does not take it as a run."""
        if not self.segmented:
            return False
        size = [(_SOL_UDP, _UDP_SEGMENT, struct.pack("=H", segment))]
        self.calls += 1
        try:
            sock.sendmsg(parts, size, 0, address)
        except OSError as error:
            if error.errno in _NEVER:
                # A device that cannot checksum, or a kernel that does not know the option.
                self.segmented = False
                return False
            if error.errno in _NOT_THIS:
                # Datagrams over this one path's MTU; by themselves they may be fragmented.
                return False
            self.unsent += count
        else:
            self.sent += count
        return True

    def _send_one(
        self, sock: socket.socket, datagram: bytes | memoryview, address: Address
    ) -> None:
        self.calls += 1
        try:
            sock.sendto(datagram, address)
        except OSError:
            self.unsent += 1
        else:
            self.sent += 1
