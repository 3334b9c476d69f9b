"""Stream keys on a real store: shown once, kept as hashes, bound to their stream."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamd import cli, config, log
from streamd.errors import Forbidden, InvalidStreamId, StoreUnavailable, Unauthenticated
from streamd.keys import StreamKeys
from streamd.store import Store
from tests.server import environment


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A real Valkey of this test's own."""
    started = Store(config.Store(dir=str(tmp_path)))
    await started.start()
    yield started
    await started.stop()


async def test_a_key_acts_for_its_stream_only(store: Store) -> None:
    keys = StreamKeys(store.client)
    key, record = await keys.add("alef", "the team")
    assert (await keys.check(key, "alef")) == record
    with pytest.raises(Forbidden):
        await keys.check(key, "be")
    for wrong in (None, "", "sk_wrong", key[:-1], key + "x"):
        with pytest.raises(Unauthenticated):
            await keys.check(wrong, "alef")
    headquarters, _ = await keys.add(None)
    assert (await keys.check(headquarters, "be")).scope == "hq"


async def test_a_captions_key_captions_its_stream_and_nothing_else(store: Store) -> None:
    keys = StreamKeys(store.client)
    key, record = await keys.add("alef", captions=True)
    assert record.scope == "captions"
    assert await keys.check(key, "alef", for_captions=True) == record
    with pytest.raises(Forbidden, match="captions only"):
        await keys.check(key, "alef")
    with pytest.raises(Forbidden, match="captions only"):
        await keys.find(key)
    assert await keys.record(key) == record
    with pytest.raises(Forbidden, match="another stream"):
        await keys.check(key, "be", for_captions=True)
    whole, _ = await keys.add("alef")
    assert (await keys.check(whole, "alef", for_captions=True)).scope == "stream"
    assert (await keys.find(whole)).stream == "alef"


async def test_keys_are_kept_as_hashes_and_can_be_revoked(store: Store, tmp_path: Path) -> None:
    keys = StreamKeys(store.client)
    key, record = await keys.add("alef", "the team")
    other, _ = await keys.add("be")
    assert [one.stream for one in await keys.list()] == ["alef", "be"]
    for path in (tmp_path / "valkey").rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes()
    assert await keys.revoke(record.id)
    assert not await keys.revoke(record.id)
    with pytest.raises(Unauthenticated):
        await keys.check(key, "alef")
    assert await keys.check(other, "be")


async def test_a_stream_id_has_a_shape(store: Store) -> None:
    for wrong in ("", "Alef", "a b", "../x", "-a", "x" * 64):
        with pytest.raises(InvalidStreamId, match="not a stream id"):
            await StreamKeys(store.client).add(wrong)


async def test_without_a_store_nothing_is_checked(tmp_path: Path) -> None:
    settings = config.Store(dir=str(tmp_path), url=f"unix://{tmp_path}/none.sock")
    down = Store(settings)
    with pytest.raises(StoreUnavailable):
        await StreamKeys(down.client).check("sk_any", "alef")
    await down.stop()


def test_the_command_line_makes_lists_and_revokes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(tmp_path, 1, 2).items():
        monkeypatch.setenv(name, value)
    # What is configured here would stay for the tests that follow.
    monkeypatch.setattr(log, "configure", lambda _: None)

    def keys(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["streamd", "keys", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), capsys.readouterr().out

    _, made = keys("add", "alef", "--label", "the team")
    assert "studio  http://localhost:1/studio/alef#key=sk_" in made
    _, listed = keys("list")
    assert "alef" in listed
    assert "sk_" not in listed
    key_id = made.split("(id ")[1][:8]
    assert keys("revoke", key_id)[0] == 0
    assert keys("revoke", key_id)[0] == 1
    _, desk = keys("add", "alef", "--captions")
    assert "desk    http://localhost:1/studio/alef/captions#key=cc_" in desk
    assert "WHIP" not in desk
    assert "alef (captions)" in keys("list")[1]
    assert keys("add", "--headquarters", "--captions")[0] == 2
    assert keys("add", "Not A Stream")[0] == 1
    assert keys("add")[0] == 2
