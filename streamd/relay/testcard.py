"""A broadcaster without a camera: a test card with a readable clock, a flash and a tone.

The only place here that encodes: it plays the part of OBS or a browser. The relay behind it never
does. Each picture shows the moment it was captured; flash and tone start with each whole second.
"""

from __future__ import annotations

import asyncio
import math
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any, Literal

import av

from streamd.media import aac, h264, opus
from streamd.media.testcard_picture import Picture
from streamd.media.units import MEDIA_TIMESCALE, Track, Unit
from streamd.relay.stream import Stream

SAMPLE_RATE = 48_000
TONE_HERTZ = 1_000
TONE_SECONDS = 0.1
_AMPLITUDE = 0.25
_FRAME_SAMPLES = {"aac": 1024, "opus": 960}


class CardEncoder:
    """Pictures and sound of the card, encoded. ``origin`` is the Unix time of picture 0.

    ``origin`` times ``fps`` must be whole, so that a picture is captured at each whole second.
    Blocking: run it in one thread.
    """

    def __init__(
        self, origin: Fraction, *, audio: Literal["aac", "opus"], fps: int, width: int, height: int
    ) -> None:
        if SAMPLE_RATE % fps or (origin * fps).denominator != 1:
            raise ValueError(f"{fps} pictures a second do not fall on samples and whole seconds")
        self._origin, self._fps = origin, fps
        self._frame_samples = _FRAME_SAMPLES[audio]
        self._video = _video_encoder(fps, width, height)
        self._audio = _audio_encoder(audio)
        blank = av.VideoFrame(width, height, "yuv420p")
        self._picture = Picture(width, height, [plane.line_size for plane in blank.planes])
        self._size = width, height
        self._second = _second_of_sound()
        self._packed = audio == "opus"
        self._samples = 0
        self.force_key = False
        head = bytes(self._audio.extradata or b"")
        self.tracks: list[Track] = [
            h264.video_track(*h264.parameter_sets(h264.split_annexb(bytes(self._video.extradata)))),
            opus.opus_track(2, opus.dops_from_head(head))
            if audio == "opus"
            else aac.audio_track(head),
        ]

    def encode(self, number: int) -> list[Unit]:
        """The sound up to picture ``number``, then that picture."""
        return self._sound_until(number * SAMPLE_RATE // self._fps) + self._shot(number)

    def _shot(self, number: int) -> list[Unit]:
        frame = av.VideoFrame(*self._size, "yuv420p")
        captured = self._origin + Fraction(number, self._fps)
        frame.planes[0].update(self._picture.luma(math.floor(captured * 1000)))
        for plane, chroma in zip(frame.planes[1:], self._picture.chroma, strict=True):
            plane.update(chroma)
        frame.pts = number
        frame.time_base = Fraction(1, self._fps)
        if self.force_key:
            self.force_key = False
            frame.pict_type = av.video.frame.PictureType.I
        ticks = MEDIA_TIMESCALE // self._fps
        return [
            Unit(
                kind="v",
                dts=(packet.dts or 0) * ticks,
                pts=(packet.pts or 0) * ticks,
                key=packet.is_keyframe,
                payload=h264.to_avcc(h264.split_annexb(bytes(packet))),
            )
            for packet in self._video.encode(frame)
        ]

    def _sound_until(self, sample: int) -> list[Unit]:
        units = []
        while self._samples + self._frame_samples <= sample:
            frame = av.AudioFrame(
                "flt" if self._packed else "fltp", "stereo", self._frame_samples, align=1
            )
            left = self._wave(self._samples, self._frame_samples)
            for plane in frame.planes:
                plane.update(_interleaved(left) if self._packed else left)
            frame.sample_rate = SAMPLE_RATE
            frame.time_base = Fraction(1, SAMPLE_RATE)
            frame.pts = self._samples
            self._samples += self._frame_samples
            for packet in self._audio.encode(frame):
                # libavcodec has taken the encoder's delay off the timestamps already; what it
                # stamps before 0 is that delay's silence.
                if packet.pts is not None and packet.pts >= 0:
                    payload = bytes(packet)
                    units.append(
                        Unit("a", packet.pts, packet.pts, True, payload, self._frame_samples)
                    )
        return units

    def _wave(self, start: int, count: int) -> bytes:
        """``count`` mono float samples from sample ``start`` after the origin."""
        at = (start + int(self._origin % 1 * SAMPLE_RATE)) % SAMPLE_RATE * 4
        cut = self._second[at : at + count * 4]
        return cut + self._second[: count * 4 - len(cut)]


async def play(
    stream: Stream,
    *,
    audio: Literal["aac", "opus"] = "aac",
    fps: int = 25,
    width: int = 640,
    height: int = 360,
) -> None:
    """Publishes the card in real time until cancelled or until the relay ends the publication.

    A picture that could not be made in time is left out, never sent late. Raises AlreadyPublishing.
    """
    loop = asyncio.get_running_loop()
    wall = time.time()
    origin = Fraction(math.ceil((wall + 0.2) * fps), fps)
    started = loop.time() + float(origin - Fraction(wall))
    executor = ThreadPoolExecutor(1, "testcard")
    try:
        card = await loop.run_in_executor(
            executor,
            lambda: CardEncoder(origin, audio=audio, fps=fps, width=width, height=height),
        )

        def request_keyframe() -> None:
            card.force_key = True

        publisher = stream.publish("testcard", request_keyframe)
        try:
            publisher.announce(card.tracks, float(origin))
            number = 0
            while True:
                late = loop.time() - started - number / fps
                if late > 1 / fps:
                    number += int(late * fps)
                await asyncio.sleep(started + number / fps - loop.time())
                units = await loop.run_in_executor(executor, card.encode, number)
                if publisher.closed:
                    return
                for unit in units:
                    publisher.write(unit)
                number += 1
        finally:
            publisher.close()
    finally:
        await asyncio.to_thread(executor.shutdown)


def _video_encoder(fps: int, width: int, height: int) -> Any:
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, fps)
    encoder.framerate = Fraction(fps)
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "crf": "24",
        "maxrate": "1200k",
        "bufsize": "600k",
        "forced-idr": "1",
        "x264-params": f"keyint={fps}:min-keyint={fps}:scenecut=0:threads=1:colormatrix=smpte170m",
    }
    encoder.open()
    return encoder


def _audio_encoder(codec: Literal["aac", "opus"]) -> Any:
    encoder: Any = av.CodecContext.create("libopus" if codec == "opus" else "aac", "w")
    encoder.sample_rate = SAMPLE_RATE
    encoder.layout = "stereo"
    encoder.format = "flt" if codec == "opus" else "fltp"
    encoder.time_base = Fraction(1, SAMPLE_RATE)
    encoder.bit_rate = 96_000
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.open()
    return encoder


def _second_of_sound() -> bytes:
    """Mono float samples of one second: the tone, then silence."""
    tone = [
        _AMPLITUDE * math.sin(2 * math.pi * TONE_HERTZ * index / SAMPLE_RATE)
        for index in range(int(TONE_SECONDS * SAMPLE_RATE))
    ]
    return struct.pack(f"<{len(tone)}f", *tone) + bytes(4 * (SAMPLE_RATE - len(tone)))


def _interleaved(mono: bytes) -> bytes:
    samples = memoryview(mono).cast("I")
    both = bytearray(2 * len(mono))
    wide = memoryview(both).cast("I")
    wide[0::2] = samples
    wide[1::2] = samples
    return bytes(both)
