from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

import pytest

from polling.poll_keys import PollKeys


def test_a_nullifier_is_the_keys_hmac_and_nothing_else(tmp_path: Path) -> None:
    keys = PollKeys(tmp_path / "keys")
    keys.create("poll")
    key = (tmp_path / "keys" / "poll.key").read_bytes()
    assert len(key) == 32
    expected = hmac.new(key, b"device:1", hashlib.sha256).digest()[:16]
    assert keys.nullifier("poll", "device:1") == expected
    assert keys.nullifier("poll", "device:2") != expected


def test_only_the_owner_can_read_keys(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    directory.mkdir(mode=0o755)
    PollKeys(directory).create("poll")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in directory.iterdir()] == ["poll.key"]
    assert (directory / "poll.key").stat().st_mode & 0o777 == 0o600


def test_the_same_voter_has_unrelated_nullifiers_in_two_polls(tmp_path: Path) -> None:
    keys = PollKeys(tmp_path)
    keys.create("one")
    keys.create("two")
    assert keys.nullifier("one", "v") != keys.nullifier("two", "v")


def test_a_second_create_keeps_the_key(tmp_path: Path) -> None:
    first, second = PollKeys(tmp_path), PollKeys(tmp_path)
    first.create("poll")
    before = first.nullifier("poll", "v")
    second.create("poll")
    assert second.nullifier("poll", "v") == before == PollKeys(tmp_path).nullifier("poll", "v")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_destroyed_key_is_gone_from_memory_and_disk(tmp_path: Path) -> None:
    keys = PollKeys(tmp_path)
    keys.create("poll")
    key = keys.nullifier("poll", "v")
    # A second name for the same file sees that its bytes are overwritten, too.
    os.link(tmp_path / "poll.key", tmp_path / "seen")
    assert keys.destroy("poll")
    assert keys.nullifier("poll", "v") is None
    assert keys.polls() == ()
    assert (tmp_path / "seen").read_bytes() == bytes(32)
    assert not keys.destroy("poll")
    keys.create("poll")
    assert keys.nullifier("poll", "v") != key


def test_a_vote_that_reads_the_key_while_it_is_destroyed_does_not_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = PollKeys(tmp_path)
    keys.create("poll")
    read = Path.read_bytes

    def late(path: Path) -> bytes:
        key = read(path)
        keys.destroy("poll")
        return key

    monkeypatch.setattr(Path, "read_bytes", late)
    assert keys.nullifier("poll", "v") is None
    monkeypatch.undo()
    assert keys.nullifier("poll", "v") is None


def test_a_damaged_key_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "short.key").write_bytes(b"abc")
    (tmp_path / "zero.key").write_bytes(bytes(32))
    keys = PollKeys(tmp_path)
    assert keys.nullifier("short", "v") is None
    assert keys.nullifier("zero", "v") is None


def test_polls_lists_the_keys_on_disk(tmp_path: Path) -> None:
    keys = PollKeys(tmp_path / "none yet")
    assert keys.polls() == ()
    keys.create("b")
    keys.create("a")
    assert keys.polls() == ("a", "b")
