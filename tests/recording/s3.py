"""A real S3 server for tests: moto's, over HTTP on a free port, with one empty bucket."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "recordings"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret"}


@dataclass
class S3:
    """Where it listens."""

    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """For ``[recording] url``."""
        return f"s3://{BUCKET}/live?endpoint={self.endpoint}&region=us-east-1"

    def names(self) -> list[str]:
        """Every object in the bucket."""
        found = self.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [one["Key"] for one in found]

    def content_type(self, key: str) -> str:
        """An object's, as a browser would be told."""
        return str(self.client().head_object(Bucket=BUCKET, Key=key)["ContentType"])

    def client(self) -> Any:
        """Amazon's own client."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )


@contextlib.contextmanager
def serving() -> Iterator[S3]:
    """Starts it, makes the bucket, stops it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        s3 = S3(server.get_host_and_port()[1])
        s3.client().create_bucket(Bucket=BUCKET)
        yield s3
    finally:
        server.stop()
