"""Jobs one after the other, in processes of their own; what fails ends nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamd.recording.offline import Job
from streamd.recording.workshop import MOST_JOBS, Workshop
from tests.recording.broadcast import finished, publish, recordings, until, watched


@contextlib.asynccontextmanager
async def working(home: Path) -> AsyncIterator[tuple[Workshop, list[tuple[Job, bool]]]]:
    done: list[tuple[Job, bool]] = []
    shop = Workshop(
        "", home / "recordings", home / "scratch", lambda job, made: done.append((job, made))
    )
    task = asyncio.create_task(shop.run())
    yield shop, done
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def a_recording(home: Path) -> str:
    kept = recordings(home)
    publish(watched(kept), 3).close()
    (entry,) = await finished(kept)
    await kept.stop()
    return entry.id


async def test_the_same_job_is_done_once_and_a_failure_ends_nothing(tmp_path: Path) -> None:
    recording = await a_recording(tmp_path)
    async with working(tmp_path) as (shop, done):
        assert shop.ask_poster("no-such-recording")
        assert shop.ask_mp4(recording, 1)
        assert shop.ask_mp4(recording, 1)
        assert shop.share(recording, 1) is not None
        assert shop.share(recording, 2) is None
        await until(lambda: done, 60)
        assert [(job.what, made) for job, made in done] == [("mp4", True)]
        assert shop.failed == 1
        assert not shop.ask_poster("no-such-recording")
        assert shop.refused == 1
        assert not list((tmp_path / "scratch").iterdir())


async def test_the_queue_is_bounded(tmp_path: Path) -> None:
    shop = Workshop("", tmp_path, tmp_path / "scratch", lambda _job, _made: None)
    for n in range(MOST_JOBS):
        assert shop.ask_poster(f"r-{n}")
    assert not shop.ask_poster("one-more")
    assert shop.ask_poster("r-0")
    shop.forget("r-0")
    assert shop.ask_poster("one-more")


async def test_a_recording_that_goes_takes_its_job_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = tmp_path / "stuck.py"
    stuck.write_text("#!/bin/sh\nexec sleep 60\n")
    stuck.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(stuck))
    async with working(tmp_path) as (shop, done):
        shop.ask_mp4("r", 1)
        await until(lambda: shop._process is not None)
        shop.forget("r")
        await until(lambda: shop.failed == 1)
        assert done == []


async def test_a_recording_may_go_as_its_job_has_just_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = tmp_path / "brief.py"
    brief.write_text("#!/bin/sh\nexit 0\n")
    brief.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(brief))
    async with working(tmp_path) as (shop, done):

        async def reports(process: asyncio.subprocess.Process) -> bool:
            await process.wait()
            shop.forget("r")
            return True

        monkeypatch.setattr(shop, "_reports", reports)
        shop.ask_mp4("r", 1)
        await until(lambda: done)
        assert [made for _, made in done] == [True]


async def test_leftovers_of_an_earlier_process_are_cleared(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "half.mp4").write_bytes(b"x")
    async with working(tmp_path):
        await until(lambda: not list(scratch.iterdir()))
