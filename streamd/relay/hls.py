"""A stream's HLS window in memory: segments and their parts, as they are cut, for low latency.

Video is cut at the first keyframe after about two seconds, else at the target without one (then
the segment is not independent). Audio is cut at the first audio unit at or after each video cut.
The generations of one publication follow one another in one playlist, with EXT-X-DISCONTINUITY
between; a publication after EXT-X-ENDLIST starts with none of the last one's segments, so that
nobody who tunes in starts in the old broadcast.

Nothing here depends on the process: names and numbers count from the publication's origin, so
every process that relays a publication's units from their start answers with the same bytes, and
so does one that takes over another's ``state`` in the middle and goes on with the same units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from streamd import config
from streamd.media import fmp4, playlist
from streamd.media.parts import Init
from streamd.media.playlist import DateRange, SubtitleRendition
from streamd.media.units import Kind, Track, Unit
from streamd.media.webvtt import Cue
from streamd.relay.audio_hold import AudioHold
from streamd.relay.errors import BadDirective, NotInTime, StateRefused, TooManyWaiting
from streamd.relay.hls_captions import NAME as CAPTIONS
from streamd.relay.hls_captions import HlsCaptions
from streamd.relay.hls_directives import Directives
from streamd.relay.hls_index import KINDS, multivariant
from streamd.relay.hls_playlists import HlsPlaylists, text_resource
from streamd.relay.hls_rendition import Place, Rendition, Resource, playlist_name
from streamd.relay.hls_state import (
    FORM,
    AnnounceCaptions,
    DropAudio,
    End,
    Happening,
    HlsState,
    Push,
    PutCaption,
    PutDateRange,
    RangeState,
    Reset,
)
from streamd.relay.hls_waiting import Places
from streamd.relay.part_target import PartTarget
from streamd.relay.segmenter import Cut, Segment, Segmenter

OnSegment = Callable[[Segment, Init], None]

INDEX = "index.m3u8"
SEGMENT_TYPE: dict[Kind, str] = {"v": "video/mp4", "a": "audio/mp4"}

WAIT_TARGETS = 3
"""Target durations after which a waiting request is refused (bis section 6.2.5.2)."""


class Hls:
    """Segments of the current generation and of what remains of earlier ones."""

    def __init__(self, stream_id: str, settings: config.Relay) -> None:
        self._id = stream_id
        self._settings = settings
        self._target = settings.target_seconds
        # Section 6.2.2: a live playlist holds at least three target durations.
        self._keep = float(max(3 * self._target, settings.window_seconds))
        self.places = Places()
        self.renditions: dict[Kind, Rendition] = {
            kind: Rendition(kind, SEGMENT_TYPE[kind], self.places) for kind in KINDS
        }
        self._inits: dict[str, Init] = {}
        self._maps: dict[Kind, str] = {}
        self._tracks: dict[Kind, Track] = {}
        self._segmenter: Segmenter | None = None
        self._hold = AudioHold({})
        self._part_target = PartTarget(settings.hls_part_ms)
        self.captions = HlsCaptions()
        self._origin = 0.0
        self.playlists = HlsPlaylists(self.renditions, self._target)
        self._base = self._init_count = 0
        self._followers: dict[object, tuple[OnSegment, Callable[[], None]]] = {}
        self._heirs: dict[object, Callable[[Happening], None]] = {}

    def follow(self, on_segment: OnSegment, on_end: Callable[[], None]) -> Callable[[], None]:
        """See Window.follow."""
        token = object()
        self._followers[token] = (on_segment, on_end)

        def unfollow() -> None:
            self._followers.pop(token, None)

        return unfollow

    def tell(self, on_happening: Callable[[Happening], None]) -> Callable[[], None]:
        """Calls ``on_happening`` for all that comes in from now on, before it is done. Returns the
        function that ends it; it may be called within a callback and twice.
        """
        token = object()
        self._heirs[token] = on_happening

        def untell() -> None:
            self._heirs.pop(token, None)

        return untell

    # -- in

    def reset(self, gen: int, tracks: Mapping[Kind, Track], origin: float) -> None:
        """A new generation; the last one's open segments are closed first."""
        self._told(lambda: Reset(gen, tracks, origin))
        self._close_segments()
        if self.playlists.ended:
            self._begin_publication(origin)
        else:
            self._continue_publication(tracks)
        self._tracks = dict(tracks)
        self._origin = origin
        self._segmenter = Segmenter(gen, tracks, origin, self._target, self._part_target)
        self._hold = AudioHold(tracks)
        self._maps.clear()
        for track in tracks.values():
            self._add_init(track)
        self._publish()

    def push(self, unit: Unit) -> None:
        """Takes the next unit."""
        self._told(lambda: Push(unit))
        for going in self._hold.push(unit):
            self._take(going)
        self._publish()

    def end(self) -> None:
        """No more units: the playlists get EXT-X-ENDLIST."""
        self._told(End)
        self._close_segments()
        self.playlists.ended = True
        self._publish()
        for rendition in self.renditions.values():
            rendition.playlists.wake_all()
            rendition.parts.wake_all()
        for _, on_end in tuple(self._followers.values()):
            on_end()

    def drop_audio(self) -> None:
        """No audio will come any more in this generation: the pictures go on alone."""
        self._told(DropAudio)
        for unit in self._hold.rest():
            self._take(unit)
        self._hold = AudioHold({})
        self._tracks.pop("a", None)
        self.renditions["a"].clear()
        self._publish()

    def put_date_range(self, date_range: DateRange) -> None:
        """See Window.put_date_range."""
        self._told(lambda: PutDateRange(RangeState.of(date_range)))
        self.playlists.put_date_range(date_range)

    def announce_captions(self, language: str) -> None:
        """See Window.announce_captions."""
        self._told(lambda: AnnounceCaptions(language))
        self.captions.announce(language)

    def put_caption(self, cue: Cue) -> None:
        """See Window.put_caption."""
        self._told(lambda: PutCaption(cue))
        self.captions.put(cue)

    # -- to another process: see hls_handover.py

    @property
    def state(self) -> HlsState:
        """All that this window knows, for ``restore``; to be written down before anything else
        happens to it."""
        settled = self._part_target.seconds
        return HlsState(
            settings=self._shape,
            form=FORM,
            base=self._base,
            origin=self._origin,
            init_count=self._init_count,
            inits=dict(self._inits),
            maps=dict(self._maps),
            tracks=dict(self._tracks),
            part_target=None if settled is None else settled.as_integer_ratio(),
            hold=self._hold.state,
            segmenter=None if self._segmenter is None else self._segmenter.state,
            renditions={kind: one.state for kind, one in self.renditions.items()},
            playlists=self.playlists.state,
            captions=self.captions.state,
        )

    def restore(self, state: HlsState) -> None:
        """Forgets all it had and goes on where the window that ``state`` is of stood; whoever
        waits here for what is there now goes on. Raises StateRefused where that one's settings or
        version would make other bytes.
        """
        if (state.form, state.settings) != (FORM, self._shape):
            raise StateRefused(
                f"It was made with {state.settings}, form {state.form}; here it is "
                f"{self._shape}, form {FORM}. Run the same version with the same [relay] settings.",
                self._id,
            )
        self._base, self._origin, self._init_count = state.base, state.origin, state.init_count
        self._maps, self._tracks = dict(state.maps), dict(state.tracks)
        self._part_target = PartTarget(self._settings.hls_part_ms)
        if state.part_target is not None:
            self._part_target.seconds = Fraction(*state.part_target)
        self._hold = AudioHold.resumed(state.hold)
        self._segmenter = None
        if state.segmenter is not None:
            target = (self._target, self._part_target)
            self._segmenter = Segmenter.resumed(state.segmenter, *target)
        for kind, rendition in self.renditions.items():
            rendition.restore(state.renditions[kind])
        self._inits = dict(state.inits)
        for name, init in self._inits.items():
            self._named(name).keep_init(name, init.init)
        self.captions.restore(state.captions)
        self.playlists.restore(state.playlists)
        for rendition in self.renditions.values():
            rendition.wake()

    @property
    def _shape(self) -> tuple[int, float, int]:
        return self._target, self._keep, self._settings.hls_part_ms

    def _told(self, make: Callable[[], Happening]) -> None:
        if self._heirs:
            happening = make()
            for heir in tuple(self._heirs.values()):
                heir(happening)

    # -- out

    @property
    def ended(self) -> bool:
        """True while nobody broadcasts: playlists say their end, or there is none."""
        return self.playlists.ended

    def multivariant_playlist(self) -> str:
        """KeyError while a track has no whole segment."""
        language = self.captions.language
        subtitles = SubtitleRendition(language, CAPTIONS) if language else None
        return multivariant(self.renditions, self._tracks, subtitles)

    def media_playlist(self, kind: Kind, *, skip: bool = False) -> str:
        """KeyError while the track has no whole segment."""
        return self.playlists.written(self.renditions[kind], skip=skip).body.decode()

    def resource(self, name: str) -> Resource:
        """The bytes behind a name, as of now. KeyError where there is none."""
        if name.endswith(".m3u8"):
            if name == INDEX:
                return text_resource(self.multivariant_playlist())
            if name == CAPTIONS:
                return self._captions_playlist()
            return self.playlists.written(self._of_playlist(name), skip=False)
        found = (
            self.captions.get(self._main, name)
            if name.endswith(".vtt")
            else self._named(name).get(name)
        )
        if found is None:
            raise KeyError(name)
        return found

    async def playlist(self, name: str, directives: Directives) -> Resource:
        """A playlist, when it has come as far as the directives ask (bis section 6.2.5.2).

        KeyError, BadDirective, NotInTime, TooManyWaiting. A cancelled wait loses nothing.
        """
        if name in (INDEX, CAPTIONS):
            return self.resource(name)
        rendition = self._of_playlist(name)
        if directives.msn is not None and rendition.listed and not self.playlists.ended:
            await self._until(rendition, (directives.msn, directives.part))
        return self.playlists.written(rendition, skip=directives.skip)

    async def part(self, name: str) -> Resource:
        """What ``resource`` gives, or the hinted part once it is whole (bis section 6.2.6).

        KeyError, NotInTime, TooManyWaiting. A cancelled wait loses nothing.
        """
        rendition = self._named(name)
        if name == rendition.hint and rendition.get(name) is None and not self.playlists.ended:
            self._take_place()
            if not await rendition.parts.until(name, WAIT_TARGETS * self._target):
                raise NotInTime(f"Part {name} did not come in time.", self._id)
        return self.resource(name)

    # -- within: in

    def _begin_publication(self, origin: float) -> None:
        # Rises from one publication to the next in any process, where segments last a second or
        # more; and players that keep numbers in 32 bits can keep it.
        self._base = max(0, int(origin))
        self.playlists.ended = False
        self._init_count = 0
        self._part_target = PartTarget(self._settings.hls_part_ms)
        for rendition in self.renditions.values():
            rendition.begin(f"{max(0, round(origin * 1e6)):x}", self._base)

    def _continue_publication(self, tracks: Mapping[Kind, Track]) -> None:
        renditions = self.renditions.values()
        for kind, rendition in self.renditions.items():
            if kind not in tracks:
                rendition.clear()
            rendition.all_independent = all(one.segment.independent for one in rendition.listed)
        # Section 6.2.4: renditions have the same discontinuity sequence at the same time, though
        # one of them was not there before. An empty one can be set anew: it lists nothing.
        place = max(rendition.next_discontinuity_sequence for rendition in renditions)
        started = any(rendition.sequence > self._base for rendition in renditions)
        for rendition in renditions:
            if not rendition.listed:
                rendition.discontinuity_sequence = place
            rendition.discontinuity = started

    def _add_init(self, track: Track) -> None:
        init = Init(track.codec, fmp4.init_segment(track))
        name = self.renditions[track.kind].add_init(self._init_count, init.init)
        self._init_count += 1
        self._inits[name] = init
        self._maps[track.kind] = name

    def _take(self, unit: Unit) -> None:
        assert self._segmenter is not None
        if unit.track is not None and unit.track != self._tracks[unit.kind]:
            self._tracks[unit.kind] = unit.track
            self._add(self._segmenter.change(unit))
            self._add_init(unit.track)
        self._add(self._segmenter.push(unit))

    def _close_segments(self) -> None:
        if self._segmenter is not None:
            for unit in self._hold.rest():
                self._take(unit)
            self._add(self._segmenter.finish())
            self._segmenter = None

    def _add(self, cuts: list[Cut]) -> None:
        for cut in cuts:
            kind = cut.part.kind
            rendition = self.renditions[kind]
            map_uri = self._maps[kind]
            rendition.add_part(cut.part, map_uri)
            if cut.segment is not None:
                rendition.close(cut.segment)
                rendition.retire(self._keep)
                if rendition is self._main:
                    self._close_captions(cut.segment)
                for on_segment, _ in tuple(self._followers.values()):
                    on_segment(cut.segment, self._inits[map_uri])
                self._forget_inits(rendition)

    @property
    def _main(self) -> Rendition:
        """The rendition that the captions' segments stand beside."""
        return self.renditions["v" if "v" in self._tracks else "a"]

    def _close_captions(self, segment: Segment) -> None:
        self.captions.close(segment.sequence, segment.begins, segment.seconds, self._origin)
        self.captions.forget(self._main)

    def _forget_inits(self, rendition: Rendition) -> None:
        used = {*rendition.maps, *self._maps.values()}
        for name in [name for name in self._inits if name.startswith(f"{rendition.kind}-")]:
            if name not in used:
                del self._inits[name]
                rendition.forget(name)

    def _publish(self) -> None:
        target = self._part_target.seconds or self._part_target.wished
        captions = self.captions.report(self._main)
        self.playlists.show(float(target), self._tracks, captions)

    # -- within: out

    def _captions_playlist(self) -> Resource:
        main = self._main
        if not self.captions.language or not main.listed:
            raise KeyError(CAPTIONS)
        reports = [self.renditions[kind].report for kind in KINDS if kind in self._tracks]
        text = playlist.media_playlist(
            self.captions.entries(main),
            target_seconds=self._target,
            media_sequence=main.sequence - len(main.listed),
            discontinuity_sequence=main.discontinuity_sequence,
            ended=self.playlists.ended,
            reports=[report for report in reports if report is not None],
            date_ranges=self.playlists.date_ranges(),
        )
        return text_resource(text)

    async def _until(self, rendition: Rendition, place: Place) -> None:
        if rendition.contains(place):
            return
        if rendition.too_far(place, self.playlists.part_target(rendition)):
            raise BadDirective("That is too far ahead of what the playlist lists.", self._id)
        self._take_place()
        if not await rendition.playlists.until(place, WAIT_TARGETS * self._target):
            raise NotInTime("The broadcast has not come that far in time.", self._id)

    def _take_place(self) -> None:
        if self.places.full:
            raise TooManyWaiting("Too many requests wait for this stream. Try again.", self._id)

    def _of_playlist(self, name: str) -> Rendition:
        for kind, rendition in self.renditions.items():
            if name == playlist_name(kind):
                return rendition
        raise KeyError(name)

    def _named(self, name: str) -> Rendition:
        for kind in KINDS:
            if name.startswith(f"{kind}-"):
                return self.renditions[kind]
        raise KeyError(name)
