"""Static files: long-cached under a URL that carries their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamd

_PACKAGE = Path(streamd.__file__).parent
STATIC = _PACKAGE / "static" if (_PACKAGE / "static").is_dir() else _PACKAGE.parent / "static"


class Assets:
    """URLs below ``/static/{hash}/``, one hash over all files.

    One hash for the whole folder: ES modules import each other by relative paths without a
    query, so a page has to be sure of a consistent set, not of single files.
    """

    def __init__(self, root: Path = STATIC) -> None:
        self.root = root
        digest = hashlib.sha256()
        for path in sorted(root.rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(root).as_posix().encode())
                digest.update(path.read_bytes())
        self.version = digest.hexdigest()[:12]

    def url(self, path: str) -> str:
        """The address of ``path`` (relative to ``static/``): ``/static/{version}/{path}``."""
        return f"/static/{self.version}/{path}"
