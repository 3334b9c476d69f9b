"""The server's secret: made once, whole, private; anything else stops the start."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from streamd.errors import ConfigError
from streamd.secret_file import server_secret


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "server.key"
    secret = server_secret(path)
    assert len(secret) == 32
    assert server_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["server.key"]


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_file_that_is_not_whole_stops_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "server.key"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="should hold 32"):
        server_secret(path)
    assert path.read_bytes() == content
