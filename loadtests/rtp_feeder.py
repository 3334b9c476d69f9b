"""Plays a clip as RTP, looped, in real time: ``python -m loadtests.rtp_feeder CLIP VIDEO AUDIO``.

``VIDEO`` and ``AUDIO`` are loopback ports. Payload types 96 and 111, packets up to 1,200 bytes.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction

import av


def main(path: str, video_port: str, audio_port: str) -> None:
    """Sends until it is ended."""
    ports = {"video": (video_port, "96"), "audio": (audio_port, "111")}
    outputs, streams = {}, {}
    with av.open(path) as clip:
        for stream in clip.streams:
            port, payload_type = ports[stream.type]
            output = av.open(
                f"rtp://127.0.0.1:{port}?pkt_size=1200&rtcpport={int(port) + 1}",
                "w",
                format="rtp",
                options={"payload_type": payload_type},
            )
            outputs[stream.type] = output
            streams[stream.type] = output.add_stream_from_template(stream)
    started, offset = time.monotonic(), Fraction(0)
    while True:
        end = Fraction(0)
        with av.open(path) as clip:
            for packet in clip.demux():
                if packet.dts is None:
                    continue
                base = packet.time_base
                at = packet.dts * base
                end = max(end, at + (packet.duration or 0) * base)
                time.sleep(max(0.0, started + float(offset + at) - time.monotonic()))
                packet.dts = packet.pts = round((offset + at) / base)
                kind = packet.stream.type
                packet.stream = streams[kind]
                outputs[kind].mux_one(packet)
        offset += end


if __name__ == "__main__":
    main(*sys.argv[1:])
