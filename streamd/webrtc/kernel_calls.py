"""sendmmsg(2) and the structures that it reads, by cffi: Python's own sockets have no such call.

``CALLS`` is None where the call does not exist or its structures may be laid out otherwise.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import Any

from cffi import FFI

SOL_UDP = 17
UDP_SEGMENT = 103

ffi = FFI()
# As Linux has them (bits/types/struct_msghdr.h); musl's differ in padding alone.
ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr {
        void *msg_name; uint32_t msg_namelen;
        struct iovec *msg_iov; size_t msg_iovlen;
        void *msg_control; size_t msg_controllen;
        int msg_flags;
    };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
    """
)

_IPV4_BYTES, _IPV6_BYTES = 16, 28


def _calls() -> Any:
    if sys.platform != "linux" or sys.byteorder != "little":
        return None
    found = ffi.dlopen(None)
    return found if hasattr(found, "sendmmsg") else None


CALLS = _calls()


def socket_address(address: tuple[Any, ...]) -> Any:
    """A sockaddr_in or sockaddr_in6 for what a Python socket gives as an address."""
    host, port = address[:2]
    if len(address) == 2:
        body = struct.pack("=H2s4s8x", socket.AF_INET, _port(port), socket.inet_aton(host))
    else:
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
        flow = address[2].to_bytes(4, "big")
        body = struct.pack("=H2s4s16sI", socket.AF_INET6, _port(port), flow, packed, address[3])
    return ffi.new("unsigned char[]", body)


def address_bytes(family: int) -> int:
    """The length of what ``socket_address`` makes for a socket of this family."""
    return _IPV6_BYTES if family == socket.AF_INET6 else _IPV4_BYTES


def segment_control(segment: int) -> tuple[Any, int]:
    """The control message that asks for UDP segmentation, and its bytes with padding."""
    # CMSG_LEN(2), level, type, the size; CMSG_SPACE aligns to a word.
    word = struct.calcsize("N")
    head = struct.pack("Nii", word + 8 + 2, SOL_UDP, UDP_SEGMENT)
    body = (head + segment.to_bytes(2, sys.byteorder)).ljust(2 * word + 8, b"\0")
    return ffi.new("unsigned char[]", body), len(body)


def _port(port: int) -> bytes:
    return port.to_bytes(2, "big")
