"""Where the datagrams of many viewers are gathered until one system call takes them all.

A viewer's run is written and protected right where the kernel reads it. The headers that
sendmmsg(2) wants are made once; a run fills in whom it goes to, where it lies, and the size that
the kernel is to cut it into (UDP GSO). Where there is no such call, each run is a call of its own.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from typing import Any

from streamd.webrtc import kernel_calls
from streamd.webrtc.datagram_batches import Address, BatchSender
from streamd.webrtc.kernel_calls import address_bytes, ffi, segment_control, socket_address
from streamd.webrtc.rtp_packets import RUN_BYTES, Run
from streamd.webrtc.viewer_line import Protect

MESSAGES = 128
"""Most that one call takes: more save nothing, and hold the loop."""
MEMORY = 4 * RUN_BYTES
_REFUSES_RUNS = frozenset(
    (errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT)
) | frozenset((errno.EINVAL, errno.EMSGSIZE))


class Destination:
    """An address in both its forms: Python's and the kernel's."""

    __slots__ = ("address", "name")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.name: Any = socket_address(address)


class Tray:
    """Sends through a BatchSender's socket and counts there.

    ``take`` runs, then ``flush``; a full tray flushes itself. ``view`` is ``memory``, for Python.
    """

    def __init__(self, sender: BatchSender) -> None:
        self.memory: Any = ffi.new("unsigned char[]", MEMORY)
        self.view = memoryview(ffi.buffer(self.memory))
        self._sender = sender
        self._socket: socket.socket | None = None
        self._calls: Any = None
        self._added: list[tuple[int, int, int, int, Destination]] = []
        self._used = 0
        self._headers: Any = ffi.new("struct mmsghdr[]", MESSAGES)
        self._parts: Any = ffi.new("struct iovec[]", MESSAGES)
        self._heads = [self._headers[at].msg_hdr for at in range(MESSAGES)]
        self._slices = [self._parts[at] for at in range(MESSAGES)]
        self._segments = [0] * MESSAGES
        """What each header asks the kernel to cut into; 0: nothing."""
        self._controls: dict[int, tuple[Any, int]] = {0: (ffi.NULL, 0)}
        for at, head in enumerate(self._heads):
            head.msg_iov, head.msg_iovlen = self._parts + at, 1

    def open(self, sock: socket.socket) -> None:
        """From now on runs go out through this socket, the sender's."""
        self._socket, self._calls = sock, kernel_calls.CALLS
        length = address_bytes(sock.family)
        for head in self._heads:
            head.msg_namelen = length

    def close(self) -> None:
        """Sends what is there; what comes later is dropped and counted."""
        self.flush()
        self._socket = None

    def take(self, runs: Sequence[Run], sequence: int, protect: Protect, destination: Any) -> None:
        """Protects each run where the kernel will read it, numbered from ``sequence`` on.

        ``destination`` is a Destination. Raises what ``protect`` raises; that run is not sent.
        """
        for run in runs:
            count, size, at = run.count, run.size, self._used
            if at + size > MEMORY or len(self._added) + count > MESSAGES:
                self.flush()
                at = 0
            protect(run, sequence, self, at)
            sequence += count
            self._used = at + size
            if count == 1:
                self._add(at, size, 0, 1, destination)
            elif self._sender.segmented:
                self._add(at, size, run.segment, count, destination)
            else:
                for offset, _ in run.packets:
                    self._add(at + offset, min(run.segment, size - offset), 0, 1, destination)

    def flush(self) -> None:
        """Sends what was taken, in order. Never raises, never waits."""
        added = self._added
        if not added:
            return
        self._added, self._used = [], 0
        sock, calls, sender = self._socket, self._calls, self._sender
        if sock is None or calls is None:
            for at, size, segment, _, destination in added:
                sender.send_image(self.view[at : at + size], segment or size, destination.address)
            return
        fd, first, total = sock.fileno(), 0, len(added)
        while first < total:
            sender.calls += 1
            taken = calls.sendmmsg(fd, self._headers + first, total - first, 0)
            if taken > 0:
                sender.sent += sum([one[3] for one in added[first : first + taken]])
                first += taken
            else:
                # The first of them was refused; that says nothing of the others.
                self._refused(added[first], ffi.errno)
                first += 1

    def _add(self, at: int, size: int, segment: int, count: int, destination: Destination) -> None:
        added = self._added
        number = len(added)
        added.append((at, size, segment, count, destination))
        head, part = self._heads[number], self._slices[number]
        head.msg_name = destination.name
        part.iov_base = self.memory + at
        part.iov_len = size
        if self._segments[number] != segment:
            self._segments[number] = segment
            control = self._controls.get(segment)
            if control is None:
                control = self._controls[segment] = segment_control(segment)
            head.msg_control, head.msg_controllen = control

    def _refused(self, added: tuple[int, int, int, int, Destination], error: int) -> None:
        at, size, segment, count, destination = added
        if segment and error in _REFUSES_RUNS:
            self._sender.send_image(self.view[at : at + size], segment, destination.address)
        else:
            self._sender.unsent += count
