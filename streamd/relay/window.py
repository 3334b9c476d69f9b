"""What a stream's viewers can get right now: the join replay, the live parts, the HLS window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from streamd import config
from streamd.errors import StreamError
from streamd.media.parts import Init, Join, Part
from streamd.media.playlist import DateRange
from streamd.media.units import Kind, Track, Unit
from streamd.media.webvtt import Cue
from streamd.relay.audio_conversion import AudioConversion, start_conversion
from streamd.relay.cues import Cues
from streamd.relay.dubbing import Dubbing
from streamd.relay.hls import Hls
from streamd.relay.hls_rendition import Resource
from streamd.relay.in_turn import InTurn
from streamd.relay.packager import Packager
from streamd.relay.part_feed import PartFeed
from streamd.relay.segmenter import Segment

Listener = tuple[Callable[[Part], None], Callable[[], None], str | None]


class Window:
    """The parts since the last keyframe, whoever listens for the next ones, and HLS.

    Everything happens synchronously on the loop, in order. The replay holds at most
    ``join_bytes``; past it, it is empty until the next keyframe and ``on_starved`` is called once,
    so that a source which can make a keyframe is asked for one.

    Where the publisher sends Opus, it is converted to AAC for HLS, for recordings, and for players
    that want it. ``on_no_aac`` is called with a sentence where that fails: the stream goes on, HLS
    without audio. HLS hears of a generation's end when the last of its sound is converted, a
    moment after everybody else, and of what follows in turn: ``settled`` waits for that.
    """

    def __init__(
        self,
        stream_id: str,
        settings: config.Relay,
        on_starved: Callable[[], None] = lambda: None,
        on_no_aac: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._id = stream_id
        self._settings = settings
        self._on_starved = on_starved
        self._on_no_aac = on_no_aac
        self._packager: Packager | None = None
        self._gen = 0
        self._own = PartFeed({}, settings.join_bytes)
        self._dubbing: Dubbing | None = None
        self._conversion: AudioConversion | None = None
        self._unconverted = False
        """HLS goes without sound: it cannot be made AAC."""
        self._audio_lost = 0
        self._live = False
        self.cues = Cues(lambda cue: self.put_date_range(cue.date_range()))
        self._listeners: dict[object, Listener] = {}
        self.hls = Hls(stream_id, settings)
        self._to_hls = InTurn()

    # -- what a player's connection asks for

    @property
    def part_ms(self) -> int:
        """The length of a part in milliseconds; 0 where each picture is one."""
        return self._settings.part_ms

    def join(self, audio: str | None) -> Join:
        """The init segments and the parts since the last keyframe.

        ``audio`` is the player's wish, "opus" or "aac"; where the stream has no such track, the
        other is given: ``tracks["a"].codec`` says which ("opus", or "mp4a.…" for AAC). None: no
        audio track, and parts without audio. Whoever joins with a wish listens with the same wish,
        so that the parts he hears continue those of his join.
        ``parts`` may be empty, right at the start or where the replay grew over its bound: then
        the joiner starts with the next part whose ``key`` is true. Raises StreamError where
        nothing is live.
        """
        if not self._live:
            raise StreamError(f"Stream “{self._id}” is not live.", self._id)
        feed = self._feed(audio)
        if audio is not None or "v" not in feed.inits:
            return Join(self._gen, dict(feed.inits), feed.replay)
        parts = (without_audio(part) for part in feed.replay)
        video: dict[Kind, Init] = {"v": feed.inits["v"]}
        return Join(self._gen, video, tuple(part for part in parts if part is not None))

    def listen(
        self,
        on_part: Callable[[Part], None],
        on_reset: Callable[[], None] = lambda: None,
        *,
        audio: str | None = None,
    ) -> Callable[[], None]:
        """Calls ``on_part`` for each new part and ``on_reset`` when a new generation starts.

        ``audio`` is the wish that ``join`` was called with: "opus" or "aac" where the stream has
        that, else its other codec. None: whatever the publisher sends. Each codec's parts have
        their own ``n``; the pictures in them are the same bytes. A feed keeps one listening a
        wish, for all who joined with it.

        The first part after ``on_reset`` has n == 0; ``join`` works within ``on_reset``. Returns
        the function that ends the listening; it may be called within a callback and twice.
        """
        token = object()
        self._listeners[token] = (on_part, on_reset, audio)

        def unlisten() -> None:
            self._listeners.pop(token, None)

        return unlisten

    def follow(
        self,
        on_segment: Callable[[Segment, Init], None],
        on_end: Callable[[], None] = lambda: None,
    ) -> Callable[[], None]:
        """Calls ``on_segment`` for each whole segment of either track, with the initialisation
        segment it is decoded with, and ``on_end`` after a publication's last one. Audio is AAC.

        A segment's ``sequence`` rises by one a track until the publication ends, and the next one
        starts higher: from the whole seconds of its origin. Returns the
        function that ends the following; it may be called within a callback and twice.
        """
        return self.hls.follow(on_segment, on_end)

    def put_date_range(self, date_range: DateRange) -> None:
        """Lists an EXT-X-DATERANGE in every rendition's playlist while the playlists reach back to
        it; one with the same ``id`` takes its place (attributes may be added, never changed: bis
        section 4.4.5.1). It survives the end of a publication.
        """
        self.hls.put_date_range(date_range)

    def announce_captions(self, language: str) -> None:
        """HLS lists a captions' rendition in ``language`` (BCP 47) from now on."""
        self.hls.announce_captions(language)

    def put_caption(self, cue: Cue) -> None:
        """A caption for HLS; its times are Unix seconds on the broadcast's clock."""
        self.hls.put_caption(cue)

    def multivariant_playlist(self) -> str:
        """The multivariant playlist. KeyError before the first segments are whole."""
        return self.hls.multivariant_playlist()

    def media_playlist(self, kind: Kind) -> str:
        """A track's media playlist as of now. KeyError before its first segment is whole."""
        return self.hls.media_playlist(kind)

    def resource(self, name: str) -> Resource:
        """Whatever the playlists name, as of now, the playlists included. KeyError.

        For requests that may wait: ``hls.playlist`` and ``hls.part``.
        """
        return self.hls.resource(name)

    # -- what the stream does

    @property
    def gaps(self) -> int:
        """Frames of this generation that players drop for their distance (Packager.gaps)."""
        return self._packager.gaps if self._packager is not None else 0

    def reset(self, gen: int, tracks: Mapping[Kind, Track], origin: float) -> None:
        """A new generation starts; ``origin`` is the Unix time of its media time 0."""
        self._finish_generation()
        self._dubbing = None
        self._packager = Packager(tracks, self._settings.part_ms)
        self._own = PartFeed(self._packager.inits, self._settings.join_bytes)
        self._gen = gen
        self._live = True
        self.cues.begin(gen, origin)
        self._unconverted = False
        heard = self._with_aac(tracks)
        self._to_hls.do(lambda: self.hls.reset(gen, heard, origin))
        for _, on_reset, _ in tuple(self._listeners.values()):
            on_reset()

    def write(self, unit: Unit) -> None:
        """Takes the next unit of the live generation."""
        assert self._packager is not None
        parts = self._packager.push(unit)
        if unit.kind == "a" and self._conversion is not None:
            self._conversion.push(unit)
        elif unit.kind == "v" or not self._unconverted:
            self._push_hls([unit])
        for part in parts:
            self._emit(part)

    def end(self) -> None:
        """The generation is over: its last part and segments go out, joins are refused."""
        self._finish_generation()
        self._to_hls.do(self.hls.end)
        self._live = False
        self._own = PartFeed({}, self._settings.join_bytes)

    async def settled(self) -> None:
        """Waits until HLS has heard of all that happened so far: FINISH_SECONDS at most."""
        await self._to_hls.settled()

    # -- within

    def _feed(self, audio: str | None) -> PartFeed:
        return self._dubbing.feed if audio == "aac" and self._dubbing is not None else self._own

    def _with_aac(self, tracks: Mapping[Kind, Track]) -> dict[Kind, Track]:
        """The tracks as HLS has them, Opus on its way into AAC."""
        made = dict(tracks)
        if "a" not in tracks or tracks["a"].codec != "opus":
            return made
        gen = self._gen

        def on_failed(reason: str) -> None:
            if gen == self._gen:
                self._lose_aac(reason)

        conversion = start_conversion(tracks["a"], self._on_aac, on_failed)
        if isinstance(conversion, str):
            self._unconverted = True
            self._on_no_aac(conversion)
            del made["a"]
            return made
        self._conversion = conversion
        inits: dict[Kind, Init] = {
            kind: init for kind, init in self._own.inits.items() if kind != "a"
        }
        self._dubbing = Dubbing(
            inits, conversion.track, self._settings.part_ms, self._settings.join_bytes
        )
        made["a"] = conversion.track
        return made

    def _on_aac(self, units: Sequence[Unit]) -> None:
        self._push_hls(units)
        if self._dubbing is not None:
            self._emit_dubbed(self._dubbing.push_audio(units))

    def _push_hls(self, units: Sequence[Unit]) -> None:
        def push() -> None:
            for unit in units:
                self.hls.push(unit)

        self._to_hls.do(push)

    def _lose_aac(self, reason: str) -> None:
        self._conversion = self._dubbing = None
        self._unconverted = True
        self._to_hls.do(self.hls.drop_audio)
        self._on_no_aac(reason)
        for _, on_reset, audio in tuple(self._listeners.values()):
            if audio == "aac":
                on_reset()

    @property
    def audio_lost(self) -> int:
        """Opus packets that could not be converted, since the stream was made."""
        now = self._conversion.lost if self._conversion is not None else 0
        return self._audio_lost + now

    def _finish_generation(self) -> None:
        if self._packager is not None and self._live:
            for part in self._packager.flush():
                self._emit(part)
        if self._conversion is not None:
            self._finish_conversion(self._conversion)
        if self._dubbing is not None:
            self._emit_dubbed(self._dubbing.flush())
        self._conversion = None

    def _finish_conversion(self, conversion: AudioConversion) -> None:
        """Who plays parts has its last sound too, unless another generation comes first."""
        fill, dubbing = self._to_hls.gap(), self._dubbing

        def on_rest(units: list[Unit]) -> None:
            def push() -> None:
                for unit in units:
                    self.hls.push(unit)

            self._audio_lost += conversion.lost
            fill(push)
            if dubbing is not None and dubbing is self._dubbing:
                self._emit_dubbed([*dubbing.push_audio(units), *dubbing.flush()])

        conversion.finish(on_rest)

    def _emit(self, part: Part) -> None:
        part = self._with_cues(part)
        if not self._own.keep(part):
            self._on_starved()
        self._tell(part, self._own)
        if self._dubbing is not None:
            self._emit_dubbed(self._dubbing.push_part(part))

    def _emit_dubbed(self, parts: Sequence[Part]) -> None:
        assert self._dubbing is not None
        for part in parts:
            if part.v is None:
                part = self._with_cues(part)
            self._dubbing.feed.keep(part)
            self._tell(part, self._dubbing.feed)

    def _with_cues(self, part: Part) -> Part:
        # Beside pictures, sound alone goes without: the next picture has them.
        if part.v is None and "v" in self._own.inits:
            return part
        boxes = self.cues.stamp(part.t)
        return part.with_events(boxes) if boxes else part

    def _tell(self, part: Part, feed: PartFeed) -> None:
        for on_part, _, audio in tuple(self._listeners.values()):
            if self._feed(audio) is feed:
                on_part(part)


def without_audio(part: Part) -> Part | None:
    """The part as a player without an audio track gets it; None where nothing is left."""
    if part.v is None:
        return None
    init: Mapping[Kind, Init] | None = part.init
    if init is not None:
        init = {"v": init["v"]} if "v" in init else None
    return replace(part, a=None, init=init)
