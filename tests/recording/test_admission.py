"""Which segments are taken: gaps begin and end at keyframes, both tracks at the same time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamd.recording.admission import Admission, Place
from tests.recording.segments import segment


def test_an_undisturbed_recording_has_one_run() -> None:
    admission = Admission()
    for n in range(3):
        assert admission.admit(segment("v", n * 2), room=True) == Place(n, 0)
        assert admission.admit(segment("a", n * 2), room=True) == Place(n, 0)


def test_a_new_generation_is_a_new_run_for_both() -> None:
    admission = Admission()
    admission.admit(segment("v"), room=True)
    admission.admit(segment("a"), room=True)
    assert admission.admit(segment("v", gen=2, discontinuity=True), room=True) == Place(1, 1)
    assert admission.admit(segment("a", gen=2, discontinuity=True), room=True) == Place(1, 1)


def test_a_new_configuration_is_a_new_run_for_both() -> None:
    admission = Admission()
    admission.admit(segment("v"), room=True)
    admission.admit(segment("a"), room=True)
    assert admission.admit(segment("v", 2, discontinuity=True), room=True) == Place(1, 1)
    assert admission.admit(segment("a", 2, discontinuity=True), room=True) == Place(1, 1)
    assert admission.admit(segment("v", 4), room=True) == Place(2, 1)


def test_the_first_segment_s_discontinuity_is_none() -> None:
    admission = Admission()
    assert admission.admit(segment("v", discontinuity=True), room=True) == Place(0, 0)
    assert admission.admit(segment("a", discontinuity=True), room=True) == Place(0, 0)


def test_without_room_both_wait_for_a_keyframe() -> None:
    admission = Admission()
    admission.admit(segment("v", 0), room=True)
    admission.admit(segment("a", 0), room=False)  # belongs to what was taken
    assert admission.admit(segment("v", 2), room=False) is None
    assert admission.admit(segment("a", 2), room=True) is None
    assert admission.admit(segment("v", 4, independent=False), room=True) is None
    assert admission.admit(segment("a", 4), room=True) is None
    assert admission.admit(segment("v", 6), room=True) == Place(1, 1)
    assert admission.admit(segment("a", 6), room=True) == Place(1, 1)


def test_what_was_admitted_and_lost_does_not_count() -> None:
    admission = Admission()
    admission.admit(segment("v", 0), room=True)
    for n in range(1, 50):
        admission.admit(segment("v", n * 2), room=True)
        admission.interrupt(kept=0)
    place = admission.admit(segment("v", 100), room=True)
    assert place is not None
    assert place.run == 1


def test_sound_from_before_the_resumption_stays_out() -> None:
    admission = Admission()
    admission.admit(segment("v", 0), room=True)
    admission.interrupt()
    assert admission.admit(segment("v", 2), room=True) == Place(1, 1)
    assert admission.admit(segment("a", 0), room=True) is None
    assert admission.admit(segment("a", 2.02), room=True) == Place(0, 1)


def test_sound_does_not_end_a_gap_of_pictures() -> None:
    admission = Admission()
    assert admission.admit(segment("v", 0, gen=2), room=False) is None
    assert admission.admit(segment("a", 0, gen=2), room=True) is None
    assert admission.skipping


def test_sound_alone_leads() -> None:
    admission = Admission()
    assert admission.admit(segment("a", 0), room=True) == Place(0, 0)
    assert admission.admit(segment("a", 2), room=False) is None
    assert admission.admit(segment("a", 4), room=True) == Place(1, 1)


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), st.booleans(), st.sampled_from((0, 1))),
        max_size=40,
    )
)
def test_both_tracks_always_have_the_same_run(
    events: list[tuple[bool, bool, bool, int]],
) -> None:
    """(room, keyframe, new configuration, new generation) for each pair of segments."""
    admission = Admission()
    gen, runs = 1, {"v": [-1], "a": [-1]}
    for place, (room, independent, discontinuity, new) in enumerate(events):
        gen += new
        both = [
            admission.admit(
                segment(
                    kind,
                    place * 2,
                    gen=gen,
                    independent=independent or kind == "a",
                    discontinuity=discontinuity or bool(new),
                ),
                room,
            )
            for kind in ("v", "a")
        ]
        if both[0] is None:
            assert both[1] is None
        else:
            assert both[1] is not None
            assert both[0].run == both[1].run
            runs["v"].append(both[0].run)
    steps = [after - before for before, after in zip(runs["v"], runs["v"][1:], strict=False)]
    assert all(step in (0, 1) for step in steps)
