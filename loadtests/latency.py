"""Glass to glass: from the clock painted into a picture to the clock when a browser shows it.

Server, publisher and a real Chromium run on this machine, so they share one clock. Each picture
carries the moment of its capture as a row of blocks; in the watch page each shown frame is read
back (``requestVideoFrameCallback``, canvas) and compared with ``Date.now()``.

A/V offset: sound delay less picture delay, both against the publisher's clock. A tone begins with
each whole second; an AudioWorklet on the element's sound tells when it comes out. Positive: sound
is late. The method's own error: up to one display refresh (17 ms) of the picture, one hardware
buffer (about 10 ms) of the sound, about 20 ms while the player changes its speed (the browser
stretches sound in windows), and with WHIP the publisher's own offset between canvas and tone.
"""

from __future__ import annotations

import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from loadtests import chromium, machine
from loadtests.errors import WorkerFailed
from loadtests.processes import cpu_seconds
from loadtests.report import Goal, Report, percentile
from loadtests.served import STREAM, Served, streamd
from streamd.media.testcard_picture import CODE_BITS, CODE_BLOCKS, ROWS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

Source = Literal["aac", "opus", "whip"]
Way = Literal["ws", "hls", "whep"]
DELAY_GOALS: Final[dict[Way, float]] = {"ws": 250, "hls": 1_500, "whep": 200}
"""Glass to glass, p95, in milliseconds."""
_CARDS: Final = {
    "aac": "test card, AAC",
    "opus": "test card, Opus",
    "whip": "Chromium by WHIP, Opus",
}
_PATHS: Final = {"ws": "WebSocket", "hls": "low-latency HLS", "whep": "WHEP"}
LAYOUT: Final = {"width": 640, "blocks": CODE_BLOCKS, "bits": CODE_BITS, "rows": ROWS}
HEIGHT: Final = 360
WHIP_FPS: Final = 30
START_MS: Final = 40_000
SETTLE_SECONDS: Final = 4.0
_AROUND_MS: Final = 300


@dataclass(frozen=True)
class Plan:
    """How much: ``runs`` windows of ``seconds``; joins in the page, whole page loads, tones."""

    sources: tuple[Source, ...] = ("aac", "opus", "whip")
    seconds: float = 10.0
    runs: int = 3
    joins: int = 20
    loads: int = 8
    tones: int = 15
    paths: tuple[Way, ...] = ("ws", "hls", "whep")


Frame = tuple[int, float, float]
"""A shown picture in Unix ms: captured, read, expected on the display."""


def offsets(frames: Sequence[Frame], onsets: Sequence[float]) -> list[float]:
    """Sound delay less picture delay in ms, one a tone.

    A tone belongs to the whole second that the pictures shown as it sounds were captured around;
    the picture delay is the median of the pictures captured around that second. Tones without
    pictures around them are left out.
    """
    if not frames:
        return []
    usual = statistics.median(shown - captured for captured, _, shown in frames)
    found = []
    for onset in onsets:
        second = round((onset - usual) / 1000) * 1000
        around = [
            shown - captured
            for captured, _, shown in frames
            if abs(captured - second) <= _AROUND_MS
        ]
        if around:
            found.append(onset - second - statistics.median(around))
    return found


def run(plan: Plan, say: Callable[[str], None]) -> Report:
    """Measures and reports."""
    with chromium.playwright() as driver, chromium.browser(driver) as viewer:
        report = Report(
            f"latency: glass to glass on one machine, {plan.runs} windows of {plan.seconds:g} s",
            machine.description([f"Chromium {viewer.version}"]),
        )
        for source in plan.sources:
            with _publishing(driver, source) as served:
                _measure(report, plan, source, served, viewer, say)
    report.notes += [
        "glass to glass: Date.now() in requestVideoFrameCallback less the clock in the picture.",
        "first picture: from the player's decision to join until the new join's first frame is "
        "shown; the page keeps its scripts. Page load: from the navigation's start.",
        "A/V: sound delay less picture delay, positive where sound is late; own error about 20 ms "
        "(see loadtests/latency.py), with WHIP also the publisher's own offset. By WHEP an upper "
        "bound: Web Audio hears a stream through a buffer of its own, later than the speaker.",
    ]
    return report


@contextmanager
def _publishing(driver: Playwright, source: Source) -> Iterator[Served]:
    """A streamd that is live: from the test card, or from a page of another Chromium."""
    card = "none" if source == "whip" else source
    with (
        tempfile.TemporaryDirectory(prefix="lt") as name,
        streamd(Path(name), ("-m", "loadtests.card_server", card)) as served,
    ):
        if source != "whip":
            yield served
            return
        with chromium.browser(driver) as publisher, chromium.context(publisher) as context:
            page = context.new_page()
            page.goto(f"{served.url}/healthz")
            page.evaluate(
                chromium.script("publisher"),
                {
                    "layout": LAYOUT,
                    "height": HEIGHT,
                    "fps": WHIP_FPS,
                    "url": f"{served.url}/whip/{STREAM}",
                    "key": served.key,
                },
            )
            yield served


def _measure(
    report: Report,
    plan: Plan,
    source: Source,
    served: Served,
    viewer: Browser,
    say: Callable[[str], None],
) -> None:
    for path in plan.paths:
        report.section(f"{_CARDS[source]}, by {_PATHS[path]}")
        with chromium.context(viewer) as context:
            _by_path(report, plan, (source, path), served, context, say)
        if path == "ws":
            say(f"{source}: page loads")
            _add_loads(report, plan, served, viewer)


def _by_path(
    report: Report,
    plan: Plan,
    what: tuple[Source, Way],
    served: Served,
    context: BrowserContext,
    say: Callable[[str], None],
) -> None:
    """Delay, joins and the A/V offset of one way out."""
    source, path = what
    say(f"{source}, {path}: glass to glass")
    page = _watch(context, served, path)
    page.wait_for_timeout(SETTLE_SECONDS * 1000)
    page.evaluate("loadTest.take()")
    cpu = cpu_seconds(served.process.pid)
    windows = [_window(page, plan.seconds) for _ in range(plan.runs)]
    cpu = cpu_seconds(served.process.pid) - cpu
    _add_delays(report, windows, Goal("≤", DELAY_GOALS[path]))
    share = cpu / (plan.seconds * plan.runs) * 100
    shown = [shown - at for one in windows for at, _, shown in one["frames"]]
    report.notes.append(
        f"{_CARDS[source]}, {_PATHS[path]}: {windows[-1]['rebuffers']} stalls; p95 to the display "
        f"{percentile(shown, 0.95):.0f} ms; the server used {share:.0f} % of a core"
        + (
            " (publisher in another browser)."
            if source == "whip"
            else ", the card's encoder in it."
        )
    )
    say(f"{source}, {path}: joins")
    joins = [_rejoin(page) for _ in range(plan.joins)]
    goal = Goal("≤", 300) if path != "hls" else None
    report.add("first picture after join, p50", [percentile(joins, 0.5)], "ms")
    report.add("first picture after join, p95", [percentile(joins, 0.95)], "ms", goal)
    say(f"{source}, {path}: sound")
    page.evaluate("loadTest.listen()")
    page.wait_for_timeout(SETTLE_SECONDS * 1000)
    page.evaluate("loadTest.take()")
    heard = _window(page, plan.tones + 0.5)
    found = offsets(heard["frames"], heard["onsets"])
    report.add(
        "A/V offset, median",
        [abs(percentile(found, 0.5))],
        "ms",
        # What plays a stream lies beside Web Audio, which hears it a buffer of its own later.
        None if path == "whep" else Goal("≤", 40),
        f"{percentile(found, 0.5):+.0f} ms of {len(found)} tones" if found else "no tone was heard",
    )
    report.add("A/V offset, p95", [percentile([abs(one) for one in found], 0.95)], "ms")


def _watch(context: BrowserContext, served: Served, path: str) -> Page:
    """A watch page that plays on ``path`` with its sound on and the measure installed."""
    page = context.new_page()
    page.goto(f"{served.url}/watch/{STREAM}?lang=en&path={path}")
    page.wait_for_function(
        "path => { const p = document.querySelector('streamd-player');"
        " return p?.path === path && p.phase === 'playing' && p.stats.framesDecoded > 5; }",
        arg=path,
        timeout=START_MS,
    )
    page.evaluate(chromium.script("viewer"), LAYOUT)
    page.evaluate("loadTest.unmute()")
    return page


def _window(page: Page, seconds: float) -> dict[str, Any]:
    page.wait_for_timeout(seconds * 1000)
    taken: dict[str, Any] = page.evaluate("loadTest.take()")
    if not taken["frames"]:
        raise WorkerFailed(f"No readable picture in {seconds:g} s ({taken['unreadable']} others).")
    return taken


def _rejoin(page: Page) -> float:
    # At no fixed place between two keyframes.
    page.wait_for_timeout(random.uniform(400, 1_400))
    return float(page.evaluate("loadTest.rejoin()"))


def _add_delays(report: Report, windows: Sequence[dict[str, Any]], goal: Goal | None) -> None:
    delays = [[read - captured for captured, read, _ in one["frames"]] for one in windows]
    report.add("glass to glass, p50", [percentile(one, 0.5) for one in delays], "ms")
    report.add(
        "glass to glass, p95",
        [percentile(one, 0.95) for one in delays],
        "ms",
        goal,
        f"{sum(map(len, delays)):,} pictures",
    )


def _add_loads(report: Report, plan: Plan, served: Served, viewer: Browser) -> None:
    joins, loads = [], []
    for _ in range(plan.loads):
        with chromium.context(viewer) as context:
            context.add_init_script(chromium.script("first_picture"))
            page = context.new_page()
            page.goto(f"{served.url}/watch/{STREAM}?lang=en&path=ws")
            page.wait_for_function("window.loadTestFirstPicture > 0", timeout=START_MS)
            loads.append(float(page.evaluate("loadTestFirstPicture")))
            joins.append(
                float(page.evaluate("document.querySelector('streamd-player').firstPictureMs"))
            )
    if plan.loads:
        report.add(
            "first picture in a new page, p50",
            [percentile(joins, 0.5)],
            "ms",
            None,
            "from the join",
        )
        report.add(
            "whole page load, p50",
            [percentile(loads, 0.5)],
            "ms",
            None,
            "from the navigation, empty cache",
        )
