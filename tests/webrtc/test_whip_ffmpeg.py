"""A publisher that shares no code with us: libavformat's WHIP muxer."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiortc import RTCCertificate
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from streamd.relay.lifecycle import StreamState
from tests.webrtc import ffmpeg_publisher
from tests.webrtc.whip_server import units_of, until, whip_server


async def test_libavformats_whip_muxer_publishes(tmp_path: Path) -> None:
    made = RTCCertificate.generateCertificate()
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(made._cert.public_bytes(Encoding.PEM))
    key.write_bytes(
        made._key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    async with whip_server() as server:
        stream, output = server.stream()
        async with units_of(stream, output):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                ffmpeg_publisher.__name__,
                f"{server.url}/whip/s",
                certificate,
                key,
                stderr=asyncio.subprocess.PIPE,
            )
            async with asyncio.timeout(60):
                _, errors = await process.communicate()
            assert process.returncode == 0, errors.decode()
            await until(lambda: stream.state is StreamState.ENDED)
    pictures, sounds = output.of("v"), output.of("a")
    assert len(pictures) >= ffmpeg_publisher.PICTURES - 16
    assert pictures[0].key
    assert len(output.pictures()) == len(pictures)
    assert len(sounds) >= 50 * len(pictures) / 30 - 10
