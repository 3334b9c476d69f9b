"""An MP4 of a chapter holds the very same samples, in one timeline, its index at the front."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from streamd.recording import remux
from streamd.recording.finishing import read_journal
from streamd.recording.summary import chapters
from tests.recording.broadcast import ORIGIN, card, finished, publish, recordings, watched


def packets(path: Path, medium: str) -> list[Any]:
    with av.open(str(path)) as container:
        stream: Any = next(one for one in container.streams if one.type == medium)
        return [
            (packet.pts * packet.time_base, packet.dts * packet.time_base, bytes(packet))
            for packet in container.demux(stream)
            if packet.size
        ]


async def test_the_same_samples_and_gaps_close_up(tmp_path: Path) -> None:
    kept = recordings(tmp_path)
    stream = watched(kept)
    publish(stream, 3).lose()
    publish(stream, 3, origin=ORIGIN + 12).close()
    (entry,) = await finished(kept)
    journal = read_journal(kept.shelf.storage, entry.id)
    (chapter,) = chapters(journal)
    target = tmp_path / "out.mp4"
    shares: list[float] = []
    remux.to_mp4(kept.shelf.storage, journal, chapter, target, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    sent = [card(3, origin=origin)[1] for origin in (ORIGIN, ORIGIN + 12)]
    for kind, medium in (("v", "video"), ("a", "audio")):
        got = packets(target, medium)
        wanted = [unit.payload for units in sent for unit in units if unit.kind == kind]
        assert [payload for _, _, payload in got] == wanted
        times = [float(dts) for _, dts, _ in got]
        assert times == sorted(times)
        assert times[-1] < 6.1
    video = [pts for pts, _, _ in packets(target, "video")]
    assert video[:75] == [Fraction(n, 25) for n in range(75)]
    assert float(video[75]) == pytest.approx(3.0, abs=0.05)
    sounds = [float(pts) for pts, _, _ in packets(target, "audio")]
    first_of_second_run = min(pts for pts in sounds if pts >= 2.95)
    assert abs(float(video[75]) - first_of_second_run) < 0.04
    head = target.read_bytes()[:4_096]
    assert head.find(b"moov") > 0
    await kept.stop()


async def test_pictures_alone(tmp_path: Path) -> None:
    kept = recordings(tmp_path)
    stream = watched(kept)
    tracks, units = card(2)
    publisher = stream.publish("test")
    publisher.announce([track for track in tracks if track.kind == "v"], float(ORIGIN))
    for unit in units:
        if unit.kind == "v":
            publisher.write(unit)
    publisher.close()
    (entry,) = await finished(kept)
    journal = read_journal(kept.shelf.storage, entry.id)
    remux.to_mp4(kept.shelf.storage, journal, chapters(journal)[0], tmp_path / "out.mp4")
    assert len(packets(tmp_path / "out.mp4", "video")) == 50
    await kept.stop()
