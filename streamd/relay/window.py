"""What a stream's viewers can get right now: the join replay, the live parts, the HLS window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from streamd import config
from streamd.errors import StreamError
from streamd.media.parts import Init, Join, Part
from streamd.media.units import Kind, Track, Unit
from streamd.relay.hls import Hls, Resource
from streamd.relay.packager import Packager
from streamd.relay.segmenter import Segment

Listener = tuple[Callable[[Part], None], Callable[[], None]]
SegmentListener = tuple[Callable[[Segment, Init], None], Callable[[], None]]


class Window:
    """The parts since the last keyframe, whoever listens for the next ones, and HLS.

    Everything happens synchronously on the loop, in order. The replay holds at most
    ``join_bytes``; past it, it is empty until the next keyframe and ``on_starved`` is called once,
    so that a source which can make a keyframe is asked for one. ``token`` makes the names of HLS
    segments this process's own (hls.Hls).
    """

    def __init__(
        self,
        stream_id: str,
        settings: config.Relay,
        on_starved: Callable[[], None] = lambda: None,
        *,
        token: str,
    ) -> None:
        self._id = stream_id
        self._settings = settings
        self._on_starved = on_starved
        self._packager: Packager | None = None
        self._gen = 0
        self._replay: list[Part] = []
        self._replay_bytes = 0
        self._starved = False
        self._live = False
        self._listeners: dict[object, Listener] = {}
        self._hls = Hls(settings, token)

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
        if self._packager is None or not self._live:
            raise StreamError(f"Stream “{self._id}” is not live.", self._id)
        inits = self._packager.inits
        if audio is not None or "v" not in inits:
            return Join(self._gen, inits, tuple(self._replay))
        parts = (without_audio(part) for part in self._replay)
        return Join(self._gen, {"v": inits["v"]}, tuple(part for part in parts if part is not None))

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
        self._listeners[token] = (on_part, on_reset)

        def unlisten() -> None:
            self._listeners.pop(token, None)

        return unlisten

    def follow(
        self,
        on_segment: Callable[[Segment, Init], None],
        on_end: Callable[[], None] = lambda: None,
    ) -> Callable[[], None]:
        """Calls ``on_segment`` for each whole segment of either track, with the initialisation
        segment it is decoded with, and ``on_end`` after a publication's last one.

        A segment's ``sequence`` rises by one a track for as long as the process lives. Returns the
        function that ends the following; it may be called within a callback and twice.
        """
        return self._hls.follow(on_segment, on_end)

    # -- what HTTP asks for

    def multivariant_playlist(self) -> str:
        """RFC 8216 multivariant playlist. KeyError before the first segment is whole."""
        return self._hls.multivariant_playlist()

    def media_playlist(self, kind: Kind) -> str:
        """RFC 8216 media playlist of a track. KeyError before its first segment is whole."""
        return self._hls.media_playlist(kind)

    def init_segment(self, kind: Kind, gen: int, version: int = 0) -> bytes:
        """EXT-X-MAP's bytes; ``version`` counts a generation's configurations. KeyError."""
        return self._hls.init_segment(kind, gen, version)

    def segment(self, kind: Kind, gen: int, sequence: int) -> bytes:
        """A segment's bytes. KeyError where it never was or is long gone."""
        return self._hls.segment(kind, gen, sequence)

    def resource(self, name: str) -> Resource:
        """Whatever the playlists name, the playlists included. KeyError."""
        return self._hls.resource(name)

    # -- what the stream does

    @property
    def gaps(self) -> int:
        """Frames of this generation that players drop for their distance (Packager.gaps)."""
        return self._packager.gaps if self._packager is not None else 0

    def reset(self, gen: int, tracks: Mapping[Kind, Track], origin: float) -> None:
        """A new generation starts; ``origin`` is the Unix time of its media time 0."""
        self._flush()
        self._packager = Packager(tracks, self._settings.part_ms)
        self._gen = gen
        self._live = True
        self._clear_replay()
        self._hls.reset(gen, tracks, self._packager.inits, origin)
        for _, on_reset in tuple(self._listeners.values()):
            on_reset()

    def write(self, unit: Unit) -> None:
        """Takes the next unit of the live generation."""
        assert self._packager is not None
        parts = self._packager.push(unit)
        self._hls.push(unit, self._packager.inits)
        for part in parts:
            self._emit(part)

    def end(self) -> None:
        """The generation is over: its last part and segments go out, joins are refused."""
        self._flush()
        self._hls.end()
        self._live = False
        self._clear_replay()

    def _flush(self) -> None:
        if self._packager is not None and self._live:
            for part in self._packager.flush():
                self._emit(part)

    def _emit(self, part: Part) -> None:
        if part.key:
            self._clear_replay()
        if not self._starved and (part.key or self._replay):
            self._keep(part)
        for on_part, _ in tuple(self._listeners.values()):
            on_part(part)

    def _keep(self, part: Part) -> None:
        self._replay.append(part)
        self._replay_bytes += part.size
        if self._replay_bytes > self._settings.join_bytes:
            self._clear_replay()
            self._starved = True
            self._on_starved()

    def _clear_replay(self) -> None:
        self._replay = []
        self._replay_bytes = 0
        self._starved = False


def without_audio(part: Part) -> Part | None:
    """The part as a player without an audio track gets it; None where nothing is left."""
    if part.v is None:
        return None
    init: Mapping[Kind, Init] | None = part.init
    if init is not None:
        init = {"v": init["v"]} if "v" in init else None
    return replace(part, a=None, init=init)
