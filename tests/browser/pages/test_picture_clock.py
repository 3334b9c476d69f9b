"""The broadcast's clock on a page, and what polls do by it: pure rules, run in a browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.pages.conftest import Theatre

pytestmark = pytest.mark.browser

_LOAD = """
  const base = document.querySelector("script[src*='watch.js']").src;
  const load = (name) => import(new URL(`player/${name}.js`, base));
  const { Behind, isWaiting } = await load("picture_clock");
  const { PollCues, onScreen } = await load("cues");
"""


@pytest.fixture
def rules(theatre: Theatre) -> Theatre:
    """A page that has the modules; no picture is needed for them."""
    theatre.open()
    return theatre


def run(rules: Theatre, script: str) -> Any:
    return rules.page.evaluate(f"async () => {{ {_LOAD} {script} }}")


def test_a_picture_that_moves_is_the_clock_and_one_that_stands_goes_on_by_the_wall(
    rules: Theatre,
) -> None:
    found = run(
        rules,
        """
        const behind = new Behind(1000);
        const moving = [behind.time(991, 1000), behind.time(992, 1001), behind.time(992, 1001.9)];
        const paused = [behind.time(992, 1003), behind.time(992, 1031), behind.time(null, 1061)];
        return [moving, paused, behind.time(1000, 1062)];
        """,
    )
    assert found == [[991, 992, 992], [994, 1022, 1052], 1000]


def test_whoever_waits_for_media_falls_behind_and_goes_on_from_there(rules: Theatre) -> None:
    found = run(
        rules,
        """
        const behind = new Behind(1000);
        behind.time(991, 1000);
        const waits = [1001, 1005, 1013.78].map((now) => behind.time(991, now, true));
        const rebuilt = behind.time(null, 1014, true);
        const plays = [behind.time(991.1, 1014.5), behind.time(992, 1015.4)];
        const stops = behind.time(992, 1020);
        return [waits, rebuilt, plays, stops];
        """,
    )
    assert found[0] == [991, 991, 991]
    assert found[1] == 991
    assert found[2] == [991.1, 992]
    assert found[3] == pytest.approx(1020 - 23.4)


def test_nobody_waits_for_ever(rules: Theatre) -> None:
    found = run(
        rules,
        """
        const behind = new Behind(1000);
        behind.time(999, 1000);
        const waits = [1029, 1031, 1041].map((now) => behind.time(999, now, true));
        const none = new Behind(1000);
        const first = [1001, 1006, 1029, 1031].map((now) => none.time(null, now, true));
        const without = [1001, 1006].map((now) => none.time(null, now));
        return [waits, first, without];
        """,
    )
    waits, first, without = found
    assert waits[0] == 999
    assert waits[2] - waits[1] == pytest.approx(10), "by the wall clock again"
    assert waits[1] - waits[0] < 5, "and no jump"
    assert first == [989, 994, 1017, 1031]
    assert without == [989, 1006]


def test_who_waits_for_media(rules: Theatre) -> None:
    """A viewer who paused, is not let play, or has nothing to wait for does not."""
    found = run(
        rules,
        """
        const video = { seeking: false, readyState: 2 };
        const stream = { state: "live" };
        const wish = { wantsPlay: true, isBlocked: false };
        const plain = { route: {}, path: "hls", ...wish, video, stream };
        const ask = (change, isHidden = false) => isWaiting({ ...plain, ...change }, isHidden);
        return [
          ask({}),
          ask({ video: { seeking: true, readyState: 4 } }),
          ask({ stream: { state: "ended" }, path: "dvr" }),
          ask({ video: { seeking: false, readyState: 3 } }),
          ask({ wantsPlay: false }),
          ask({ isBlocked: true }),
          ask({ route: null }),
          ask({ stream: { state: "stalled" } }),
          ask({}, true),
          isWaiting(null),
        ];
        """,
    )
    assert found == [True] * 3 + [False] * 7


def test_a_poll_is_met_at_its_picture_or_in_time_for_an_answer(rules: Theatre) -> None:
    """``ballots_until`` is 1028; who waits is asked three seconds before it, the poll's own time,
    and keeps the question when his picture comes after all."""
    found = run(
        rules,
        """
        const row = {
          id: "p", state: "open", opened_at: 1010, closes_at: 1013, ballots_until: 1028,
          cue: { open: 1010, close: 1013, show: null }, questions: [{ right: [1] }],
        };
        const state = (cues, time, now, isWaiting) => {
          const [one] = cues.seen([row], time, now, isWaiting);
          return one ? `${one.state} ${one.closes_at} ${one.questions[0].right}` : "none";
        };
        const cues = new PollCues();
        const plays = [
          [1009.9, 1019], [1010, 1019.1], [1012.9, 1022], [1013, 1022.1], [1009, 1026],
        ];
        const waits = [
          [1005, 1024.9, true], [1005, 1025, true], [1005.1, 1025.1], [1005, 1028, true],
        ];
        return [plays, waits].map((times) => times.map((time) => state(cues, ...time)));
        """,
    )
    plays, waits = found
    assert [one.split()[0] for one in plays] == ["none", "open", "open", "closed", "none"]
    assert plays[1].endswith(" null")
    assert plays[3].endswith(" 1")
    assert [one.split()[0] for one in waits] == ["none", "open", "open", "closed"]
    assert waits[1].split()[1] == "1028"


def test_a_close_that_was_moved_counts_from_whichever_way_it_is_heard(rules: Theatre) -> None:
    """Of two closes the last one given counts; by the row, in a part and in a playlist alike."""
    found = run(
        rules,
        """
        const { cuesIn } = await load("emsg");
        const { cuesOf } = await load("date_ranges");
        const row = (close, rev, until) => ({
          id: "p", state: "open", ballots_until: until, questions: [],
          cue: { open: 1000, close, show: null, rev },
        });
        const [old, fresh] = [row(1060, 0, 1077), row(1120, 1, 1137)];
        const moved = { id: "2", at: 1120, poll: "p", action: "close", rev: 1 };
        const told = (...more) => {
          const cues = new PollCues();
          cues.put({ id: "1", at: 1060, poll: "p", action: "close", rev: 0 });
          for (const one of more) cues.put(one);
          return cues;
        };
        const state = (cues, poll, time) => {
          const [one] = cues.seen([poll], time, time + 2);
          return `${one.state} ${one.closes_at}`;
        };
        const bytes = new Uint8Array(200);
        const view = new DataView(bytes.buffer);
        const message = JSON.stringify({ poll: "p", action: "close", rev: 1 });
        const body = "urn:streamd:poll:2026\\0\\0" + message;
        bytes.set(new TextEncoder().encode("emsg"), 4);
        bytes.set(new TextEncoder().encode(body), 32);
        view.setUint32(0, 32 + body.length);
        bytes[8] = 1;
        view.setUint32(12, 1);
        const [inPart] = cuesIn(bytes.subarray(0, 32 + body.length));
        const attr = { "X-POLL": "p", "X-ACTION": "close", "X-REV": "1" };
        const range = { id: "2", class: "streamd.poll", startDate: new Date(1120e3), attr };
        const [inPlaylist] = cuesOf({ 2: range });
        return {
          byRow: [1061, 1119, 1120].map((time) => state(told(), fresh, time)),
          byMedia: [1061, 1119, 1120].map((time) => state(told(moved), old, time)),
          back: state(told(moved, { ...moved, id: "3", at: 1030, rev: 2 }), fresh, 1031),
          stale: state(told(moved), old, 1100),
          revs: [inPart.rev, inPlaylist.rev],
        };
        """,
    )
    expected = ["open 1122", "open 1122", "closed 1122"]
    assert (found["byRow"], found["byMedia"]) == (expected, expected)
    assert found["back"] == "closed 1032"
    assert found["stale"] == "open 1122"
    assert found["revs"] == [1, 1]


def test_what_was_put_on_screen_gives_way_to_a_question_asked_since(rules: Theatre) -> None:
    found = run(
        rules,
        """
        const poll = (id, openAt, shownAt) => ({ id, openAt, shownAt, isShown: shownAt !== null });
        const [a, b, again] = [poll("a", 10, 30), poll("b", 20, 40), poll("a", 10, 60)];
        const asked = poll("c", 50, null);
        const offAir = { id: "d", opened_at: 55 };
        return [[], [a], [a, b], [b, a], [a, b, asked], [again, b, asked], [a, b, offAir]].map(
          (seen) => onScreen(seen)?.id ?? null,
        );
        """,
    )
    assert found == [None, "a", "b", "b", None, "a", None]


def test_a_question_that_a_picture_closes_is_not_closed_by_its_countdown(rules: Theatre) -> None:
    found = run(
        rules,
        """
        const { serverNow } = await import(new URL("page.js", base));
        const now = serverNow();
        const card = document.createElement("streamd-poll");
        const state = (row) => {
          card.poll = { id: "p", kind: "single", state: "open", questions: [], ...row };
          return [card.isOpen, Math.round(card.left)];
        };
        const seen = (close, until) => new PollCues().seen(
          [{ id: "p", state: "open", ballots_until: until, cue: { open: now - 9, close } }],
          now - 5, now,
        )[0];
        return [
          state({ closes_at: now + 3 }),
          state({ closes_at: now - 1 }),
          state({ closes_at: now - 1, until: now + 9 }),
          state({ closes_at: now - 1, until: now - 0.5 }),
          state({}).slice(0, 1),
          [seen(now - 4, now + 11).until - now, seen(null, undefined).until ?? null],
        ];
        """,
    )
    assert found[:5] == [[True, 3], [False, 0], [True, 0], [False, 0], [True]]
    assert found[5] == [pytest.approx(11), None]
