"""A recording's end: its playlists, captions and summary written, or all of it deleted.

Blocking, for the shelf's threads. The summary is written last and is what says "finished"; it is
the last to go when a recording is deleted, marked as such first, so that a deletion that was cut
short is known as one.
"""

from __future__ import annotations

import contextlib
import re

import msgspec

from streamd.recording import captions, playlists, polls
from streamd.recording.boxes import media_time
from streamd.recording.errors import NoSuchFile
from streamd.recording.journal import Journal, decode
from streamd.recording.lifecycle import RecordingState
from streamd.recording.playlists import MediaPlaylist
from streamd.recording.storage import TEMPORARY, Storage
from streamd.recording.summary import JOURNAL, SUMMARY, Summary, summarize

_LEFTOVER = re.compile(rf"(?:{re.escape(TEMPORARY)}.*|[va]-[0-9]+\.m(?:4s|p4))")


def finish(storage: Storage, journal: Journal, *, interrupted: bool = False) -> Summary:
    """Writes what makes a VOD of the segments. Raises StorageFailed."""
    assert journal.header is not None
    folder = journal.header.id
    storage.write(f"{folder}/{playlists.INDEX}", playlists.index(journal).encode())
    for kind in journal.kinds:
        text = MediaPlaylist(journal, kind).text(target_seconds=1, ended=True)
        storage.write(f"{folder}/{playlists.playlist_name(kind)}", text.encode())
    if journal.captions:
        storage.write(f"{folder}/{captions.CAPTIONS}", captions.document(journal).encode())
        _write_subtitles(storage, journal, folder)
    if journal.polls:
        storage.write(f"{folder}/{polls.POLLS}", polls.written(journal))
    summary = summarize(journal, journal.header, RecordingState.FINISHED, interrupted=interrupted)
    write_summary(storage, summary)
    return summary


def _write_subtitles(storage: Storage, journal: Journal, folder: str) -> None:
    cues = captions.PlacedCaptions(journal).cues
    for stretch in captions.stretches(journal):
        first = stretch.first
        begins = first.media
        if begins is None:
            body = storage.read(f"{folder}/{first.name}")
            begins = media_time(body, storage.read(f"{folder}/{journal.map_of(first).name}"))
        text = captions.segment(cues, stretch, begins)
        storage.write(f"{folder}/{stretch.name}", text.encode())
    storage.write(f"{folder}/{playlists.SUBTITLES}", playlists.subtitles(journal).encode())


def write_summary(storage: Storage, summary: Summary) -> None:
    """Makes or replaces ``recording.json``."""
    storage.write(f"{summary.header.id}/{SUMMARY}", msgspec.json.encode(summary))


def read_summary(storage: Storage, recording: str) -> Summary | None:
    """None where the recording was never finished."""
    try:
        return msgspec.json.decode(storage.read(f"{recording}/{SUMMARY}"), type=Summary)
    except (NoSuchFile, msgspec.MsgspecError):
        return None


def read_journal(storage: Storage, recording: str) -> Journal:
    """What the recording holds: segments that are named and there. Raises NoSuchFile."""
    journal = decode(storage.read_log(f"{recording}/{JOURNAL}"))
    there = set(storage.names(recording))
    for name in there:
        if name.startswith(TEMPORARY):
            storage.remove(f"{recording}/{name}")
    for kind, lines in journal.segments.items():
        journal.segments[kind] = [
            line for line in lines if line.name in there and journal.map_of(line).name in there
        ]
    return journal


def clear_leftovers(storage: Storage, recording: str) -> None:
    """Removes what a process left that ended before its first journal line.

    Only files that are certainly ours, and never where somebody else may be writing them now.
    """
    names = [] if storage.shared else storage.names(recording)
    if names and all(_LEFTOVER.fullmatch(name) for name in names):
        storage.remove_recording(recording, names[-1])


def delete(storage: Storage, summary: Summary) -> None:
    """Deletes all files of a recording. Raises StorageFailed; then it can be begun again."""
    write_summary(storage, msgspec.structs.replace(summary, state=RecordingState.DELETING))
    with contextlib.suppress(NoSuchFile):
        storage.remove_recording(summary.header.id, SUMMARY)
