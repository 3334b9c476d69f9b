from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc.datagram_batches import RUN_BYTES, SEGMENTS, Address, BatchSender, runs


def test_equal_sizes_make_a_run_and_a_shorter_one_ends_it() -> None:
    sizes = [1_200, 1_200, 400, 1_200, 300, 300, 500]
    cut = [[len(one) for one in run] for run in runs([bytes(size) for size in sizes])]
    assert cut == [[1_200, 1_200, 400], [1_200, 300], [300], [500]]


@given(st.lists(st.integers(1, 1_500), max_size=200), st.booleans())
def test_runs_are_lawful_and_lose_nothing(sizes: list[int], same: bool) -> None:
    datagrams = [bytes(sizes[0] if same else size) for size in sizes]
    cut = list(runs(datagrams))
    assert [one for run in cut for one in run] == datagrams
    for run in cut:
        assert len(run) <= SEGMENTS
        assert sum(map(len, run)) <= max(RUN_BYTES, len(run[0]))
        assert all(len(one) == len(run[0]) for one in run[:-1])
        assert 0 < len(run[-1]) <= len(run[0])


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        sender.setblocking(False)
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        yield sender, receiver


def test_a_frame_goes_out_in_one_call(pair: tuple[socket.socket, socket.socket]) -> None:
    sending, receiver = pair
    sender = opened(sending)
    datagrams = [bytes((index,)) * (1_200 if index < 9 else 77) for index in range(10)]
    sender.send(datagrams, receiver.getsockname())
    assert [receiver.recv(2_000) for _ in datagrams] == datagrams
    assert sender.sent == 10
    assert sender.calls == (1 if sender.segmented else 10)


@pytest.mark.parametrize("segmented", [True, False])
@pytest.mark.parametrize("last", [1_200, 77])
def test_an_image_is_cut_apart_again(
    pair: tuple[socket.socket, socket.socket], segmented: bool, last: int
) -> None:
    sending, receiver = pair
    sender = opened(sending)
    sender.segmented = sender.segmented and segmented
    datagrams = [bytes((index,)) * (1_200 if index < 9 else last) for index in range(10)]
    sender.send_image(memoryview(b"".join(datagrams)), 1_200, receiver.getsockname())
    assert [receiver.recv(2_000) for _ in datagrams] == datagrams
    assert sender.sent == 10
    assert sender.calls == (1 if sender.segmented else 10)
    sender.close()
    sender.send_image(memoryview(bytes(2_401)), 1_200, receiver.getsockname())
    assert sender.unsent == 3


def opened(sock: object) -> BatchSender:
    sender = BatchSender()
    sender.open(sock)  # type: ignore[arg-type]
    return sender


class Refusing:
    """A socket that takes nothing, or no runs; stands in for kernels that cannot be had here."""

    def __init__(self, sendmsg: int, sendto: int = 0) -> None:
        self._sendmsg, self._sendto = sendmsg, sendto
        self.out: list[bytes] = []

    def getsockopt(self, *_: object) -> int:
        return 0

    def sendmsg(self, *_: object) -> None:
        raise OSError(self._sendmsg, "refused")

    def sendto(self, datagram: bytes, _: Address) -> None:
        if self._sendto:
            raise OSError(self._sendto, "refused")
        self.out.append(datagram)


@pytest.mark.parametrize(
    ("error", "again"), [(errno.EIO, False), (errno.EINVAL, True), (errno.EMSGSIZE, True)]
)
def test_where_runs_are_refused_each_goes_by_itself(error: int, again: bool) -> None:
    sock = Refusing(error)
    sender = opened(sock)
    datagrams = [b"a" * 100] * 5
    sender.send(datagrams, ("192.0.2.1", 9))
    assert sock.out == datagrams
    assert sender.segmented is again
    assert (sender.sent, sender.unsent) == (5, 0)


@pytest.mark.parametrize("error", [errno.EAGAIN, errno.ENOBUFS, errno.ENETUNREACH, errno.EPERM])
def test_what_the_kernel_does_not_take_is_dropped_and_counted(error: int) -> None:
    sender = opened(Refusing(error, error))
    sender.send([b"a" * 100] * 5, ("192.0.2.1", 9))
    sender.send([b"a"], ("192.0.2.1", 9))
    assert (sender.sent, sender.unsent) == (0, 6)


def test_a_kernel_without_the_option_is_known_from_the_start() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        assert not opened(other).segmented


def test_without_a_socket_everything_is_unsent(pair: tuple[socket.socket, socket.socket]) -> None:
    sender = opened(pair[0])
    sender.close()
    sender.send([b"a"] * 3, ("192.0.2.1", 9))
    assert (sender.sent, sender.unsent) == (0, 3)
