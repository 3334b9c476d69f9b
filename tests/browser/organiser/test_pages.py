"""Results, history, hall screen, desk: axe finds nothing, nothing overflows, charts are right."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.organiser.seed import Organiser, prepared
from tests.server import Server
from tests.web.client import Client

pytestmark = pytest.mark.browser

FIGURES = """
async ([path, poll]) => {
  const { figures } = await import(path);
  return figures(poll).map(({ kind, answers, rows, mean }) =>
    ({ kind, answers, mean, rows: rows.map(({ id, count, share }) => [id, count, share]) }));
}
"""
DRAWN = """
async ([path, figure]) => {
  const { chart } = await import(path);
  const say = { number: String, percent: String, right: "right", points: "points", mean: String };
  const sheet = { width: 300, rtl: false, measure: (text, px) => (text.length * px) / 2 };
  return chart(figure, sheet, say, { id: "c", title: figure.text, desc: "" });
}
"""
PARSED = """
(text) => new DOMParser().parseFromString(text, "image/svg+xml").documentElement.tagName
"""
OVER = """
() => [...document.querySelectorAll("body *")]
  .filter((e) => !e.closest(".visually-hidden, .skip, svg, [inert]"))
  .map((e) => [e.tagName, e.className, e.getBoundingClientRect()])
  .filter(([, , r]) => r.width > 0 && (r.right > innerWidth + 1 || r.left < -1))
  .map(([tag, name]) => `${tag}.${name}`)
"""


def show(page: Page, address: str, lang: str, theme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(f"localStorage.setItem('streamd.theme', '{theme}')")
    base, hash_, key = address.partition("#")
    page.goto(f"{base}{'&' if '?' in base else '?'}lang={lang}{hash_}{key}")


def clean(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate(OVER) == []


@pytest.mark.parametrize("kind", ["single", "rating", "quiz", "text", "qa"])
def test_a_result_for_everybody(
    page: Page, hall: Server, answered: dict[str, str], kind: str
) -> None:
    lang, theme, width = ("fa", "light", 320) if kind in ("rating", "qa") else ("en", "dark", 1440)
    show(page, f"{hall.url}/polls/{answered[kind]}", lang, theme, width)
    expect(page.locator(".fig-asked li" if kind == "qa" else ".chart svg title")).not_to_have_count(
        0
    )
    clean(page)


def test_the_table_says_what_the_chart_draws(
    page: Page, hall: Server, answered: dict[str, str]
) -> None:
    page.goto(f"{hall.url}/polls/{answered['single']}?lang=en")
    chart = page.get_by_role("img", name="What should the council build first?")
    expect(chart).to_contain_text("Bus lanes")
    page.get_by_text("As a table").click()
    expect(page.get_by_role("row", name="Bus lanes 23 48%")).to_be_visible()
    expect(page.get_by_text("By identity: told at the close").first).to_be_visible()


@pytest.mark.parametrize(("lang", "theme", "width"), [("en", "light", 1440), ("fa", "dark", 320)])
def test_the_history_names_who_asked_when_how_many(
    page: Page, hall: Server, answered: dict[str, str], lang: str, theme: str, width: int
) -> None:
    show(page, f"{hall.url}/polls?stream=be", lang, theme, width)
    expect(page.locator(".poll-row")).to_have_count(len(answered))
    if lang == "en":
        row = page.locator(".poll-row", has_text="How well did the debate inform you?")
        for said in ("Asked by", "38 people answered", "mean of 38 answers", "Rating"):
            expect(row).to_contain_text(said)
    clean(page)


def test_the_statement_is_shown_once_the_log_is_whole(
    page: Page, hall: Server, answered: dict[str, str]
) -> None:
    page.goto(f"{hall.url}/polls/{answered['quiz']}?lang=en")
    for _ in range(20):
        if page.get_by_text("The statement, as it was signed").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.get_by_text("The statement, as it was signed").click()
    expect(page.locator(".statement")).to_contain_text(answered["quiz"])
    clean(page)


@pytest.mark.parametrize(("lang", "theme"), [("en", "dark"), ("fa", "light")])
def test_the_hall_s_screen(
    page: Page, hall: Server, answered: dict[str, str], lang: str, theme: str
) -> None:
    show(page, f"{hall.url}/present/be", lang, theme, 1600)
    expect(page.locator(".fig-row")).to_have_count(4)
    expect(page.locator(".hall-join img")).to_have_js_property("complete", True)
    clean(page)
    # At 16:9 everything is on one screen.
    assert page.evaluate("document.documentElement.scrollHeight") <= 900


def test_who_asked_and_when_stay_on_the_hall_s_screen_under_a_demo_s_line(
    page: Page, hall: Server, answered: dict[str, str]
) -> None:
    show(page, f"{hall.url}/present/be", "fa", "light", 1600)
    said = page.locator(".hall-foot > p").first
    expect(said).to_contain_text("ب بهار")
    expect(said).to_contain_text("۱۴۰")
    page.evaluate("""() => {
        const line = Object.assign(document.createElement("aside"), { className: "demo-line" });
        line.textContent = "نمایشی";
        document.body.prepend(line);
    }""")
    expect(said).to_be_in_viewport(ratio=1)


def test_the_studio_says_beside_numbers_who_asked_when_and_what_they_are_not(
    page: Page, hall: Server, answered: dict[str, str]
) -> None:
    show(page, f"{hall.url}/studio/be#key={hall.new_key('be')}", "en", "light", 1440)
    card = page.locator("article.poll", has_text="How well did the debate inform you?")
    expect(card).to_contain_text("Asked by \u2068Be Bahar\u2069 · ")
    expect(card).to_contain_text("not a vote in the election")


def test_a_picture_of_late_answers_says_that_they_are_late(
    page: Page, hall: Server, answered: dict[str, str]
) -> None:
    page.goto(f"{hall.url}/polls/{answered['single']}?lang=en")
    path = module(page, hall, "results/picture.js")
    row = Client(hall).ask("GET", f"/api/v1/polls/{answered['single']}").json
    drawn = """async ([path, poll]) => {
      const { picture } = await import(path);
      const drawn = new DOMParser().parseFromString(await picture(poll), "image/svg+xml");
      return drawn.querySelector("desc").textContent;
    }"""
    live = page.evaluate(drawn, [path, {**row, "late": {"poll": "x", "total": 3}}])
    assert "3 people answered later, from the recording" in live
    assert "given after the poll on air" not in live
    late = page.evaluate(drawn, [path, {**row, "late_of": "x"}])
    assert "Answers from the recording, given after the poll on air." in late


@pytest.mark.parametrize(("lang", "theme", "width"), [("en", "dark", 1440), ("fa", "light", 360)])
def test_the_desk_and_its_composer(
    page: Page, hall: Server, producer: Organiser, lang: str, theme: str, width: int
) -> None:
    if not producer.client.ask("GET", "/api/v1/polls?stream=pe", key=producer.key).json["polls"]:
        prepared(producer, "en")
    show(page, f"{hall.url}/studio/pe/desk#key={producer.key}", lang, theme, width)
    expect(page.locator(".in-hand")).to_be_visible()
    clean(page)
    page.keyboard.press("w")
    page.locator(".templates > summary").click()
    page.locator(".templates .button").last.click()
    expect(page.locator(".asked-one").first).to_be_visible()
    for rules in page.locator(".rules > summary").all():
        rules.click()
    clean(page)


def test_headquarters_alone_spread_a_poll(page: Page, hall: Server) -> None:
    page.goto(f"{hall.url}/studio/alef/desk?lang=en#key={hall.new_key()}")
    page.get_by_role("button", name="Write a question").first.click()
    page.locator(".rules > summary").first.click()
    expect(page.get_by_label("Spread over parts of the store")).to_be_visible()
    page.get_by_label("The north").check()
    page.get_by_text("How to get access codes").click()
    expect(page.get_by_text("streamd codes make 200 --event")).to_be_visible()


def module(page: Page, hall: Server, name: str) -> str:
    """The address of one of the page's own scripts."""
    page.goto(f"{hall.url}/polls?lang=en")
    path = page.evaluate("document.querySelector('script[src*=history]').src")
    return str(path).replace("results/history.js", name)


def question(kind: str, ids: str, **more: Any) -> dict[str, Any]:
    choices = [{"id": name, "label": f"<{name}>"} for name in ids]
    return {"id": f"q{ids}", "kind": kind, "text": '"A" & <b>', "choices": choices, **more}


def test_figures_from_counts(page: Page, hall: Server) -> None:
    path = module(page, hall, "results/figures.js")
    asked = [
        {**question("rating", "12345"), "id": "q1"},
        {**question("ranking", "123"), "id": "q2"},
        {**question("multiple", "12", required=True), "id": "q3"},
        {**question("multiple", "12", required=False), "id": "q4"},
    ]
    counts = {"q1.1": 1, "q1.5": 3, "q2.1": 3, "q2.2": 8, "q2.3": 1}
    counts |= {"q3.1": 4, "q3.2": 2, "q4.1": 1, "q4.answers": 2}
    tally = {"total": 4, "counts": counts}
    rating, ranking, several, some = page.evaluate(
        FIGURES, [path, {"questions": asked, "tally": tally}]
    )
    assert (rating["answers"], rating["mean"]) == (4, 4)
    assert ranking["answers"] == 4
    assert ranking["rows"] == [["2", 8, 1], ["1", 3, 3 / 8], ["3", 1, 1 / 8]]
    assert several["rows"] == [["1", 4, 1], ["2", 2, 0.5]]
    assert (some["answers"], some["rows"][0]) == (2, ["1", 1, 0.5])


def test_a_chart_is_text_not_markup(page: Page, hall: Server) -> None:
    path = module(page, hall, "results/chart.js")
    rows = [{"id": "1", "label": "<script>" + "x" * 90, "count": 1, "share": 1, "right": False}]
    figure = {"kind": "single", "text": '"A" & <b>', "rows": rows, "answers": 1, "mean": None}
    markup = page.evaluate(DRAWN, [path, figure])
    assert "<script" not in markup
    assert "&quot;A&quot; &amp; &lt;b&gt;" in markup
    assert markup.count("<text") > 4  # a label too long for its line takes several
    assert page.evaluate(PARSED, markup) == "svg"
