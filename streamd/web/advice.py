"""What a broadcaster should do: each notice and each bad figure in plain words, worst first.

The relay says what is the case; here is decided what a person should know of it, and it is said in
the page's language. The sentences stand in advice_words.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streamd.relay.health import Health
from streamd.relay.lifecycle import StreamState
from streamd.relay.notices import Notice, NoticeCode
from streamd.web.advice_words import WORDS, Words
from streamd.web.language import Catalogue

Facts = Mapping[str, str | int | float]

SETTLED_SECONDS = 8.0
"""A broadcast younger than this is still ramping up: its rates say nothing yet."""

LOW_FPS = 15.0
LOW_BITS_A_PIXEL = 0.02
"""Below this H.264 shows blocks wherever something moves; a still picture gets by with less."""

SMALL_PICTURE = 320 * 180
HIGH_KBPS = 6_000.0
LOSS_PERCENT = 2.0
HEAVY_LOSS_PERCENT = 10.0
SLOW_LINE_MS = 400.0
QUIET_SECONDS = 10.0


_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def advise(health: Health, catalogue: Catalogue) -> list[dict[str, str]]:
    """``{code, severity, title, advice}`` for each thing to tell, the worst first.

    ``code`` is stable, for other people's software; the rest is in the catalogue's language.
    """
    found: dict[str, tuple[Words, Facts]] = {}
    for code, variant, facts in (*_of_figures(health), *_of_notices(health.notices)):
        found.setdefault(code, (WORDS[variant], facts))
    ranked = sorted(found.items(), key=lambda item: -item[1][0].severity)
    return [
        {
            "code": code,
            "severity": words.severity.name.lower(),
            "title": _said(words.title, facts, catalogue),
            "advice": _said(words.advice, facts, catalogue),
        }
        for code, (words, facts) in ranked
    ]


def _of_notices(notices: tuple[Notice, ...]) -> Iterator[tuple[str, str, Facts]]:
    for notice in notices:
        yield notice.code.value, _variant(notice), notice.facts


def _variant(notice: Notice) -> str:
    """The entry of ``WORDS`` that fits a notice's facts."""
    facts = notice.facts
    if notice.code is NoticeCode.REFUSED and facts.get("medium") in ("video", "audio"):
        return f"refused_{facts['medium']}"
    if notice.code is NoticeCode.PROFILE and "bits" not in facts:
        return "profile_for_some"
    if notice.code is NoticeCode.LOSS and "percent" not in facts:
        return "lossy"
    if notice.code is NoticeCode.RECORDING_STOPPED and facts.get("reason") == "disk_full":
        return "disk_full"
    return notice.code.value


def _of_figures(health: Health) -> Iterator[tuple[str, str, Facts]]:
    if health.state is StreamState.STALLED:
        yield "stalled", "stalled", {"seconds": round(health.ends_in_seconds or 0)}
    if health.state is not StreamState.LIVE:
        return
    yield from _of_the_line(health)
    yield from _of_the_sound(health)
    if health.uptime_seconds >= SETTLED_SECONDS and health.fps > 0:
        yield from _of_the_picture(health)


def _of_the_line(health: Health) -> Iterator[tuple[str, str, Facts]]:
    if health.link is None:
        return
    loss = health.link.loss_percent or 0.0
    if loss >= LOSS_PERCENT:
        variant = "heavy_loss" if loss >= HEAVY_LOSS_PERCENT else "loss"
        yield "loss", variant, {"percent": round(loss)}
    if (health.link.rtt_ms or 0.0) >= SLOW_LINE_MS:
        yield "slow_line", "slow_line", {}


def _of_the_sound(health: Health) -> Iterator[tuple[str, str, Facts]]:
    if health.level is None:
        return
    if health.level.quiet_seconds >= QUIET_SECONDS:
        yield "silence", "silence", {}
    if health.level.clipping:
        yield "clipping", "clipping", {}


def _of_the_picture(health: Health) -> Iterator[tuple[str, str, Facts]]:
    pixels = health.width * health.height
    size: Facts = {
        "kbps": round(health.bitrate_kbps),
        "width": health.width,
        "height": health.height,
    }
    if health.fps < LOW_FPS:
        yield "low_fps", "low_fps", {"fps": round(health.fps)}
    if health.bitrate_kbps > HIGH_KBPS:
        yield "high_bitrate", "high_bitrate", size
    elif pixels > SMALL_PICTURE and (
        health.bitrate_kbps * 1000 < LOW_BITS_A_PIXEL * pixels * health.fps
    ):
        yield "low_bitrate", "low_bitrate", size


class _Shown(dict[str, str]):
    """Facts as text; one that nobody told is a dash, never an error."""

    def __missing__(self, key: str) -> str:
        return "–"


def _said(msgid: str, facts: Facts, catalogue: Catalogue) -> str:
    shown = _Shown({name: _shown(value, catalogue) for name, value in facts.items()})
    return catalogue.gettext.gettext(msgid) % shown


def _shown(value: str | int | float, catalogue: Catalogue) -> str:
    text = value if isinstance(value, str) else f"{value:g}"
    # Names keep their digits: “High 10” and “4:2:2” are what stands in the encoder's settings.
    return text.translate(_PERSIAN) if catalogue.language == "fa" and text != value else text
