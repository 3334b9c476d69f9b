"""The handshake of section 5.2, the server's side. Pure.

Clients that sign C1 (the digest variants of Flash Player, which ffmpeg imitates) are answered
plainly: a server version of 0 tells them not to expect a signature.
"""

from __future__ import annotations

from streamd.rtmp.errors import BadHandshake

VERSION = 3
SIZE = 1536
"""Bytes of C1, C2, S1 and S2."""


class Handshake:
    """Takes C0, C1 and C2 in any pieces; gives S0, S1 and S2 once C0 and C1 are whole.

    ``random`` is the filling of S1, SIZE - 8 bytes.
    """

    def __init__(self, random: bytes) -> None:
        if len(random) != SIZE - 8:
            raise ValueError(f"S1 is filled with {SIZE - 8} bytes, not {len(random)}")
        self._random = random
        self._received = bytearray()
        self._answered = False
        self.done = False
        self._out = b""

    def receive(self, data: bytes) -> bytes:
        """The client's next bytes. Returns those that follow the handshake. Raises BadHandshake.

        C2 is not compared with S1: many encoders fill it freely.
        """
        self._received += data
        if self._received and self._received[0] != VERSION:
            raise BadHandshake(
                f"The first byte is {self._received[0]}, where RTMP has {VERSION}. "
                "Use a plain rtmp:// address here."
            )
        if not self._answered and len(self._received) > SIZE:
            first = bytes(self._received[1 : 1 + SIZE])
            # S1 with time 0 and version 0, then S2. Section 5.2.4 puts a time of ours into S2, but
            # encoders built on librtmp (OBS) compare the whole of it with their C1.
            self._out = bytes((VERSION,)) + bytes(8) + self._random + first
            self._answered = True
        end = 1 + 2 * SIZE
        if len(self._received) < end:
            return b""
        self.done = True
        rest = bytes(self._received[end:])
        self._received.clear()
        return rest

    def data_to_send(self) -> bytes:
        """What is to be sent now; empty where there is nothing."""
        out, self._out = self._out, b""
        return out
