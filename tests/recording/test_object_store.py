"""The URL of an object store, its errors in words, and what its objects look like from outside."""

from __future__ import annotations

import pytest

from streamd.errors import ConfigError
from streamd.recording.errors import NoSuchFile, StorageFailed
from streamd.recording.object_store import open_store
from streamd.recording.places import storage_at
from streamd.recording.storage import Folder
from tests.recording.s3 import S3


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://bucket.example/prefix", "s3://bucket/prefix"),
        ("s3:///prefix", "s3://bucket/prefix"),
        ("s3://key:secret@bucket/prefix", "keys belong in the environment"),
        ("s3://bucket/p?endpiont=http://x", "unknown setting 'endpiont'"),
        ("s3://bucket/p?access_key_id=x", "unknown setting 'access_key_id'"),
    ],
)
def test_a_wrong_url_is_answered_in_words(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        open_store(url)
    assert "secret" not in str(caught.value).replace("SECRET", "")


def test_an_empty_url_is_the_folder(tmp_path: object) -> None:
    assert isinstance(storage_at("", tmp_path), Folder)  # type: ignore[arg-type]


def test_objects_have_their_types_and_stand_below_the_prefix(s3: S3) -> None:
    store = open_store(s3.url)
    for name in ("v-0.m4s", "index.m3u8", "poster.jpg"):
        store.write(f"typed/{name}", b"x")
    store.append("typed/journal.jsonl", b"{}\n")
    assert s3.content_type("live/typed/v-0.m4s") == "video/iso.segment"
    assert s3.content_type("live/typed/index.m3u8") == "application/vnd.apple.mpegurl"
    assert s3.content_type("live/typed/poster.jpg") == "image/jpeg"
    assert "live/typed/journal.jsonl-00000" in s3.names()


def test_a_bucket_that_is_not_there_and_a_server_that_is_not(s3: S3) -> None:
    lost = open_store(s3.url.replace("//recordings/", "//no-such-bucket/"))
    with pytest.raises((NoSuchFile, StorageFailed)):
        lost.write("r/x", b"x")
    down = open_store("s3://bucket/p?endpoint=http://127.0.0.1:9&region=x")
    with pytest.raises(StorageFailed) as caught:
        down.read("r/x")
    assert "\n" not in str(caught.value)
