"""The connection without I/O: a whole conversation, the limits, the order of things."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.rtmp import commands
from streamd.rtmp.chunks import ChunkReader, ChunkWriter, Message
from streamd.rtmp.commands import Command, MessageType, command, parse_command
from streamd.rtmp.errors import (
    AggregateLies,
    AmfError,
    BadHandshake,
    OutOfOrder,
    ProtocolError,
    RtmpError,
    TooMuchBeforePublish,
)
from streamd.rtmp.protocol import (
    BEFORE_PUBLISH_BYTES,
    BEFORE_PUBLISH_MESSAGES,
    MESSAGES_AT_ONCE,
    Breath,
    Broken,
    Connection,
    Event,
    Media,
    Metadata,
    PublishRequested,
    Unpublished,
)
from streamd.rtmp.states import SessionState
from tests.rtmp.encoder import audio, connect, greeting, metadata, publish, video
from tests.rtmp.test_flv import tag_in_aggregate

LIMIT = 1_048_576


class Talk:
    """A connection, and the encoder's chunk writer before it."""

    def __init__(self) -> None:
        self.connection = Connection(bytes(1528), LIMIT)
        self.chunks = ChunkWriter()
        self.back = ChunkReader(LIMIT)
        self.connection.receive(greeting())
        assert len(self.connection.data_to_send()) == 3073

    def send(self, *messages: Message) -> list[Event]:
        for message in messages:
            self.connection.receive(self.chunks.write(3, message))
        return self.events()

    def events(self) -> list[Event]:
        found = []
        while (event := self.connection.next_event()) is not None:
            found.append(event)
        return found

    def replies(self) -> list[Message]:
        self.back.receive(self.connection.data_to_send())
        found = []
        while (message := self.back.next()) is not None:
            found.append(message)
            if message.type == MessageType.SET_CHUNK_SIZE:
                self.back.set_chunk_size(commands.number(message))
        return found

    def commands(self) -> list[Command]:
        return [parse_command(one) for one in self.replies() if one.type == MessageType.COMMAND]


def on_air() -> Talk:
    talk = Talk()
    talk.send(connect(), publish("alef?key=k"))
    talk.connection.accept("alef")
    talk.replies()
    return talk


def test_a_whole_conversation() -> None:
    talk = Talk()
    assert talk.send(connect()) == []
    kinds = [message.type for message in talk.replies()]
    assert kinds == [5, 6, 1, 20]
    talk.send(
        command("releaseStream", 2, None, "alef"),
        command("FCPublish", 3, None, "alef"),
        command("createStream", 4, None),
        command("_checkbw", 9, None),
    )
    answers = talk.commands()
    assert [(one.name, one.transaction) for one in answers] == [
        ("_result", 2.0),
        ("_result", 3.0),
        ("onFCPublish", 0.0),
        ("_result", 4.0),
        ("_error", 9.0),
    ]
    assert answers[3].arguments == (None, 1.0)
    asked = talk.send(publish("alef?key=k"))
    assert asked == [PublishRequested("live", "rtmp://localhost/live", "alef?key=k")]
    assert talk.connection.state.value == "asking"
    talk.connection.accept("alef")
    assert [(one.name, one.properties(1).get("code")) for one in talk.commands()] == [
        ("onStatus", "NetStream.Publish.Start")
    ]
    assert talk.send(metadata(videocodecid=7.0), video(40, b"pic"), audio(41, b"snd")) == [
        Metadata({"videocodecid": 7.0}),
        Media("v", 40, b"pic"),
        Media("a", 41, b"snd"),
    ]
    assert talk.send(command("FCUnpublish", 6, None, "alef")) == [Unpublished()]
    assert [one.name for one in talk.commands()] == ["_result", "onStatus"]
    assert talk.send(command("deleteStream", 0, None, 1)) == []
    assert talk.connection.state is SessionState.CONNECTED
    assert talk.send(publish("alef?key=k")) != [], "the same connection may publish again"


def test_nothing_is_read_before_the_answer() -> None:
    talk = Talk()
    events = talk.send(connect(), publish("alef"), metadata(a=1.0), video(0, b"early"))
    assert [type(event) for event in events] == [PublishRequested]
    talk.connection.accept("alef")
    assert talk.events() == [Metadata({"a": 1.0}), Media("v", 0, b"early")]


def test_a_refusal_is_told_and_ends_it() -> None:
    talk = Talk()
    talk.send(connect(), publish("alef"), video(0, b"never"))
    talk.connection.fail("NetStream.Publish.Denied", "No.")
    answer = talk.commands()[-1]
    assert answer.properties(1)["description"] == "No."
    assert talk.events() == []
    talk.connection.fail("NetStream.Publish.Denied", "Twice.")
    assert talk.connection.data_to_send() == b""


@pytest.mark.parametrize("app", ["", "livestream", "vod", "other/live"])
def test_another_application_is_refused_with_the_right_address(app: str) -> None:
    talk = Talk()
    talk.send(connect(app))
    answer = talk.commands()[0]
    assert answer.name == "_error"
    assert "rtmp://HOST/live" in str(answer.properties(1)["description"])
    assert talk.connection.state is SessionState.ENDED
    assert talk.connection.reason


@pytest.mark.parametrize("app", ["live", "live/", "/live", "live/alef", "live?key=k"])
def test_forms_of_the_application(app: str) -> None:
    talk = Talk()
    talk.send(connect(app))
    assert talk.commands()[0].name == "_result"


def test_playing_is_refused_politely() -> None:
    talk = Talk()
    talk.send(connect(), command("createStream", 2, None), command("play", 3, None, "alef"))
    answer = talk.commands()[-1]
    assert answer.properties(1)["code"] == "NetStream.Play.Failed"
    assert "Watch" in str(answer.properties(1)["description"])
    assert talk.connection.state is SessionState.CONNECTED


def test_commands_out_of_order() -> None:
    for first in (publish("alef"), command("createStream", 2, None)):
        with pytest.raises(OutOfOrder):
            Talk().send(first)
    with pytest.raises(OutOfOrder):
        Talk().send(connect(), connect())
    with pytest.raises(OutOfOrder):
        on_air().send(publish("alef"))


def test_media_before_publishing_is_passed_over() -> None:
    talk = Talk()
    assert talk.send(connect(), video(0, b"early"), metadata(a=1.0)) == []


def test_what_connecting_may_send_is_bounded() -> None:
    talk = Talk()
    talk.send(connect())
    for _ in range(3):
        talk.send(video(0, bytes(BEFORE_PUBLISH_BYTES // 2)))
    with pytest.raises(TooMuchBeforePublish):
        talk.send(video(0, bytes(BEFORE_PUBLISH_BYTES // 2)))
    with pytest.raises(ProtocolError):
        Talk().send(video(0, bytes(BEFORE_PUBLISH_BYTES + 1)))


def empty_messages(count: int) -> bytes:
    """Sound without a byte in it; every message but the first is a single byte."""
    return b"\x04\0\0\0\0\0\0\x08\1\0\0\0" + b"\xc4" * (count - 1)


def test_messages_of_a_byte_are_counted_before_publishing() -> None:
    talk = Talk()
    talk.connection.receive(empty_messages(BEFORE_PUBLISH_MESSAGES))
    assert {type(event) for event in talk.events()} == {Breath}
    talk.connection.receive(b"\xc4")
    with pytest.raises(TooMuchBeforePublish):
        talk.events()


def test_a_broadcast_that_ended_begins_the_count_anew() -> None:
    talk = on_air()
    talk.connection.receive(empty_messages(2 * BEFORE_PUBLISH_MESSAGES))
    talk.events()
    assert talk.send(command("FCUnpublish", 6, None, "alef")) == [Unpublished()]
    talk.connection.receive(b"\xc4" * (BEFORE_PUBLISH_MESSAGES - 2))
    talk.events()
    talk.connection.receive(b"\xc4" * 9)
    with pytest.raises(TooMuchBeforePublish):
        talk.events()


def test_an_aggregate_within_an_aggregate_is_passed_over() -> None:
    talk = on_air()
    inner = tag_in_aggregate(MessageType.AGGREGATE, 0, tag_in_aggregate(9, 0, b"never"))
    body = inner + tag_in_aggregate(9, 7, b"pic")
    assert talk.send(Message(MessageType.AGGREGATE, 7, 1, body)) == [Media("v", 14, b"pic")]


@pytest.mark.parametrize("nested", [False, True])
def test_control_is_handed_back_between_many_messages(
    monkeypatch: pytest.MonkeyPatch, nested: bool
) -> None:
    talk = on_air()
    taken = 0
    inner = MessageType.AGGREGATE if nested else MessageType.USER_CONTROL
    body = tag_in_aggregate(inner, 0, b"") * 1_000
    media_event = Connection._media_event

    def counted(self: Connection, message: Message) -> Event | None:
        nonlocal taken
        taken += 1
        return media_event(self, message)

    monkeypatch.setattr(Connection, "_media_event", counted)
    talk.connection.receive(empty_messages(1_000).replace(b"\x08", b"\x09"))
    talk.connection.receive(talk.chunks.write(3, Message(MessageType.AGGREGATE, 0, 1, body)))
    seen = 0
    while (event := talk.connection.next_event()) is not None:
        assert taken - seen <= MESSAGES_AT_ONCE, "others never had their turn"
        if isinstance(event, Breath):
            seen = taken
    assert taken == 2_000


def test_other_protocols() -> None:
    connection = Connection(bytes(1528), LIMIT)
    with pytest.raises(BadHandshake):
        connection.receive(b"POST /open/1 HTTP/1.1\r\n")


def test_acknowledgements_go_both_ways() -> None:
    talk = on_air()
    talk.send(commands.control(MessageType.WINDOW, 1_000))
    talk.send(video(0, bytes(900)))
    told = [one for one in talk.replies() if one.type == MessageType.ACKNOWLEDGEMENT]
    assert len(told) == 1
    assert int.from_bytes(told[0].payload, "big") > 900
    talk.send(commands.control(MessageType.ACKNOWLEDGEMENT, 4_711))
    assert talk.connection.acknowledged == 4_711


def test_chunk_size_and_abort_are_obeyed() -> None:
    talk = on_air()
    talk.send(commands.control(MessageType.SET_CHUNK_SIZE, 4_096))
    talk.chunks.chunk_size = 4_096
    assert talk.send(video(0, bytes(5_000))) == [Media("v", 0, bytes(5_000))]
    wire = talk.chunks.write(3, video(40, bytes(5_000)))
    talk.connection.receive(wire[:2_000])
    assert talk.events() == []
    talk.connection.receive(wire[2_000 : len(wire) - (1 + 5_000 - 4_096)])
    assert talk.events() == []
    assert talk.connection.held == 4_096
    talk.connection.receive(ChunkWriter().write(2, commands.control(MessageType.ABORT, 3)))
    assert talk.events() == []
    assert talk.connection.held == 0


def test_an_aggregate_is_its_messages_one_by_one() -> None:
    talk = on_air()
    good = tag_in_aggregate(9, 0, b"v") + tag_in_aggregate(8, 20, b"a")
    assert talk.send(Message(22, 100, 1, good)) == [Media("v", 100, b"v"), Media("a", 120, b"a")]
    events = talk.send(Message(22, 100, 1, good + b"\x09\xff"), video(140, b"next"))
    assert events[:2] == [Media("v", 100, b"v"), Media("a", 120, b"a")]
    assert isinstance(events[2], Broken)
    assert isinstance(events[2].error, AggregateLies)
    assert events[3] == Media("v", 140, b"next")


def test_metadata_that_cannot_be_read_is_told_and_passed_over() -> None:
    talk = on_air()
    events = talk.send(Message(18, 0, 1, b"\x02\xff\xff"), video(0, b"next"))
    assert isinstance(events[0], Broken)
    assert isinstance(events[0].error, AmfError)
    assert events[1] == Media("v", 0, b"next")
    with pytest.raises(AmfError):
        talk.send(Message(20, 0, 1, b"\x02\xff\xff"))


def test_unknown_messages_are_passed_over() -> None:
    talk = on_air()
    assert talk.send(Message(16, 0, 1, b"so"), Message(99, 0, 1, b"?"), video(0, b"v")) == [
        Media("v", 0, b"v")
    ]


CONVERSATION = greeting() + b"".join(
    ChunkWriter().write(3, message)
    for message in (
        connect(fourCcList=["*"], capsEx=12.0),
        command("createStream", 2, None),
        publish("alef?key=k"),
    )
)


@given(st.integers(0, 1 << 32), st.integers(0, 6))
def test_mutated_conversations_end_in_errors_of_ours_and_hold_little(
    seed: int, mutations: int
) -> None:
    """Real openings and media with bytes changed, taken out and put in, in any pieces."""
    chance = random.Random(seed)
    writer = ChunkWriter()
    wire = bytearray(CONVERSATION)
    wire += writer.write(4, metadata(videocodecid=7.0, audiocodecid=10.0))
    wire += writer.write(4, commands.control(MessageType.SET_CHUNK_SIZE, 4_096))
    writer.chunk_size = 4_096
    for stamp in range(0, 200, 40):
        wire += writer.write(6, video(stamp, bytes(600)))
        wire += writer.write(4, audio(stamp, bytes(90)))
    wire += writer.write(6, Message(22, 0, 1, tag_in_aggregate(9, 0, bytes(50))))
    for _ in range(mutations):
        _mutate(wire, chance)
    connection = Connection(bytes(1528), 65_536)
    at = 0
    try:
        while at < len(wire):
            size = chance.randint(1, 2_000)
            connection.receive(bytes(wire[at : at + size]))
            at += size
            while (event := connection.next_event()) is not None:
                if isinstance(event, PublishRequested):
                    connection.accept("alef")
            assert connection.held <= 2 * 65_536 + 18 + size
            connection.data_to_send()
    except RtmpError as error:
        connection.fail("NetStream.Publish.Rejected", str(error))


def _mutate(wire: bytearray, chance: random.Random) -> None:
    # The handshake's filling takes any bytes; what follows is worth changing.
    at = chance.randrange(3_070, len(wire))
    match chance.randrange(4):
        case 0:
            wire[at] = chance.randrange(256)
        case 1:
            del wire[at : at + chance.randint(1, 40)]
        case 2:
            wire[at:at] = chance.randbytes(chance.randint(1, 40))
        case 3:
            wire[at : at + 4] = b"\xff\xff\xff\xff"


@given(st.binary(max_size=2_000))
def test_random_bytes_after_a_greeting(noise: bytes) -> None:
    connection = Connection(bytes(1528), 65_536)
    connection.receive(greeting())
    with contextlib.suppress(RtmpError):
        connection.receive(noise)
        while connection.next_event() is not None:
            pass
    assert connection.held <= len(noise)
