from __future__ import annotations

from streamd.feeds import codes


def test_every_reason_fits_a_close_frame() -> None:
    """RFC 6455 §5.5: 125 bytes of a control frame, two of them the code."""
    assert all(len(row.reason.encode()) <= 123 for row in codes.Disconnect)


def test_codes_of_streamd_stand_outside_centrifuges_range() -> None:
    """centrifuge errors.go: application codes are 400–1999; streamd's are 1001–1010."""
    ours = [code for code in codes.ErrorCode if code > 399]
    assert ours == list(range(1001, 1011))


def test_clients_come_back_after_what_passes_and_stay_away_after_what_does_not() -> None:
    """centrifuge disconnect.go: 3000–3499 reconnect, 3500–3999 do not."""
    rows = codes.Disconnect
    back = {rows.SHUTDOWN, rows.SERVER_ERROR, rows.EXPIRED, rows.SLOW, rows.NO_PONG}
    away = {rows.INVALID_TOKEN, rows.BAD_REQUEST, rows.STALE, rows.NOT_AVAILABLE}
    assert all(3000 <= row.code < 3500 for row in back)
    assert all(3500 <= row.code < 4000 for row in away)


def test_only_errors_worth_repeating_are_temporary() -> None:
    """A stock client repeats a subscribe after a temporary error, and gives up after others."""
    temporary: set[type[codes.FeedError]] = {
        codes.NotLive,
        codes.TooManyRequests,
        codes.TryAgain,
    }
    kinds: list[type[codes.FeedError]] = [*codes.FeedError.__subclasses__(), codes.NotLive]
    for kind in kinds:
        assert kind.temporary == (kind in temporary)
