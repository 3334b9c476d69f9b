"""The bound on connections follows what the system allows, and is said."""

from __future__ import annotations

import subprocess
import sys

from streamd.config import Feeds
from streamd.descriptors import RESERVE, connection_limit

PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
from streamd.config import Feeds
from streamd.descriptors import connection_limit
print(connection_limit(Feeds()), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def limited(soft: int, hard: int) -> list[int]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(soft), str(hard)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(word) for word in ended.stdout.split()[-2:]]


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    assert limited(256, 4_096) == [4_096 - RESERVE, 4_096]


def test_a_tiny_limit_leaves_room_for_pages() -> None:
    assert limited(800, 800) == [200, 800]


def test_settings_bound_it_too() -> None:
    assert connection_limit(Feeds(connections=10)) == 10
