from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from redis import Redis

from polling.drafting import draft
from polling.errors import StoreUnsafe
from polling.store import PollStore
from streamd import config
from streamd.errors import ConfigError, StoreHeld, StoreUnavailable
from streamd.store import Store
from streamd.valkey import Valkey


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's tmp_path: a unix socket's path has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="store-") as place:
        yield Path(place) / "var"


@contextlib.asynccontextmanager
async def started(home: Path, **settings: Any) -> AsyncIterator[Store]:
    store = Store(config.Store(dir=str(home), **settings))
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process nobody has waited for is not running any more.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def test_it_is_ready_and_what_is_written_survives_a_restart(home: Path) -> None:
    async with started(home) as store:
        assert store.ready
        assert store.address == f"unix://{home}/valkey/valkey.sock"
        await store.client().set("a", "1")
    assert not store.ready
    async with started(home) as store:
        assert await store.client().get("a") == b"1"


async def test_every_write_is_on_disk_before_the_answer(home: Path) -> None:
    async with started(home) as store:
        found = await store.client().config_get("append*")
        assert (found["appendonly"], found["appendfsync"]) == ("yes", "always")
        assert (await store.client().config_get("save"))["save"] == ""
        assert (await store.client().config_get("port"))["port"] == "0"


async def test_nothing_remembers_commands_or_times(home: Path) -> None:
    async with started(home) as store:
        settings: dict[str | None, str | None] = {}
        for pattern in ("commandlog*than", "aof-timestamp*", "hide-user*"):
            settings |= await store.client().config_get(pattern)
    assert settings == {
        "commandlog-execution-slower-than": "-1",
        "commandlog-request-larger-than": "-1",
        "commandlog-reply-larger-than": "-1",
        "aof-timestamp-enabled": "no",
        "hide-user-data-from-log": "yes",
    }


async def test_only_the_owner_gets_in(home: Path) -> None:
    async with started(home) as store:
        assert stat.S_IMODE((home / "valkey").stat().st_mode) == 0o700
        socket = home / "valkey" / "valkey.sock"
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert store.pid is not None


async def test_a_second_start_says_who_holds_the_directory(home: Path) -> None:
    async with started(home) as store:
        with pytest.raises(StoreHeld) as caught:
            await Store(config.Store(dir=str(home))).start()
        assert (caught.value.path, caught.value.pid) == (str(home), os.getpid())
        assert store.ready
        assert await store.client().ping()


async def test_stopping_ends_the_server_and_frees_the_directory(home: Path) -> None:
    async with started(home) as store:
        pid = store.pid
    assert pid is not None
    assert not is_running(pid)
    assert store.pid is None
    await store.stop()
    async with started(home):
        pass


async def test_a_killed_server_comes_back_with_everything(home: Path) -> None:
    async with started(home) as store:
        await store.client().set("a", "1")
        first = store.pid
        assert first is not None
        with structlog.testing.capture_logs() as logs:
            os.kill(first, signal.SIGKILL)
            await until(lambda: not store.ready)
            await until(lambda: store.ready)
        assert store.pid not in (None, first)
        assert await store.client().get("a") == b"1"
        assert [entry["event"] for entry in logs] == [
            "the store is lost: no vote is acknowledged",
            "the store is ready",
        ]
        assert "status -9" in logs[0]["why"]


async def test_it_comes_back_again_and_again(home: Path) -> None:
    async with started(home) as store:
        for _ in range(3):
            assert store.pid is not None
            os.kill(store.pid, signal.SIGKILL)
            await until(lambda: not store.ready)
            await until(lambda: store.ready)
        assert await store.client().ping()


async def test_a_file_torn_by_a_crash_is_read_up_to_its_last_whole_write(home: Path) -> None:
    async with started(home) as store:
        await store.client().set("a", "1")
    (log,) = (home / "valkey" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$10\r\ntorn")
    async with started(home) as store:
        assert store.ready
        assert await store.client().mget("a", "b") == [b"1", None]


async def test_a_server_that_cannot_start_is_tried_again(home: Path) -> None:
    async with started(home) as store:
        await store.client().set("a", "1")
    (log,) = (home / "valkey" / "appendonlydir").glob("*.incr.aof")
    whole = log.read_bytes()
    log.write_bytes(b"this is no append-only file\r\n" + whole)
    with structlog.testing.capture_logs() as logs:
        async with started(home, start_seconds=0.4) as store:
            assert not store.ready
            log.write_bytes(whole)
            await until(lambda: store.ready)
            assert await store.client().get("a") == b"1"
    down = [entry for entry in logs if entry["event"] == "the store is down"]
    assert down
    assert "valkey-server ended" in down[0]["why"]
    assert any("keeps trying" in entry["event"] for entry in logs)


PARENT = """
    import asyncio, sys
    from streamd import config
    from streamd.store import Store

    async def main():
        store = Store(config.Store(dir=sys.argv[1]))
        await store.start()
        await store.client().set("a", "1")
        print(store.pid, flush=True)
        await asyncio.sleep(1_000)

    asyncio.run(main())
"""


@contextlib.contextmanager
def another_streamd(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds the store until it is killed, and its server's process id."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(home)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "")
        yield process, int(next(line for line in lines if line.strip().isdigit()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_after_kill_9_of_streamd_its_server_goes_and_a_new_start_works(home: Path) -> None:
    with another_streamd(home) as (process, server):
        with pytest.raises(StoreHeld) as caught:
            await Store(config.Store(dir=str(home))).start()
        assert caught.value.pid == process.pid
        process.kill()
        process.wait()
        async with started(home) as store:
            assert await store.client().get("a") == b"1"
        assert not is_running(server)


@pytest.mark.parametrize("hung", [False, True])
async def test_a_server_that_outlived_its_streamd_is_ended_before_the_start(
    home: Path, hung: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the launcher, as on macOS, the server outlives its parent.
    monkeypatch.setattr("streamd.valkey.sys.platform", "other")
    monkeypatch.setattr("streamd.valkey._ORPHAN_SECONDS", 0.3)
    orphaned = Valkey(home)
    await orphaned.hold()
    await orphaned.spawn()
    pid = orphaned.pid
    assert pid is not None
    socket = home / "valkey" / "valkey.sock"
    await until(socket.exists)
    client = Redis(unix_socket_path=str(socket))
    client.set("a", "1")
    client.close()
    # The parent's descriptors close, as at its death; the server keeps its own.
    orphaned.release()
    if hung:
        os.kill(pid, signal.SIGSTOP)
    async with started(home) as store:
        assert await store.client().get("a") == b"1"
        assert store.pid != pid
    assert await orphaned.ended() == (-signal.SIGKILL if hung else 0)


async def test_a_hung_server_is_not_ready_until_it_answers(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamd.store._ANSWER_SECONDS", 0.3)
    async with started(home) as store:
        assert store.pid is not None
        os.kill(store.pid, signal.SIGSTOP)
        await until(lambda: not store.ready)
        os.kill(store.pid, signal.SIGCONT)
        await until(lambda: store.ready)


async def test_a_long_path_gets_its_socket_elsewhere(home: Path) -> None:
    deep = home / ("d" * 60) / ("e" * 60)
    with structlog.testing.capture_logs() as logs:
        async with started(deep) as store:
            assert store.ready
            socket = Path(store.address.removeprefix("unix://"))
            assert len(os.fsencode(socket)) <= 107
            assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
            assert Store(config.Store(dir=str(deep))).address == store.address
            await store.client().set("a", "1")
        async with started(deep) as store:
            assert await store.client().get("a") == b"1"
    assert any("too long" in entry["event"] for entry in logs)
    assert not socket.parent.exists()


async def test_somebody_elses_directory_is_not_used_for_the_socket(home: Path) -> None:
    deep = home / ("d" * 120)
    store = Store(config.Store(dir=str(deep)))
    directory = Path(store.address.removeprefix("unix://")).parent
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    try:
        with pytest.raises(StoreUnavailable, match="not a private directory"):
            await store.start()
    finally:
        await store.stop()
        with contextlib.suppress(FileNotFoundError):
            directory.rmdir()


async def test_a_path_with_odd_characters(home: Path) -> None:
    odd = home / 'a b"c%20#d?é'
    async with started(odd) as store:
        assert store.ready
        assert await store.client().ping()


async def test_a_directory_that_cannot_be_made() -> None:
    with pytest.raises(StoreUnavailable, match="/dev/null"):
        await Store(config.Store(dir="/dev/null/var")).start()


async def test_a_start_takes_under_a_second(home: Path) -> None:
    # Best of three: other tests use the machine too.
    times = []
    for _ in range(3):
        begin = time.monotonic()
        async with started(home):
            times.append(time.monotonic() - begin)
    assert min(times) < 1, times


async def test_a_named_server(home: Path) -> None:
    async with started(home) as server:
        with structlog.testing.capture_logs() as logs:
            async with started(home, url=server.address) as store:
                assert store.ready
                assert store.pid is None
                await store.client().set("a", "1")
        assert [entry["event"] for entry in logs] == ["the store is ready"]
        # Stopping the one that only visited leaves the server alone.
        assert await server.client().get("a") == b"1"


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("appendfsync", "everysec", "appendfsync always (it is everysec)"),
        ("appendonly", "no", "appendonly yes (it is no)"),
        ("no-appendfsync-on-rewrite", "yes", "no-appendfsync-on-rewrite no (it is yes)"),
    ],
)
async def test_a_named_server_that_could_lose_votes_gets_none(
    home: Path, setting: str, value: str, said: str
) -> None:
    async with started(home) as server:
        polls = PollStore.at(server.address)
        poll = draft("alef", "Q", ["a", "b"], "HQ", now=1.0)
        ways: list[Callable[[], Awaitable[object]]] = [
            lambda: polls.create(poll),
            lambda: polls.server.change_all([("SET", "a", "1")]),
        ]
        async with started(home, url=server.address, start_seconds=0.2) as store:
            assert (store.ready, store.trouble) == (True, "")
            kept = str((await server.client().config_get(setting))[setting])
            # It is noticed while streamd runs, and so is that it was put right.
            await server.client().config_set(setting, value)
            await until(lambda: not store.ready)
            assert said in store.trouble
            for way in ways:
                with pytest.raises(StoreUnsafe) as refused:
                    await way()
                assert said in refused.value.reason
            assert await server.client().keys("*") == []
            await server.client().config_set(setting, kept)
            await until(lambda: store.ready)
            for way in ways:
                await way()
        await polls.close()


async def test_a_named_server_that_hides_its_settings_gets_no_votes(home: Path) -> None:
    async with started(home) as server:
        await server.client().execute_command("ACL SETUSER default on nopass ~* +@all -config")  # type: ignore[no-untyped-call]
        with structlog.testing.capture_logs() as logs:
            async with started(home, url=server.address, start_seconds=0.2) as store:
                assert not store.ready
                assert "+config|get" in store.trouble
                with pytest.raises(StoreUnavailable, match="CONFIG GET"):
                    async with Store.borrowed(config.Store(url=server.address, start_seconds=0.2)):
                        pass
        assert any(store.trouble in str(entry.get("why")) for entry in logs)
        polls = PollStore.at(server.address)
        with pytest.raises(StoreUnsafe):
            await polls.load()
        # What it needs is that, and nothing that could change a setting.
        await server.client().execute_command("ACL SETUSER default +config|get")  # type: ignore[no-untyped-call]
        async with started(home, url=server.address) as store:
            assert store.ready
            await polls.load()
        await polls.close()


async def test_a_named_server_that_is_down_is_waited_for(home: Path) -> None:
    address = Store(config.Store(dir=str(home))).address
    with structlog.testing.capture_logs() as logs:
        async with started(home, url=address, start_seconds=0.2) as store:
            assert not store.ready
            async with started(home) as server:
                await until(lambda: store.ready)
                assert server.ready
            await until(lambda: not store.ready)
            async with started(home):
                await until(lambda: store.ready)
    events = [entry["event"] for entry in logs]
    assert "the store is down" in events
    assert "the store is lost: no vote is acknowledged" in events


async def test_passwords_are_not_logged(home: Path) -> None:
    url = "redis://somebody:s3cret@127.0.0.1:1/0?password=s3cret"
    with structlog.testing.capture_logs() as logs:
        async with started(home, url=url, start_seconds=0.2) as store:
            assert not store.ready
    assert logs
    assert "s3cret" not in repr(logs)


class OldServer(asyncio.Protocol):
    """Answers as Redis 6.2 would, to PING and INFO alone: no such server can be had here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, received: bytes) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        for command in received.split(b"*")[1:]:
            if b"INFO" in command:
                facts = b"# Server\r\nredis_version:6.2.14\r\n"
                self.transport.write(b"$%d\r\n%s\r\n" % (len(facts), facts))
            else:
                self.transport.write(b"+PONG\r\n" if b"PING" in command else b"+OK\r\n")


async def test_a_named_server_that_is_too_old_stops_the_start(home: Path) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(OldServer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        store = Store(config.Store(url=f"redis://127.0.0.1:{port}"))
        with pytest.raises(ConfigError, match=r"version 6\.2\.14"):
            await store.start()
    finally:
        server.close()
        await server.wait_closed()


async def test_borrowing_from_the_streamd_that_runs(home: Path) -> None:
    async with started(home) as store:
        await store.client().set("a", "1")
        async with Store.borrowed(config.Store(dir=str(home))) as client:
            assert await client.get("a") == b"1"
        assert store.ready


async def test_borrowing_starts_a_store_where_none_runs(home: Path) -> None:
    async with Store.borrowed(config.Store(dir=str(home))) as client:
        await client.set("a", "1")
    async with Store.borrowed(config.Store(dir=str(home))) as client:
        assert await client.get("a") == b"1"


async def test_borrowing_from_a_named_server_that_is_down(home: Path) -> None:
    settings = config.Store(url=f"unix://{home}/none.sock", start_seconds=0.2)
    with pytest.raises(StoreUnavailable):
        async with Store.borrowed(settings):
            raise AssertionError("borrowed what is not there")
