"""The player's pure parts: they decide alone, and need a browser only to run."""

from __future__ import annotations

import pytest

from tests.browser.pages.conftest import Theatre

pytestmark = pytest.mark.browser


def test_the_cores(theatre: Theatre) -> None:
    """Choice, watchdog, slowness, memory and cues decide alone; no page is needed for them."""
    theatre.open()
    found = theatre.page.evaluate(
        """async () => {
          const base = document.querySelector("script[src*='watch.js']").src;
          const load = (name) => import(new URL(`player/${name}.js`, base));
          const { Choice } = await load("choice");
          const { Watchdog } = await load("watchdog");
          const { Slowness } = await load("slowness");
          const { recall, remember } = await load("memory");
          const { Cues } = await load("captions");
          const choice = new Choice(() => 1);
          const plan = choice.plan("auto");
          const able = () => true;
          const name = (one) => one && `${one.path}/${one.mode}`;
          const best = (now) => name(choice.best(plan, able, now));
          const chosen = [best(0)];
          choice.failed(plan[0], "network", 0);
          chosen.push(best(1), best(20_001));
          choice.failed(plan[0], "network", 20_001);
          chosen.push(best(60_000), best(60_002));
          choice.failed(plan[0], "codec", 60_002);
          choice.failed(plan[1], "b-frames", 60_002);
          choice.failed(plan[2], "network", 60_002);
          chosen.push(best(60_003), choice.nextTry(plan, able, 60_003));
          choice.forget();
          chosen.push(best(60_004), name(choice.plan("auto", true)[0]));
          const dog = new Watchdog(100, 250);
          const dogs = [
            [0, 1], [90, 1], [101, 1], [200, 1], [251, 1], [252, 1], [300, 2], [399, 2],
          ].map(([now, mark]) => dog.look(now, mark, false));
          const narrow = new Watchdog(100, 250);
          dogs.push(...[0, 101, 260, 501].map((now) => narrow.look(now, 1, true)));
          const slow = new Slowness();
          const said = [0, 1000, 2000].map((now) => slow.skipped(now));
          slow.answered(2000);
          said.push(...[3000, 4000, 5000, 700_000].map((now) => slow.skipped(now)));
          const kept = new Map();
          const store = {
            getItem: (key) => kept.get(key) ?? null,
            setItem: (key, value) => kept.set(key, value),
          };
          const memories = [recall(store)];
          remember({ choice: "hls" }, store);
          remember({ volume: 0.5 }, store);
          memories.push(recall(store));
          const long = `{"choice": "hls", "x": "${"x".repeat(300)}"}`;
          for (const bad of ["{", "null", "[]", '{"choice": "evil", "volume": 7}', long]) {
            kept.set("streamd.player", bad);
            memories.push(recall(store));
          }
          const cues = new Cues();
          cues.put({ id: 1, start: 10, end: 14, text: "one" });
          cues.put({ id: 2, start: 12, end: 16, text: "two" });
          cues.put({ id: 1, start: 10, end: 13, text: "ONE" });
          const read = [9, 10, 12.5, 13, 16].map((time) => cues.at(time).join("+"));
          const reached = [9, 10, 99].map((time) => cues.reaches(time));
          for (let id = 10; id < 500; id += 1) cues.put({ id, start: id, end: id + 1, text: "x" });
          return { chosen, dogs, said, memories, read, reached, size: cues.size };
        }"""
    )
    first, *later = found["chosen"]
    assert first == "ws/video"
    assert later[:4] == ["whep/video", "ws/video", "whep/video", "ws/video"]
    assert later[4:] == [None, 80_002, "ws/video", "ws/audio"]
    still, narrow = found["dogs"][:8], found["dogs"][8:]
    assert still == [None, None, "rebuild", None, "fall back", None, None, None]
    assert narrow == [None, "slow", None, "fall back"]
    assert found["said"] == ["told", "told", "offer", "told", "told", "told", "told"]
    nothing = {"choice": None, "volume": None, "captions": False}
    assert found["memories"][0] == nothing
    assert found["memories"][1] == {"choice": "hls", "volume": 0.5, "captions": False}
    assert all(memory == nothing for memory in found["memories"][2:])
    assert found["read"] == ["", "ONE", "ONE+two", "two", ""]
    assert found["reached"] == [False, True, True]
    assert found["size"] == 200


def test_a_caption_that_comes_late_is_shown_from_when_it_came(theatre: Theatre) -> None:
    """Its start is the first keystroke; a live picture is past it when the line is sent."""
    theatre.open()
    found = theatre.page.evaluate(
        """async () => {
          const base = document.querySelector("script[src*='watch.js']").src;
          const { Cues } = await import(new URL("player/captions.js", base));
          const cue = (id, start, end) => ({ id, start, end, text: `${id}` });
          const read = (cues, times) => times.map((time) => cues.at(time).join("+"));

          const late = new Cues();
          late.put(cue("a", 100, 103), 108);
          const whole = read(late, [108, 110.9, 111]);
          late.put(cue("a", 100, 103), 109); // listed again: it stays where it stands
          const again = read(late, [110.9, 111.1]);
          const back = read(late, [99, 100, 102.9, 103, 108.5]);

          const queue = new Cues();
          queue.put(cue("a", 100, 103), 108);
          queue.put(cue("b", 104, 106), 109);
          queue.put(cue("c", 110, 113), 109); // in time, while a late one stands
          const inTurn = read(queue, [108, 110.9, 111, 112.9, 113, 115.9, 116]);

          const rush = new Cues();
          for (let id = 0; id < 9; id += 1) rush.put(cue(id, 100 + id / 9, 108 + id / 9), 104);
          const bounded = [111.9, 112, 121].map((time) => rush.at(time).length);

          const news = new Cues();
          news.take([cue("a", 60, 63), cue("b", 80, 83), cue("c", 100, 103)], 108);
          const first = read(news, [108, 110.9, 111]);
          const more = [cue("d", 105, 107), cue("e", 106, 108)];
          news.take([cue("b", 80, 83), cue("c", 100, 103), ...more], 112);
          const then = read(news, [112, 113.9, 114, 115.9, 116]);
          news.take([cue("x", 70, 73)], 117); // long past: nothing new
          const past = read(news, [117, 119]);

          const unknown = new Cues();
          unknown.take([cue("a", 100, 103)], null);
          const own = read(unknown, [100, 102.9, 108]);
          return { whole, again, back, inTurn, bounded, first, then, past, own };
        }"""
    )
    assert found["whole"] == ["a", "a", ""]
    assert found["again"] == ["a", ""]
    assert found["back"] == ["", "a", "a", "", ""]
    assert found["inTurn"] == ["a", "a", "b", "b", "c", "c", ""]
    assert found["bounded"] == [1, 8, 0]
    assert found["first"] == ["c", "c", ""]
    assert found["then"] == ["d", "d", "e", "e", ""]
    assert found["past"] == ["", ""]
    assert found["own"] == ["a", "a", ""]


def test_what_is_kept_of_a_poll_is_one_holder_s(theatre: Theatre) -> None:
    """Drafts and questions asked: each holder has their own, a device what it always had."""
    theatre.open()
    found = theatre.page.evaluate(
        """async () => {
          const base = document.querySelector("script[src*='watch.js']").src;
          const load = (name) => import(new URL(`poll/${name}.js`, base));
          const { keep, placeOf } = await load("keeping");
          const { Draft } = await load("draft");
          const { QuestionsAsked } = await load("questions_asked");
          const question = (id) => ({ id, kind: "text", text: "Why?", choices: [] });
          const poll = { id: "p9", questions: [question("q1"), question("q2")] };
          const ofDraft = (holder) => new Draft(poll, holder).answers.q1 ?? "";
          const ofAsked = (holder) => new QuestionsAsked("p9", {}, () => {}, holder).text;
          keep("streamd.draft.p9", { version: 0, page: 0, answers: { q1: "by device" } });
          keep("streamd.asked.p9", { mine: [], wanted: [], text: "by device" });
          new Draft(poll, "mina").write(question("q1"), "by mina");
          new QuestionsAsked("p9", {}, () => {}, "mina").write("by mina");
          new Draft(poll, "sara").forget();
          const read = ["", "mina", "sara"].map((holder) => [ofDraft(holder), ofAsked(holder)]);
          new Draft(poll, "mina").forget();
          const places = ["p8", "p9"].map((id) => placeOf("draft", id, "mina").split(".").at(-1));
          return { read, left: [ofDraft(""), ofDraft("mina")], places };
        }"""
    )
    assert found["read"] == [["by device"] * 2, ["by mina"] * 2, ["", ""]]
    assert found["left"] == ["by device", ""]
    first, second = found["places"]
    assert first != second
    assert "mina" not in (first, second)
