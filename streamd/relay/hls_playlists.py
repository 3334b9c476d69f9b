"""The media playlists of an HLS stream: what they show, written once for all who ask."""

from __future__ import annotations

from collections.abc import Mapping

from streamd.media import playlist
from streamd.media.playlist import DateRange, LowLatency, RenditionReport
from streamd.media.units import Kind
from streamd.relay.hls_rendition import Rendition, Resource
from streamd.relay.hls_state import PlaylistsState, RangeState

MOST_DATE_RANGES = 64
"""Policy when full: the one that starts first is left out."""

PARTS_TARGETS = 3
"""Parts stay listed for this many target durations from the live edge (bis section 6.2.2)."""


class HlsPlaylists:
    """``ended``: nobody broadcasts; playlists say their end, or there is none."""

    def __init__(self, renditions: Mapping[Kind, Rendition], target_seconds: int) -> None:
        self.ended = True
        self._renditions = renditions
        self._target = target_seconds
        self._ranges: dict[str, DateRange] = {}
        self._ranges_version = 0
        self._shown: dict[str, tuple[int, LowLatency]] = {}
        self._written: dict[tuple[str, bool], tuple[object, Resource]] = {}

    def put_date_range(self, date_range: DateRange) -> None:
        """See Window.put_date_range."""
        self._ranges[date_range.id] = date_range
        if len(self._ranges) > MOST_DATE_RANGES:
            del self._ranges[min(self._ranges.values(), key=lambda one: one.starts).id]
        self._ranges_version += 1

    @property
    def state(self) -> PlaylistsState:
        """For ``restore``."""
        ranges = [RangeState.of(one) for one in self._ranges.values()]
        return PlaylistsState(self.ended, ranges, dict(self._shown))

    def restore(self, state: PlaylistsState) -> None:
        """Goes on where the one that ``state`` is of stood."""
        self.ended = state.ended
        self._ranges = {one.id: one.date_range() for one in state.ranges}
        self._shown = dict(state.shown)
        self._written.clear()

    def show(
        self,
        part_target: float,
        kinds: Mapping[Kind, object],
        captions: RenditionReport | None = None,
    ) -> None:
        """Shows what has changed, and wakes who waited for it; ``kinds`` are the tracks there,
        ``captions`` says how far their playlist has come.
        """
        for rendition in self._renditions.values():
            shown = self._shown.get(rendition.kind)
            if shown is not None and shown[0] == rendition.version:
                continue
            reports = [
                other.report
                for kind, other in self._renditions.items()
                if other is not rendition and kind in kinds
            ]
            reports.append(captions)
            low_latency = LowLatency(
                part_target, rendition.hint, tuple(one for one in reports if one is not None)
            )
            self._shown[rendition.kind] = rendition.version, low_latency
            rendition.wake()

    def part_target(self, rendition: Rendition) -> float:
        """As its playlist says it, in seconds."""
        return self._shown[rendition.kind][1].part_target

    def written(self, rendition: Rendition, *, skip: bool) -> Resource:
        """The playlist as of now, or a delta update. KeyError before its first segment is whole."""
        if not rendition.listed:
            raise KeyError(rendition.kind)
        stamp = rendition.version, self._ranges_version, self.ended
        made = self._written.get((rendition.kind, skip))
        if made is None or made[0] != stamp:
            made = stamp, text_resource(self._write(rendition, skip=skip))
            self._written[rendition.kind, skip] = made
        return made[1]

    def date_ranges(self) -> list[DateRange]:
        """The same for every rendition: what is not over where the longest of them begins."""
        starts = [one.listed[0].entry.begins for one in self._renditions.values() if one.listed]
        listed = (one for one in self._ranges.values() if one.over >= min(starts))
        return sorted(listed, key=lambda one: (one.starts, one.id))

    def _write(self, rendition: Rendition, *, skip: bool) -> str:
        entries = rendition.entries(PARTS_TARGETS * self._target)
        return playlist.media_playlist(
            entries,
            target_seconds=self._target,
            media_sequence=rendition.sequence - len(rendition.listed),
            discontinuity_sequence=rendition.discontinuity_sequence,
            all_independent=rendition.all_independent,
            ended=self.ended,
            low_latency=self._shown[rendition.kind][1],
            date_ranges=self.date_ranges(),
            skipped=playlist.skippable(entries, self._target) if skip else 0,
        )


def text_resource(text: str) -> Resource:
    """A playlist as a resource."""
    return Resource(text.encode(), playlist.CONTENT_TYPE, immutable=False)
