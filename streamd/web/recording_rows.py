"""Recordings as the API and the pages show them."""

from __future__ import annotations

from streamd.recording.journal import CandidateNote
from streamd.recording.lifecycle import RecordingState
from streamd.recording.recordings import Recordings
from streamd.recording.summary import Chapter, Summary
from streamd.web.language import Catalogue


def recording_row(
    recordings: Recordings, summary: Summary, catalogue: Catalogue
) -> dict[str, object]:
    """A recording's row in ``GET /api/v1/recordings``. Times in Unix seconds.

    ``until`` is the end of what is kept so far; ``making`` how far an MP4 is, from 0 to 1, null
    where nobody makes it.
    """
    header = summary.header
    base = f"/vod/{header.id}"
    is_finished = summary.state is RecordingState.FINISHED
    return {
        "id": header.id,
        "stream": header.stream,
        "state": summary.state.value,
        "started_at": summary.started_at,
        "ended_at": summary.ended_at if is_finished else None,
        "until": summary.ended_at,
        "seconds": summary.seconds,
        "missed_seconds": summary.missed_seconds,
        "bytes": summary.bytes,
        "delay_seconds": header.delay_seconds,
        "interrupted": summary.interrupted,
        "simulated": header.simulated,
        "candidate": _candidate_row(header.candidate, catalogue) if header.candidate else None,
        "page": base,
        "playlist": f"{base}/index.m3u8",
        "poster": f"{base}/poster.jpg" if summary.poster else None,
        "captions": {"language": summary.captions, "href": f"{base}/captions.vtt"}
        if summary.captions
        else None,
        "downloads": [
            _download_row(recordings, header.id, chapter)
            for chapter in (summary.chapters if is_finished else ())
        ],
    }


def _download_row(recordings: Recordings, recording: str, chapter: Chapter) -> dict[str, object]:
    return {
        "href": f"/vod/{recording}/download/{chapter.n}.mp4",
        "seconds": chapter.seconds,
        "bytes": chapter.bytes,
        "width": chapter.width,
        "height": chapter.height,
        "making": recordings.workshop.share(recording, chapter.n),
    }


def _candidate_row(note: CandidateNote, catalogue: Catalogue) -> dict[str, object]:
    return {
        "number": note.number,
        "name": catalogue.pick(note.name),
        "about": catalogue.pick(note.about),
        "portrait": note.portrait,
    }
