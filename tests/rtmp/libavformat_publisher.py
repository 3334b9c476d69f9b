"""Publishes a file by libavformat's RTMP as it is: ``FILE URL TRACKS``.

The video is sent TRACKS times over, as as many tracks. A process of its own, since PyAV holds the
interpreter's lock while libavformat connects.
"""

from __future__ import annotations

import sys
from typing import Any

import av


def publish(source: str, url: str, tracks: int) -> None:
    options = {"rtmp_enhanced_codecs": "avc1"}
    with av.open(source) as reading, av.open(url, "w", format="flv", options=options) as out:
        picture, sound = reading.streams.video[0], reading.streams.audio[0]
        videos: list[Any] = [out.add_stream_from_template(picture) for _ in range(tracks)]
        audio: Any = out.add_stream_from_template(sound)
        for packet in reading.demux(picture, sound):
            if not packet.size:
                continue
            if packet.stream is sound:
                packet.stream = audio
                out.mux(packet)
                continue
            for video in videos:
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.is_keyframe = packet.is_keyframe
                copy.stream = video
                out.mux(copy)


if __name__ == "__main__":
    publish(sys.argv[1], sys.argv[2], int(sys.argv[3]))
