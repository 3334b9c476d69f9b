"""Which storage the settings name."""

from __future__ import annotations

from pathlib import Path

from streamd.recording.object_store import open_store
from streamd.recording.storage import Folder, Storage


def storage_at(url: str, folder: Path) -> Storage:
    """``[recording] url``, or ``folder`` where that is empty. Raises ConfigError."""
    return open_store(url) if url else Folder(folder)
