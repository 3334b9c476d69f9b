"""Publishes three seconds by libavformat's own WHIP muxer: ``ffmpeg_publisher.py URL CERT KEY``.

A process of its own, since PyAV holds the interpreter's lock while the muxer negotiates. The
certificate is given because the muxer, built with GnuTLS, would make one on secp224r1, a curve
that no other WebRTC stack takes (RFC 8827 §6.5 asks for P-256).
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

PICTURES = 90


def publish(url: str, certificate: str, key: str) -> None:
    options = {"cert_file": certificate, "key_file": key}
    with av.open(url, "w", format="whip", options=options) as out:
        video, audio = out.add_stream("libx264", rate=30), out.add_stream("libopus", rate=48_000)
        assert isinstance(video, VideoStream)
        assert isinstance(audio, AudioStream)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.codec_context.gop_size = 15
        video.codec_context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
        }
        audio.codec_context.layout = "stereo"
        started, sounds = time.monotonic(), 0
        for index in range(PICTURES):
            image = np.full((240, 320, 3), index * 2, dtype=np.uint8)
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 30)
            out.mux(video.encode(picture))
            while sounds / 50 <= index / 30:
                silence = np.zeros((1, 1_920), dtype=np.int16)
                sound = av.AudioFrame.from_ndarray(silence, layout="stereo")
                sound.sample_rate, sound.pts = 48_000, sounds * 960
                out.mux(audio.encode(sound))
                sounds += 1
            time.sleep(max(0.0, started + index / 30 - time.monotonic()))


if __name__ == "__main__":
    publish(*sys.argv[1:4])
