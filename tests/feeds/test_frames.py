from __future__ import annotations

import pytest
from websockets.frames import Frame
from websockets.streams import StreamReader

from streamd.feeds.frames import Opcode, frame


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("opcode", list(Opcode))
def test_websockets_own_parser_reads_every_length(length: int, opcode: Opcode) -> None:
    """RFC 6455 §5.2: the three length forms, at their edges."""
    payload = bytes(length)
    reader = StreamReader()
    reader.feed_data(frame(opcode, payload))
    reader.feed_eof()
    parsing = Frame.parse(reader.read_exact, mask=False, max_size=None)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    parsed = done.value.value
    assert (parsed.opcode, parsed.data, parsed.fin) == (int(opcode), payload, True)
    assert not reader.buffer
