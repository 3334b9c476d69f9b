"""Commands and replies as encoders read them."""

from __future__ import annotations

import pytest

from streamd.rtmp import amf0, commands
from streamd.rtmp.amf0 import EcmaArray
from streamd.rtmp.chunks import Message
from streamd.rtmp.commands import Command, MessageType, parse_command, parse_metadata
from streamd.rtmp.errors import AmfError, BadControl


def test_a_command_in_both_encodings() -> None:
    payload = amf0.encode("publish", 5, None, "alef", "live")
    expected = Command("publish", 5.0, (None, "alef", "live"))
    assert parse_command(Message(20, 0, 1, payload)) == expected
    assert parse_command(Message(17, 0, 1, b"\0" + payload)) == expected
    assert expected.text(1) == "alef"
    assert expected.text(0) == expected.text(9) == ""
    assert expected.properties(1) == {}


@pytest.mark.parametrize("payload", [b"", amf0.encode(1), amf0.encode(None, "x"), b"\x02\0"])
def test_what_is_no_command(payload: bytes) -> None:
    with pytest.raises(AmfError):
        parse_command(Message(20, 0, 1, payload))


def test_a_transaction_that_is_no_number_is_none() -> None:
    for odd in ("5", True, None):
        assert parse_command(Message(20, 0, 1, amf0.encode("x", odd))).transaction == 0.0


def test_metadata_with_and_without_the_frame_command() -> None:
    values = EcmaArray(videocodecid=7.0)
    bare = amf0.encode("onMetaData", values)
    assert parse_metadata(Message(18, 0, 1, bare)) == values
    assert parse_metadata(Message(18, 0, 1, amf0.encode("@setDataFrame") + bare)) == values
    assert parse_metadata(Message(15, 0, 1, b"\0" + bare)) == values
    assert parse_metadata(Message(18, 0, 1, amf0.encode("onTextData", {"a": 1.0}))) is None
    assert parse_metadata(Message(18, 0, 1, b"")) is None


def test_connect_is_answered_with_what_enhanced_rtmp_asks_for() -> None:
    answer = parse_command(commands.connected(1.0))
    assert (answer.name, answer.transaction) == ("_result", 1.0)
    told = answer.properties(1)
    assert (told["level"], told["code"]) == ("status", "NetConnection.Connect.Success")
    for part in (answer.properties(0), told):
        assert part["fourCcList"] == ["avc1", "mp4a", "Opus"]
        assert part["videoFourCcInfoMap"] == {"avc1": 4.0}
        assert part["audioFourCcInfoMap"] == {"mp4a": 4.0, "Opus": 4.0}
        assert part["capsEx"] == 12.0


def test_status_has_a_level_a_code_and_a_sentence() -> None:
    message = commands.on_status("error", "NetStream.Publish.BadName", "Taken.")
    answer = parse_command(message)
    assert (answer.name, message.stream) == ("onStatus", 1)
    assert answer.properties(1) == {
        "level": "error",
        "code": "NetStream.Publish.BadName",
        "description": "Taken.",
    }


def test_control_messages_byte_by_byte() -> None:
    assert commands.control(MessageType.WINDOW, 5_000_000).payload == b"\x00\x4c\x4b\x40"
    assert commands.peer_bandwidth(1).payload == b"\0\0\0\x01\x02"
    assert commands.stream_begin().payload == b"\0\0\0\0\0\x01"
    assert commands.number(Message(1, 0, 0, b"\0\0\x10\0rest")) == 4_096
    with pytest.raises(BadControl):
        commands.number(Message(1, 0, 0, b"\0\0\x10"))
