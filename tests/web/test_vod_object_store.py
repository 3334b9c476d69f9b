"""Recordings in an object store, through a whole server's life."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.served import STREAM
from tests.conftest import EVENT
from tests.recording.broadcast import frames
from tests.recording.s3 import KEYS, S3, serving
from tests.server import environment, running
from tests.web.client import Client
from tests.web.vod_client import PATIENCE_SECONDS, check_ranges, film, rows, wait_until


@pytest.fixture(scope="module")
def bucket() -> Iterator[S3]:
    with serving() as s3:
        yield s3


def test_a_broadcast_goes_to_an_object_store_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, bucket: S3
) -> None:
    home = tmp_path_factory.mktemp("bucket")
    path = home / "config.toml"
    path.write_text(EVENT.replace('"be"', f'"{STREAM}"'), encoding="utf-8")
    settings = {"STREAMD_RECORDING_URL": bucket.url, **KEYS}
    command = ("aac", "--config", str(path))
    with running(home, *command, module="loadtests.card_server", **settings) as server:
        client = Client(server)
        wait_until(lambda: any(float(str(row["seconds"])) > 4 for row in rows(client)))
        media = client.ask("GET", f"/hls/{STREAM}/dvr.m3u8").body.decode().split()[-1]
        segment = client.ask("GET", media.replace("v.m3u8", "v-0.m4s"))
        assert segment.status == 200
        assert segment.headers["Access-Control-Allow-Origin"] == "*"
        check_ranges(client, media.replace("v.m3u8", "v-0.m4s"), segment.body)
        assert server.stop() == 0
    assert not list(home.glob("recordings/*"))
    with running(home, "serve", "--config", str(path), **settings) as server:
        client = Client(server)
        wait_until(lambda: rows(client, "?state=finished"))
        (row,) = rows(client)
        assert not row["interrupted"]
        whole = film(client, f"/vod/{row['id']}/download/1.mp4")
        text = client.ask("GET", f"/vod/{row['id']}/v.m3u8").body.decode()
        names = ["v-0.mp4", *(one for one in text.split() if one.startswith("v-"))]
        segments = b"".join(client.ask("GET", f"/vod/{row['id']}/{name}").body for name in names)
        assert len(frames(whole)) == len(frames(segments)) > 0
        check_ranges(client, f"/vod/{row['id']}/download/1.mp4", whole)
        assert f"live/{row['id']}/download-1.mp4" in bucket.names()


def test_a_wrong_url_stops_the_start_in_words(tmp_path: Path) -> None:
    stopped = subprocess.run(
        [sys.executable, "-m", "streamd", "serve"],
        env={**environment(tmp_path, 0, 0), "STREAMD_RECORDING_URL": "ftp://x"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert stopped.returncode == 1
    assert stopped.stderr.startswith('streamd: [recording] url: use "s3://bucket/prefix"')
