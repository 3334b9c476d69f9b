"""The way out of one connection, over a real socket pair and a transport that says what it got."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator

import pytest

from streamd.feeds.link import Limits, Link, deliver
from streamd.feeds.outbox import ReplyOverflow
from streamd.feeds.protocol import JSON
from tests.feeds.test_outbox import Fake

LIMITS = Limits(transport_bytes=1_000, reply_bytes=500, part_bytes=10_000)


class Recorder(asyncio.Transport):
    """A transport with no room at all while ``full``: it keeps what it is given, and pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.link: Link
        self.written: list[bytes] = []
        self.full = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keeps ``data``; as the real one does, it says so while it holds a byte."""
        self.written.append(bytes(data))
        if self.full:
            self.link.paused()

    def empty(self) -> None:
        """The peer has read everything."""
        self.full = False
        self.link.resumed()


class Pair:
    """A link onto one end of a socket pair; ``peer`` is the other end."""

    def __init__(self, *, direct: bool = True) -> None:
        self.ours, self.peer = socket.socketpair()
        self.ours.setblocking(False)
        self.peer.setblocking(False)
        self.transport = Recorder()
        self.link = Link(self.transport, JSON, LIMITS, self.ours.fileno() if direct else -1)
        self.transport.link = self.link

    def read(self) -> bytes:
        """All that has reached the peer."""
        got = b""
        while True:
            try:
                chunk = self.peer.recv(1 << 20)
            except BlockingIOError:
                return got
            if not chunk:
                return got
            got += chunk

    def stuff(self) -> int:
        """Fills the kernel's buffers; returns how many bytes went in."""
        sent = 0
        while True:
            try:
                sent += os.write(self.ours.fileno(), b"." * 65_536)
            except BlockingIOError:
                return sent

    def close(self) -> None:
        """Closes both ends."""
        self.ours.close()
        self.peer.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A plain link."""
    made = Pair()
    yield made
    made.close()


def fan(links: list[Link], frame: bytes, channel: str = "poll:1") -> int:
    """A publication, as the hub sends it."""
    return deliver(links, frame, lambda link: void(link.publish(channel, frame)))


def void(_: object) -> None:
    """Drops a value."""


def test_an_idle_link_is_written_past_the_transport(pair: Pair) -> None:
    assert fan([pair.link], b"frame") == 0
    pair.link.reply(b"reply")
    assert pair.read() == b"framereply"
    assert pair.transport.written == []


def test_what_the_kernel_leaves_goes_to_the_transport_and_the_rest_waits(pair: Pair) -> None:
    filled = pair.stuff()
    pair.transport.full = True
    frame = bytes(range(256)) * 10
    assert fan([pair.link], frame) == 0
    assert pair.transport.written == [frame[:1_000]]
    assert not pair.link.idle
    assert fan([pair.link], b"old") == 1
    assert fan([pair.link], b"new") == 1
    pair.link.reply(b"reply")
    assert len(pair.read()) == filled
    pair.transport.empty()
    assert b"".join(pair.transport.written) == frame
    assert pair.read() == b"replynew"
    assert pair.link.idle
    assert pair.link.settled


def test_never_more_than_the_bound_is_handed_to_the_transport_at_once(pair: Pair) -> None:
    pair.stuff()
    pair.transport.full = True
    pair.link.reply(b"a" * 3_500, bounded=False)
    sizes = [len(piece) for piece in pair.transport.written]
    for _ in range(5):
        pair.transport.link.resumed()
        sizes = [len(piece) for piece in pair.transport.written]
    assert sizes == [1_000, 1_000, 1_000, 500]


def test_a_full_neighbour_costs_the_others_nothing() -> None:
    pairs = [Pair() for _ in range(3)]
    pairs[1].stuff()
    pairs[1].transport.full = True
    fan([pair.link for pair in pairs], b"one")
    fan([pair.link for pair in pairs], b"two")
    assert pairs[0].read() == pairs[2].read() == b"onetwo"
    for pair in pairs:
        pair.close()


def test_a_gone_peer_is_sealed_and_the_others_go_on() -> None:
    pairs = [Pair(), Pair()]
    pairs[0].peer.close()
    for _ in range(3):
        fan([pair.link for pair in pairs], b"x")
    assert pairs[1].read() == b"xxx"
    assert pairs[0].link.fd == -1
    assert pairs[0].link.settled
    for pair in pairs:
        pair.close()


def test_after_the_seal_a_begun_frame_is_whole_and_nothing_follows(pair: Pair) -> None:
    pair.stuff()
    pair.transport.full = True
    pair.link.reply(b"a" * 2_500, b"b" * 10, b"c", bounded=False)
    pair.link.reply(b"never")
    pair.link.publish("poll:1", b"never")
    pair.link.seal()
    whole = b"a" * 2_500 + b"b" * 10 + b"c"
    assert b"".join(pair.transport.written) == whole
    pair.transport.empty()
    fan([pair.link], b"never")
    assert b"".join(pair.transport.written) == whole


def test_a_descriptor_is_not_used_after_the_seal(pair: Pair) -> None:
    """The number may already belong to somebody else's connection."""
    number = pair.link.fd
    pair.link.seal()
    pair.ours.close()
    theirs, reader = socket.socketpair()
    if theirs.fileno() != number:
        os.dup2(theirs.fileno(), number)
        theirs.close()
        theirs = socket.socket(fileno=number)
    fan([pair.link], b"secret")
    pair.link.reply(b"secret")
    pair.link.resumed()
    reader.setblocking(False)
    with pytest.raises(BlockingIOError):
        reader.recv(10)
    theirs.close()
    reader.close()


def test_without_a_descriptor_everything_passes_the_transport() -> None:
    """TLS."""
    pair = Pair(direct=False)
    assert fan([pair.link], b"one") == 1
    pair.link.reply(b"two")
    pair.link.part("media:a", Fake(3, key=True))
    pair.transport.full = True
    fan([pair.link], b"four")
    fan([pair.link], b"old")
    fan([pair.link], b"new")
    assert pair.transport.written == [b"one", b"two", b"3", b"four"]
    pair.transport.empty()
    assert pair.transport.written[4:] == [b"new"]
    pair.close()


def test_parts_are_skipped_for_a_full_link_and_resume_with_a_keyframe(pair: Pair) -> None:
    pair.stuff()
    pair.transport.full = True
    pair.link.publish("poll:1", b"begun")
    dropped = sum(pair.link.part("media:a", Fake(n, key=n % 20 == 0)) for n in range(41))
    assert dropped == 40
    pair.read()
    pair.transport.empty()
    assert pair.read() == b"40 after 40"


def test_a_joiner_waiting_for_a_keyframe_still_gets_publications(pair: Pair) -> None:
    pair.link.await_key("media:a")
    pair.link.part("media:a", Fake(1))
    assert fan([pair.link], b"tally") == 1
    pair.link.part("media:a", Fake(2, key=True))
    assert pair.read() == b"tally2"
    assert pair.link.idle


def test_unread_replies_overflow(pair: Pair) -> None:
    pair.stuff()
    pair.transport.full = True
    for _ in range(26):
        pair.link.reply(b"x" * 20)
    with pytest.raises(ReplyOverflow):
        pair.link.reply(b"x" * 20)
