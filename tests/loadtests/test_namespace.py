"""A namespace is made, reached, and gone again."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from loadtests.errors import Unprepared
from loadtests.namespace import namespace


def test_a_process_inside_reaches_this_machine_and_nothing_stays() -> None:
    try:
        with namespace() as space, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((space.host, 0))
            server.settimeout(20)
            program = (
                "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                f" s.sendto(b'hello', {server.getsockname()!r})"
            )
            subprocess.run(space.inside([sys.executable, "-c", program]), check=True, timeout=20)
            data, (address, _) = server.recvfrom(100)
    except Unprepared as error:
        pytest.skip(str(error))
    assert (data, address) == (b"hello", space.guest)
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert space.name not in listed
