"""What is gathered for many peers reaches each of them, by one call, and whatever is refused."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from streamd.media.opus import PACKET_BYTES
from streamd.webrtc import kernel_calls
from streamd.webrtc.datagram_batches import BatchSender
from streamd.webrtc.kernel_calls import CALLS, socket_address
from streamd.webrtc.rtp_packets import RUN_BYTES, RUN_PACKETS, Form, Packets, Run
from streamd.webrtc.tray import MEMORY, MESSAGES, Destination, Tray
from streamd.webrtc.viewer_line import Gathering

FORM = Form(102, 7, 16)
linux = pytest.mark.skipif(CALLS is None, reason="sendmmsg is Linux's")


def run_of(*sizes: int) -> Run:
    cut = tuple(bytes((at + 1,)) * size for at, size in enumerate(sizes))
    (run,) = Packets("v", cut, number=0, timestamp=0, arrival=0.0).laid_out(FORM)
    return run


class Peers:
    """Sockets that datagrams are sent to, and the tray."""

    def __init__(self, stack: ExitStack, family: int, host: str) -> None:
        self.sending = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        self.sending.setblocking(False)
        self.sockets = []
        for _ in range(3):
            one = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            one.bind((host, 0))
            one.settimeout(10)
            self.sockets.append(one)
        self.destinations = [Destination(one.getsockname()) for one in self.sockets]
        self.sender = BatchSender()
        self.sender.open(self.sending)
        self.tray = Tray(self.sender)
        self.tray.open(self.sending)

    def put(self, run: Run, number: int) -> list[bytes]:
        """Puts a run, with a mark of its peer in every byte's place; gives its datagrams."""
        mark = bytes((byte ^ (number + 1) * 16) & 0xFF for byte in run.image)

        def protect(run: Run, sequence: int, tray: Gathering, at: int) -> None:
            tray.view[at : at + run.size] = mark

        self.tray.take((run,), 0, protect, self.destinations[number])
        return [mark[start : start + run.segment] for start in range(0, len(mark), run.segment)]


@pytest.fixture(params=["127.0.0.1", "::1"])
def peers(request: pytest.FixtureRequest) -> Iterator[Peers]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with ExitStack() as stack:
        yield Peers(stack, family, request.param)


@pytest.mark.parametrize("segmented", [True, False])
def test_runs_for_several_peers_go_out_together(peers: Peers, segmented: bool) -> None:
    peers.sender.segmented = peers.sender.segmented and segmented
    runs = (run_of(1_000, 1_000, 300), run_of(90), run_of(700, 700), run_of(90), run_of(1_000, 5))
    expected: list[list[bytes]] = [[], [], []]
    for run in runs:
        for number in range(3):
            expected[number] += peers.put(run, number)
    assert peers.sender.sent == 0
    peers.tray.flush()
    for wanted, sock in zip(expected, peers.sockets, strict=True):
        assert [sock.recv(2_000) for _ in wanted] == wanted
    assert (peers.sender.sent, peers.sender.unsent) == (27, 0)
    if CALLS is not None:
        assert peers.sender.calls == 1
    peers.tray.flush()
    assert peers.sender.sent == 27


def test_a_full_tray_empties_itself(peers: Peers) -> None:
    small = run_of(10)
    for _ in range(2 * MESSAGES + 1):
        peers.put(small, 0)
    assert peers.sender.sent == 2 * MESSAGES
    large = run_of(*[900] * RUN_PACKETS)
    for _ in range(MEMORY // len(large.image) + 1):
        peers.put(large, 1)
    peers.tray.flush()
    total = 2 * MESSAGES + 1 + RUN_PACKETS * (MEMORY // len(large.image) + 1)
    assert peers.sender.sent + peers.sender.unsent == total


def test_without_the_call_each_run_is_a_call(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_calls, "CALLS", None)
    peers.tray.open(peers.sending)
    run = run_of(800, 800, 4)
    expected = [peers.put(run, number) for number in (0, 1, 0)]
    expected += [peers.put(run_of(33), 0)]
    peers.tray.flush()
    for wanted in expected[0] + expected[2] + expected[3]:
        assert peers.sockets[0].recv(2_000) == wanted
    assert [peers.sockets[1].recv(2_000) for _ in expected[1]] == expected[1]
    assert (peers.sender.sent, peers.sender.unsent) == (10, 0)


class Kernel:
    """sendmmsg that takes two messages a call and refuses some; a double for what a test cannot
    make a kernel do.
    """

    def __init__(self, base: Any, refused: dict[int, int]) -> None:
        self._base, self._refused = base, refused
        self.taken: list[int] = []

    def sendmmsg(self, fd: int, messages: Any, count: int, flags: int) -> int:
        first = messages - self._base
        for number in range(first, first + min(count, 2)):
            if number in self._refused:
                if number > first:
                    return int(number - first)
                kernel_calls.ffi.errno = self._refused[number]
                return -1
            self.taken.append(number)
        return min(count, 2)


@linux
@pytest.mark.parametrize(
    ("error", "unsent", "segmented"),
    [
        (errno.EAGAIN, 3, True),
        (errno.EPERM, 3, True),
        (errno.EMSGSIZE, 0, True),
        (errno.EIO, 0, False),
    ],
)
def test_what_is_refused_holds_up_nobody_else(
    peers: Peers, error: int, unsent: int, segmented: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not peers.sender.segmented:
        pytest.skip("this kernel segments nothing")
    kernel = Kernel(peers.tray._headers, {0: error, 3: errno.ENOBUFS})
    peers.tray._calls = kernel
    # Whether a run is refused or its segmentation alone is for the second try to show.
    monkeypatch.setattr(BatchSender, "_send_run", lambda *_: False)
    first = peers.put(run_of(500, 500, 20), 0)
    peers.put(run_of(500, 500), 1)
    for number in (1, 2, 2):
        peers.put(run_of(40), number)
    peers.tray.flush()
    assert kernel.taken == [1, 2, 4]
    assert peers.sender.unsent == unsent + 1
    assert peers.sender.sent == 7 - unsent
    if not unsent:
        assert [peers.sockets[0].recv(2_000) for _ in first] == first
    assert peers.sender.segmented or not segmented


def test_after_the_end_everything_is_unsent(peers: Peers) -> None:
    peers.put(run_of(10), 0)
    peers.tray.close()
    peers.sender.close()
    assert peers.sender.sent == 1
    peers.put(run_of(10, 10), 0)
    peers.tray.flush()
    assert (peers.sender.sent, peers.sender.unsent) == (1, 2)


def test_addresses_as_the_kernel_has_them() -> None:
    plain = bytes(kernel_calls.ffi.buffer(socket_address(("192.0.2.1", 8_189))))
    assert plain[2:8] == bytes((0x1F, 0xFD, 192, 0, 2, 1))
    scoped = bytes(kernel_calls.ffi.buffer(socket_address(("fe80::1%eth0", 80, 0, 3))))
    assert (scoped[2:4], scoped[8:10], scoped[23], scoped[24]) == (b"\0\x50", b"\xfe\x80", 1, 3)


def test_bounds_fit_each_other() -> None:
    assert RUN_PACKETS < MESSAGES
    assert PACKET_BYTES < RUN_BYTES + 1_500 < MEMORY
