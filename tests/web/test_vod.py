"""Recordings over real HTTP: files and ranges, pages, the API, and the past of what is on air."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from loadtests.served import STREAM
from streamd.config import load
from tests.conftest import EVENT
from tests.recording.broadcast import frames
from tests.recording.seed import Past, seed
from tests.server import Server, running
from tests.web.client import Client
from tests.web.vod_client import check_ranges, film, rows, wait_until

BEGAN = 1_790_000_000
PASTS = (
    Past("alef", BEGAN, 6, captions=("Good evening.",)),
    Past("alef", BEGAN + 90_000, 4, turned=True),
    Past("pe", BEGAN + 180_000, 4),
)


@dataclass
class Kept:
    """A streamd with recordings, and a test card on air on ``STREAM``."""

    server: Server
    ids: list[str]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    home = tmp_path_factory.mktemp("kept")
    path = home / "config.toml"
    path.write_text(EVENT.replace('"be"', f'"{STREAM}"'), encoding="utf-8")
    ids = seed(home, load(path, {}).event, PASTS)
    started = ("aac", "--config", str(path))
    settings = {"STREAMD_RECORDING_KEEP_DAYS": "0"}
    with running(home, *started, module="loadtests.card_server", **settings) as server:
        client = Client(server)
        wait_until(lambda: len(rows(client)) >= len(PASTS) + 1)
        yield Kept(server, ids)


@pytest.fixture
def client(kept: Kept) -> Client:
    return Client(kept.server)


# -- the API


def test_the_list_newest_first(client: Client, kept: Kept) -> None:
    assert [row["id"] for row in rows(client, "?state=finished")] == kept.ids[::-1]
    assert [row["id"] for row in rows(client, "?stream=pe")] == [kept.ids[2]]
    early = rows(client, f"?before={BEGAN + 90_000}")
    assert [row["id"] for row in early] == kept.ids[:1]
    assert client.ask("GET", "/api/v1/recordings?before=noon").status == 400
    (live,) = rows(client, "?state=recording")
    assert live["stream"] == STREAM
    assert live["ended_at"] is None
    assert live["downloads"] == []


def test_one_row(client: Client, kept: Kept) -> None:
    row = client.ask("GET", f"/api/v1/recordings/{kept.ids[0]}?lang=fa").json
    assert row["started_at"] == BEGAN
    assert row["seconds"] == 6
    assert row["candidate"]["name"] == "الف آزاد"
    assert row["captions"] == {"language": "en", "href": f"/vod/{kept.ids[0]}/captions.vtt"}
    (download,) = row["downloads"]
    assert (download["width"], download["height"], download["making"]) == (640, 360, None)
    turned = client.ask("GET", f"/api/v1/recordings/{kept.ids[1]}").json
    assert [one["width"] for one in turned["downloads"]] == [640, 480]


def test_an_unknown_one_is_a_problem(client: Client) -> None:
    for path in ("/api/v1/recordings/none", "/vod/none/index.m3u8", "/vod/none"):
        answer = client.ask("GET", path)
        assert answer.status == 404
        assert answer.json["type"] == "urn:streamd:problem:unknown_recording"


# -- files


def test_a_vod_by_its_playlists(client: Client, kept: Kept) -> None:
    base = f"/vod/{kept.ids[0]}"
    index = client.ask("GET", f"{base}/index.m3u8")
    assert index.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert index.headers["Access-Control-Allow-Origin"] == "*"
    assert b"v.m3u8" in index.body
    for kind, medium, count in (("v", "video", 150), ("a", "audio", 270)):
        text = client.ask("GET", f"{base}/{kind}.m3u8").body.decode()
        assert "#EXT-X-PLAYLIST-TYPE:VOD" in text
        assert text.endswith("#EXT-X-ENDLIST\n")
        names = [one for one in text.split() if one.startswith(f"{kind}-")]
        init = re.findall(r'MAP:URI="([^"]+)"', text)
        files = [client.ask("GET", f"{base}/{name}") for name in (*init, *names)]
        assert {one.headers["Content-Type"] for one in files} == {f"{medium}/mp4"}
        assert all("immutable" in one.headers["Cache-Control"] for one in files)
        assert all(one.headers["Access-Control-Allow-Origin"] == "*" for one in files)
        assert len(frames(b"".join(one.body for one in files), medium)) >= count


def test_poster_and_captions(client: Client, kept: Kept) -> None:
    poster = client.ask("GET", f"/vod/{kept.ids[0]}/poster.jpg")
    assert poster.headers["Content-Type"] == "image/jpeg"
    assert poster.body.startswith(b"\xff\xd8\xff")
    captions = client.ask("GET", f"/vod/{kept.ids[0]}/captions.vtt")
    assert captions.headers["Content-Type"].startswith("text/vtt")
    assert b"Good evening." in captions.body
    index = client.ask("GET", f"/vod/{kept.ids[0]}/index.m3u8").body.decode()
    assert 'URI="captions.m3u8"' in index
    listed = client.ask("GET", f"/vod/{kept.ids[0]}/captions.m3u8")
    assert listed.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    (name,) = re.findall(r"^captions-.*$", listed.body.decode(), re.M)
    segment = client.ask("GET", f"/vod/{kept.ids[0]}/{name}")
    assert segment.headers["Content-Type"].startswith("text/vtt")
    assert b"Good evening." in segment.body
    assert client.ask("GET", f"/vod/{kept.ids[1]}/captions.m3u8").status == 404


def test_live_subtitles_can_be_had_after_the_end(client: Client, kept: Kept) -> None:
    base = f"/vod/{kept.ids[0]}"
    listed = client.ask("GET", f"{base}/t.m3u8")
    assert listed.body.endswith(b"#EXT-X-ENDLIST\n")
    names = re.findall(r"^t-.*$", listed.body.decode(), re.M)
    texts = [client.ask("GET", f"{base}/{name}").body for name in names]
    assert sum(b"Good evening." in text for text in texts) >= 1
    assert client.ask("GET", f"{base}/t-{len(names)}.vtt").status == 404


def test_playlists_travel_packed_where_asked(client: Client, kept: Kept) -> None:
    path = f"/vod/{kept.ids[0]}/v.m3u8"
    plain = client.ask("GET", path)
    packed = client.ask("GET", path, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip;q=0", False), ("gzip; q=0.0, br", False), ("*", True), ("*, gzip;q=0", False)],
)
def test_whether_gzip_is_taken(client: Client, kept: Kept, accepted: str, packed: bool) -> None:
    path = f"/vod/{kept.ids[0]}/captions.vtt"
    answer = client.ask("GET", path, Accept_Encoding=accepted)
    assert (answer.headers["Content-Encoding"] == "gzip") is packed


@pytest.mark.parametrize(
    "name", ["journal.jsonl", "recording.json", "v-99.m4s", "..", "x.mp4", "download-1.mp4"]
)
def test_nothing_else_is_given_out(client: Client, kept: Kept, name: str) -> None:
    answer = client.ask("GET", f"/vod/{kept.ids[0]}/{name}")
    assert answer.status == 404
    assert "immutable" not in (answer.headers["Cache-Control"] or "")


def test_an_mp4_is_made_when_asked_for_and_served_by_ranges(client: Client, kept: Kept) -> None:
    path = f"/vod/{kept.ids[0]}/download/1.mp4"
    assert client.ask("HEAD", path).status == 404
    row = client.ask("GET", f"/api/v1/recordings/{kept.ids[0]}").json
    assert row["downloads"][0]["making"] is None
    whole = film(client, path)
    assert len(frames(whole)) == 150
    answer = client.ask("GET", path)
    assert f'filename="{kept.ids[0]}-1.mp4"' in answer.headers["Content-Disposition"]
    check_ranges(client, path, whole)
    assert client.ask("GET", f"/vod/{kept.ids[0]}/download/2.mp4").status == 404


# -- what is on air


def test_the_past_of_a_live_broadcast(client: Client) -> None:
    index = client.ask("GET", f"/hls/{STREAM}/dvr.m3u8")
    assert index.status == 200
    assert index.headers["Cache-Control"] == "no-cache"
    (media,) = (one for one in index.body.decode().split() if one.endswith("/v.m3u8"))
    first = client.ask("GET", media)
    assert first.headers["Cache-Control"] == "no-cache"
    text = first.body.decode()
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in text
    assert "ENDLIST" not in text

    def grown() -> bool:
        now = client.ask("GET", media).body.decode()
        return now.startswith(text) and len(now) > len(text)

    wait_until(grown)
    assert client.ask("GET", media.replace("v.m3u8", "v-0.m4s")).status == 200
    assert client.ask("GET", "/hls/pe/dvr.m3u8").status == 404


def test_the_past_has_its_captions(client: Client, kept: Kept) -> None:
    path = f"/api/v1/streams/{STREAM}/captions"
    said = {"text": "Said a moment ago.", "language": "en"}
    assert client.ask("POST", path, said, key=kept.server.new_key()).status == 201
    at: list[str] = []

    def listed() -> bool:
        at[:] = re.findall(
            'TYPE=SUBTITLES.*LANGUAGE="en".*URI="(.*)/t.m3u8"',
            client.ask("GET", f"/hls/{STREAM}/dvr.m3u8").body.decode(),
        )
        return bool(at)

    wait_until(listed)
    found: dict[str, bytes] = {}

    def shown() -> bool:
        playlist = client.ask("GET", f"{at[0]}/t.m3u8")
        assert playlist.headers["Cache-Control"] == "no-cache"
        for name in re.findall(r"^t-.*$", playlist.body.decode(), re.M):
            if name not in found:
                segment = client.ask("GET", f"{at[0]}/{name}")
                assert "immutable" in (segment.headers["Cache-Control"] or "")
                found[name] = segment.body
        return any(b"Said a moment ago." in text for text in found.values())

    wait_until(shown)
    assert {name: client.ask("GET", f"{at[0]}/{name}").body for name in found} == found
    assert client.ask("GET", f"{at[0]}/t-9999.vtt").status == 404


# -- pages


@pytest.mark.parametrize("path", ["/vod", "/vod?stream=alef", "one"])
def test_pages_in_both_languages(client: Client, kept: Kept, path: str) -> None:
    path = f"/vod/{kept.ids[0]}" if path == "one" else path
    joint = "&" if "?" in path else "?"
    english = client.ask("GET", f"{path}{joint}lang=en").body.decode()
    persian = client.ask("GET", f"{path}{joint}lang=fa").body.decode()
    assert '<html lang="fa" dir="rtl"' in persian
    assert "21 September 2026, 14:13 UTC" in english
    assert "۳۰ شهریور ۱۴۰۵، ۱۴:۱۳ UTC" in persian
    for page in (english, persian):
        assert "<script>" not in page
        assert "style=" not in page


def test_every_candidate_has_the_same_place_in_the_order_of_the_event_page(client: Client) -> None:
    event = client.ask("GET", "/?lang=en").body.decode()
    page = client.ask("GET", "/vod?lang=en").body.decode()
    names = ("Alef Azad", "Be Bahar", "Pe Paydar")
    order = sorted(names, key=event.index)
    assert order == sorted(names, key=lambda name: page.index(f">{name}</h2>"))
    assert client.ask("GET", "/vod?stream=nobody").status == 404


def test_the_figures_are_counted(client: Client) -> None:
    text = client.ask("GET", "/metrics").body.decode()
    assert 'streamd_recordings{state="finished"}' in text
    (count,) = re.findall(r"^streamd_recorded_segments_total (\S+)$", text, re.M)
    assert float(count) > 0


# -- the end of a recording: last, for it is gone then


def test_deleting_needs_the_stream_s_key_or_the_headquarters(client: Client, kept: Kept) -> None:
    path = f"/api/v1/recordings/{kept.ids[2]}"
    assert client.ask("DELETE", path).status == 401
    alef, headquarters = kept.server.new_key("alef"), kept.server.new_key()
    assert client.ask("DELETE", path, key=alef).status == 403
    assert client.ask("DELETE", path, key=headquarters).status == 204
    assert client.ask("GET", path).status == 404
    assert client.ask("GET", f"/vod/{kept.ids[2]}/index.m3u8").status == 404
    assert not (kept.server.home / "recordings" / kept.ids[2]).exists()
    assert client.ask("DELETE", f"/api/v1/recordings/{kept.ids[1]}", key=alef).status == 204
    (live,) = rows(client, "?state=recording")
    running = client.ask("DELETE", f"/api/v1/recordings/{live['id']}", key=headquarters)
    assert running.status == 409
    assert running.json["type"] == "urn:streamd:problem:recording_state"
