"""Audio tags into frames."""

from __future__ import annotations

import pytest

from streamd.errors import MalformedMedia
from streamd.rtmp.flv import Packet, Tag, audio_tag
from streamd.rtmp.sounds import Sounds
from tests.rtmp.media import encoded_audio, sound

AUDIO = encoded_audio()


def test_the_first_frame_carries_the_track() -> None:
    sounds = Sounds()
    assert sounds.take(audio_tag(AUDIO.header), 0) is None
    first = sounds.take(audio_tag(sound(AUDIO.frames[0])), 0)
    second = sounds.take(audio_tag(sound(AUDIO.frames[1])), 21)
    assert first is not None
    assert second is not None
    assert (first.track, second.track) == (sounds.track, None)
    assert first.samples == 1024


def test_a_cut_off_configuration() -> None:
    with pytest.raises(MalformedMedia):
        Sounds().take(audio_tag(b"\xaf\x00\x11"), 0)


def test_a_codec_that_is_not_relayed_is_named_until_another_comes() -> None:
    sounds = Sounds()
    assert sounds.take(Tag("MP3", Packet.FRAME), 0) is None
    assert sounds.unsupported == "MP3"
    sounds.take(audio_tag(AUDIO.header), 0)
    assert sounds.unsupported is None
    assert sounds.take(audio_tag(sound(b"")), 0) is None
