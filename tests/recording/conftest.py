"""An S3 server for the module, with its keys where the standard chain looks."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.recording.s3 import KEYS, S3, serving


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """moto's S3 over HTTP."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch, serving() as server:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        yield server
