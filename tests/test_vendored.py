"""The vendored libraries are exactly those that the manifest names, with their licences."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

VENDOR = Path(__file__).parent.parent / "static" / "vendor"
MANIFEST: list[dict[str, Any]] = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
BESIDE = {"manifest.json", "README.md"}


def test_every_file_is_in_the_manifest() -> None:
    files = {path.name for path in VENDOR.iterdir() if path.is_file()} - BESIDE
    assert files == {row["file"] for row in MANIFEST}


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: str(row["file"]))
def test_checksum_version_and_licence(row: dict[str, Any]) -> None:
    content = (VENDOR / row["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == row["sha256"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", row["version"])
    assert row["licence"]
    for name in row["licence_files"]:
        assert len((VENDOR / name).read_text(encoding="utf-8")) > 300


@pytest.mark.parametrize("path", sorted(VENDOR.glob("*.js")), ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert "sourceMappingURL" not in source
    assert not re.search(r"""\b(?:import|from)\s*\(?["']https?:""", source)
    assert "new Function(" not in source, "the pages' Content-Security-Policy forbids it"
