"""Who watches one stream by WHEP: what each is given, and what all of them were sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streamd.webrtc.sound_packets import Sounds
from streamd.webrtc.viewer import Counters, Viewer


class Audience:
    """Viewers, in the order in which they came. ``departed``: what those who left were sent."""

    def __init__(self) -> None:
        self.departed = Counters()
        self._viewers: dict[Viewer, Callable[[], None]] = {}
        self._by_sound: dict[bool, dict[Viewer, None]] = {True: {}, False: {}}

    def __len__(self) -> int:
        return len(self._viewers)

    def __iter__(self) -> Iterator[Viewer]:
        return iter(tuple(self._viewers))

    def add(self, viewer: Viewer, on_tracks: Callable[[], None]) -> None:
        """One comes; ``on_tracks`` is for ``tell``."""
        self._viewers[viewer] = on_tracks
        self._by_sound[viewer.pairs][viewer] = None

    def remove(self, viewer: Viewer) -> None:
        """One leaves; may be called twice."""
        if self._viewers.pop(viewer, None) is not None:
            self._by_sound[viewer.pairs].pop(viewer, None)
            self.departed.add(viewer.total())

    def tell(self) -> None:
        """The tracks changed."""
        for on_tracks in tuple(self._viewers.values()):
            on_tracks()

    def give(self, packets: Sounds, now: float) -> list[Viewer]:
        """Under True to those who get sound in pairs, under False to the others.

        Returns those whose packets cannot be protected any more.
        """
        spent: list[Viewer] = []
        for pairs, given in packets.items():
            for one in given:
                for viewer in self._by_sound[pairs]:
                    try:
                        viewer.push(one, now)
                    except ConnectionError:
                        spent.append(viewer)
        return spent

    def total(self) -> Counters:
        """What all were sent, those who left included."""
        total = Counters()
        total.add(self.departed)
        for viewer in self._viewers:
            total.add(viewer.total())
        return total
