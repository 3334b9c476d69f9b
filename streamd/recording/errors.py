"""What can go wrong with recordings.

StreamdError
└── RecordingError
    ├── UnknownRecording       no such recording, or no longer
    ├── IllegalRecordingMove   the recording's state does not allow this
    ├── StorageFailed          the disk or the object store did not do what was asked
    │   └── NoSuchFile         it has no file of that name
    ├── DiskFull               less is free than has to stay free
    └── DownloadUnready        the file is being made, or cannot be made now
"""

from __future__ import annotations

from streamd.errors import StreamdError


class RecordingError(StreamdError):
    """Something about one recording."""


class UnknownRecording(RecordingError):
    """No such recording, or no longer."""

    def __init__(self, recording: str) -> None:
        super().__init__(
            f"There is no recording “{recording}”. It may have been deleted: recordings are kept "
            "for a limited time."
        )
        self.recording = recording


class IllegalRecordingMove(RecordingError):
    """The recording's state does not allow this move."""

    def __init__(self, recording: str, state: str, move: str) -> None:
        super().__init__(f"Recording “{recording}” is {state} and cannot {move}.")
        self.recording = recording
        self.state = state
        self.move = move


class StorageFailed(RecordingError):
    """The disk or the object store did not do what was asked."""


class NoSuchFile(StorageFailed):
    """The storage has no file of that name."""


class DiskFull(RecordingError):
    """Less is free than has to stay free. Facts in bytes."""

    def __init__(self, free: int, least: int) -> None:
        super().__init__(
            f"{free:,} bytes are free and {least:,} have to stay free. Delete recordings, or "
            "lower [recording] free_bytes."
        )
        self.free = free
        self.least = least


class DownloadUnready(RecordingError):
    """The file is being made: ask again in some seconds."""


class DownloadRefused(RecordingError):
    """The file cannot be made now: ask again in a minute or more."""
