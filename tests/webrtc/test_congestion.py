"""What a viewer loses of the picture, and when it gets it back."""

from __future__ import annotations

from streamd.webrtc.congestion import (
    CALM_SECONDS,
    RECOVERY_SECONDS,
    REST_SECONDS,
    WARM_UP_SECONDS,
    Congestion,
    Level,
)


def passes(congestion: Congestion, now: float, *, key: bool = False, plain: bool = False) -> bool:
    return congestion.passes(key=key, disposable=plain, now=now)


def level_of(congestion: Congestion) -> Level:
    return congestion.level


def congested(now: float = 10.0) -> Congestion:
    """Two bad reports, a second apart."""
    made = Congestion(0.0)
    made.lost(0.5, now)
    made.lost(0.5, now + 1)
    return made


def test_first_the_pictures_go_that_no_other_refers_to() -> None:
    congestion = Congestion(0.0)
    assert passes(congestion, 1.0, plain=True)
    congestion.lost(0.5, 10.0)
    assert level_of(congestion) is Level.REFERENCES
    assert not passes(congestion, 10.1, plain=True)
    assert passes(congestion, 10.1)


def test_a_step_is_given_time_to_show() -> None:
    congestion = Congestion(0.0)
    congestion.lost(0.5, 10.0)
    congestion.lost(0.5, 10.3)
    assert level_of(congestion) is Level.REFERENCES
    congestion.lost(0.5, 10.9)
    assert level_of(congestion) is Level.KEYFRAMES


def test_then_all_up_to_a_keyframe_and_on_from_there_when_it_is_quiet() -> None:
    congestion = congested()
    assert level_of(congestion) is Level.KEYFRAMES
    assert not passes(congestion, 11.5)
    assert passes(congestion, 11.5, key=True)
    assert not passes(congestion, 11.6), "the keyframe came before it was quiet for long enough"
    assert passes(congestion, 11.0 + REST_SECONDS[0], key=True)
    assert passes(congestion, 12.6)
    assert not passes(congestion, 12.6, plain=True)
    assert congestion.steps == 2


def test_each_relapse_waits_longer() -> None:
    congestion, now = Congestion(0.0), 10.0
    waits: list[float] = []
    for _ in range(5):
        while congestion.level is not Level.KEYFRAMES:
            now += 1
            congestion.lost(0.5, now)
        bad = now
        while congestion.level is Level.KEYFRAMES:
            now += 0.5
            passes(congestion, now, key=True)
        waits.append(now - bad)
    assert waits == [*REST_SECONDS, REST_SECONDS[-1]]


def test_after_a_calm_time_the_wait_is_short_again() -> None:
    congestion = congested()
    passes(congestion, 20.0, key=True)
    now = 20.0 + CALM_SECONDS
    congestion.lost(0.5, now)
    assert level_of(congestion) is Level.KEYFRAMES
    assert passes(congestion, now + REST_SECONDS[0], key=True)
    assert level_of(congestion) is Level.REFERENCES


def test_good_reports_bring_everything_back() -> None:
    congestion = Congestion(0.0)
    congestion.lost(0.5, 10.0)
    for at in range(1, 5):
        congestion.lost(0.0, 10.0 + at)
        assert level_of(congestion) is Level.REFERENCES
    congestion.lost(0.0, 10.5 + RECOVERY_SECONDS)
    assert level_of(congestion) is Level.EVERYTHING


def test_a_little_loss_changes_nothing() -> None:
    congestion = Congestion(0.0)
    for at in range(60):
        congestion.lost(0.05, float(at))
    assert level_of(congestion) is Level.EVERYTHING


def test_one_bad_second_on_a_lossy_path_changes_nothing() -> None:
    congestion = Congestion(0.0)
    for at in range(60):
        congestion.lost(0.15 if at % 5 == 0 else 0.04, float(at))
    assert congestion.level is Level.EVERYTHING


def test_losses_are_counted_over_enough_packets() -> None:
    congestion = Congestion(0.0)
    congestion.reported(0, 1_000, 1.0)
    congestion.reported(2, 1_012, 1.5)
    assert congestion.loss == 0
    congestion.reported(2, 1_050, 2.0)
    assert congestion.loss == 0.4 * 2 / 50
    congestion.reported(12, 1_060, 3.0)
    congestion.reported(12, 1_060, 30.0)
    assert congestion.level is Level.REFERENCES
    congestion.reported(0, 3, 31.0)
    congestion.reported(-5, 60, 32.0)
    assert congestion.loss < 0.5


def watched(congestion: Congestion, share: float, start: float, seconds: int) -> float:
    """Estimates of ``share`` of 800 kbit/s, a second apart; when the last one came."""
    for at in range(seconds):
        now = start + at
        congestion.estimated(int(800_000 * share), int(100_000 * now), now)
    return start + seconds


def test_estimates_below_what_is_sent_count_when_they_last() -> None:
    congestion = Congestion(0.0)
    now = watched(congestion, 1.4, WARM_UP_SECONDS, 5)
    assert level_of(congestion) is Level.EVERYTHING
    now = watched(congestion, 0.6, now, 2)
    assert level_of(congestion) is Level.EVERYTHING
    now = watched(congestion, 0.6, now, 2)
    assert level_of(congestion) is Level.REFERENCES
    assert congestion.estimate == 480_000
    watched(congestion, 0.6, now, 4)
    assert level_of(congestion) is Level.KEYFRAMES


def test_right_after_the_start_or_a_burst_estimates_are_not_believed() -> None:
    congestion = Congestion(0.0)
    watched(congestion, 0.3, 0.0, int(WARM_UP_SECONDS))
    assert level_of(congestion) is Level.EVERYTHING
    congestion.burst(10.0)
    watched(congestion, 0.3, 10.0, int(WARM_UP_SECONDS))
    assert level_of(congestion) is Level.EVERYTHING


def test_a_trickle_says_nothing_about_the_path() -> None:
    congestion = Congestion(0.0)
    for at in range(10, 30):
        congestion.estimated(1_000, 2_000 * at, float(at))
    assert level_of(congestion) is Level.EVERYTHING
