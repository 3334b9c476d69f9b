"""Long texts are made once a version, whoever asks."""

from __future__ import annotations

import asyncio
import gzip
import threading

import pytest

from streamd.recording.written import Written


async def test_a_version_is_made_once_and_not_on_the_loop() -> None:
    written, threads = Written(), list[int]()

    def compose() -> str:
        threads.append(threading.get_ident())
        return "text " * 1_000

    found = await asyncio.gather(*(written.get(1, compose) for _ in range(20)))
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
    assert all(one is found[0] for one in found)
    assert gzip.decompress(found[0].packed) == found[0].plain
    assert (await written.get(2, lambda: "another")).plain == b"another"


async def test_who_goes_takes_nothing_from_the_others() -> None:
    written, gate = Written(), threading.Event()

    def compose() -> str:
        gate.wait(20)
        return "text"

    first = asyncio.create_task(written.get(1, compose))
    second = asyncio.create_task(written.get(1, compose))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()
    assert (await second).plain == b"text"
    await asyncio.wait([first])


async def test_what_failed_is_made_again() -> None:
    written = Written()

    def failing() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await written.get(1, failing)
    assert (await written.get(1, lambda: "yes")).plain == b"yes"
