"""A publisher whose line breaks and who comes back, or whose place another takes: viewers stay."""

from __future__ import annotations

import pytest

from tests.browser.pages.conftest import Theatre
from tests.browser.pages.steps import PLAYER, advances, go_live, numbers

pytestmark = pytest.mark.browser


def lose_and_return(theatre: Theatre) -> None:
    """The publisher is gone for two seconds; then another goes on with the same stream."""
    stream = theatre.stage.streams.get("mina")
    theatre.do(stream.take_over, "the test's line breaks")
    theatre.do(theatre.stage.set_stream, "mina", "stalled", 3)
    theatre.until(f"{PLAYER}.phase === 'stalled'")
    assert stream.state.value == "stalled"
    theatre.page.wait_for_timeout(2_000)
    go_live(theatre)


def test_by_websocket_the_same_socket_goes_on(card: Theatre) -> None:
    advances(card)
    card.page.evaluate(f"() => {{ window.before = {PLAYER}.route.socket.socket; }}")
    gen = card.stage.streams.get("mina").gen
    lose_and_return(card)
    card.until(f"{PLAYER}.route.gen === {gen + 1}")
    advances(card)
    assert card.page.evaluate(f"window.before === {PLAYER}.route.socket.socket")
    assert card.page.evaluate("window.before.readyState === WebSocket.OPEN")


def test_by_hls_the_same_playlist_goes_on(card: Theatre) -> None:
    card.open("/watch/mina?path=hls")
    advances(card)
    card.page.evaluate(f"() => {{ window.before = {PLAYER}.route.hls; }}")
    lose_and_return(card)
    started = card.stage.streams.get("mina").started_at
    assert started is not None
    card.until(f"{PLAYER}.route?.hls?.playingDate?.getTime() > {started * 1000}")
    assert advances(card)["path"] == "hls"
    assert card.page.evaluate(f"window.before === {PLAYER}.route.hls")
    text = card.stage.streams.get("mina").window.media_playlist("v")
    assert "#EXT-X-DISCONTINUITY" in text
    assert "#EXT-X-ENDLIST" not in text
    assert numbers(card)["path"] == "hls"
