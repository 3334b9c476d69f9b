"""Polls of every kind on a running streamd, with answers from many voters."""

from __future__ import annotations

import secrets
import time
from typing import Any

from streamd.identity import ConnectTokens
from streamd.secret_file import server_secret
from tests.server import Server
from tests.web.client import Client

WORDS = {
    "en": [
        "Water",
        "Water",
        "Water",
        "Buses",
        "Buses",
        "Parks",
        "Schools",
        "Clean air",
        "Libraries",
    ],
    "fa": ["آب", "آب", "آب", "اتوبوس", "اتوبوس", "پارک", "مدرسه", "هوای پاک", "کتابخانه"],
}
TEXTS: dict[str, dict[str, Any]] = {
    "en": {
        "single": {
            "question": "What should the council build first?",
            "choices": ["A library", "Bus lanes", "A riverside park", "A second clinic"],
        },
        "rating": {
            "question": "How well did the debate inform you?",
            "kind": "rating",
            "scale": {"low": 1, "high": 5, "low_label": "Not at all", "high_label": "Very well"},
        },
        "ranking": {
            "question": "In which order should these be done?",
            "kind": "ranking",
            "choices": ["Water", "Housing", "Transport"],
        },
        "quiz": {
            "question": "How many seats does the council have?",
            "kind": "quiz",
            "choices": ["Nine", "Eleven", "Twenty-one"],
            "right": ["3"],
        },
        "text": {"question": "What does your street need, in a word or two?", "kind": "text"},
        "qa": {"question": "What do you want to ask the candidate?", "kind": "qa"},
        "asked": ["When will the bridge open?", "Who pays for the new buses?", "Will fees rise?"],
    },
    "fa": {
        "single": {
            "question": "شورا اول چه بسازد؟",
            "choices": ["کتابخانه", "خط ویژهٔ اتوبوس", "پارک کنار رود", "درمانگاه دوم"],
        },
        "rating": {
            "question": "مناظره چقدر به آگاهی شما افزود؟",
            "kind": "rating",
            "scale": {"low": 1, "high": 5, "low_label": "هیچ", "high_label": "بسیار"},
        },
        "ranking": {
            "question": "این کارها به چه ترتیبی انجام شود؟",
            "kind": "ranking",
            "choices": ["آب", "مسکن", "حمل‌ونقل"],
        },
        "quiz": {
            "question": "شورا چند کرسی دارد؟",
            "kind": "quiz",
            "choices": ["نه", "یازده", "بیست‌ویک"],
            "right": ["3"],
        },
        "text": {"question": "کوچهٔ شما چه کم دارد؟ در یکی دو کلمه", "kind": "text"},
        "qa": {"question": "از نامزد چه می‌پرسید؟", "kind": "qa"},
        "asked": ["پل کی باز می‌شود؟", "هزینهٔ اتوبوس‌ها را چه کسی می‌دهد؟", "عوارض بالا می‌رود؟"],
    },
}


class Organiser:
    """Whoever holds a stream's key, and any number of voters."""

    def __init__(self, server: Server, key: str, stream: str = "alef") -> None:
        self.client = Client(server)
        self.key = key
        self.stream = stream
        secret = server_secret(server.home / "secrets" / "server.key")
        self._tokens = ConnectTokens(secret, 600)
        self._voters = 0

    def ask(self, **body: object) -> dict[str, Any]:
        """A new poll's row."""
        path = f"/api/v1/streams/{self.stream}/polls"
        answer = self.client.ask("POST", path, body, key=self.key)
        assert answer.status == 201, answer.body
        row: dict[str, Any] = answer.json
        return row

    def do(self, poll: str, what: str, body: object = None) -> Any:
        """``POST …/{what}`` with the key."""
        answer = self.client.ask("POST", f"/api/v1/polls/{poll}/{what}", body or {}, key=self.key)
        assert answer.status < 300, answer.body
        return answer.json if answer.body else None

    def row(self, poll: str) -> dict[str, Any]:
        """The poll as its organiser sees it."""
        row: dict[str, Any] = self.client.ask("GET", f"/api/v1/polls/{poll}", key=self.key).json
        return row

    def voter(self, tier: str = "device") -> str:
        """A new voter's token."""
        self._voters += 1
        name = f"{tier}:{self._voters}:{secrets.token_hex(8)}"
        return self._tokens.issue(name, tier)  # type: ignore[arg-type]

    def vote(self, poll: str, tier: str = "device", **answer: object) -> dict[str, Any]:
        """A vote by a new voter; its receipt."""
        body = {"ballot_id": secrets.token_hex(16), "nonce": secrets.token_hex(16), **answer}
        path = f"/api/v1/polls/{poll}/votes"
        got = self.client.ask("POST", path, body, key=self.voter(tier))
        assert got.status == 200, got.body
        receipt: dict[str, Any] = got.json
        return receipt


def choose(organiser: Organiser, poll: str, counts: dict[str, int]) -> None:
    """``counts`` votes for each choice; every fifth voter by an access code."""
    for choice, count in counts.items():
        for place in range(count):
            organiser.vote(poll, "code" if place % 5 == 4 else "device", choices=[choice])


def approve(organiser: Organiser, poll: str) -> None:
    """Every open answer that is held."""
    held = organiser.client.ask("GET", f"/api/v1/polls/{poll}/answers", key=organiser.key).json
    for answer in held["answers"]:
        body = {"verdict": "approve", "question": answer.get("question", "")}
        organiser.do(poll, f"answers/{answer['ballot_id']}", body)


def ask_questions(organiser: Organiser, poll: str, texts: list[str]) -> list[str]:
    """Questions from viewers, held; their ids."""
    ids = []
    for text in texts:
        name = secrets.token_hex(16)
        path = f"/api/v1/polls/{poll}/items"
        sent = {"id": name, "text": text}
        assert organiser.client.ask("POST", path, sent, key=organiser.voter()).status == 202
        ids.append(name)
    return ids


def everything(organiser: Organiser, lang: str) -> dict[str, str]:
    """A poll of every kind, answered; kind → id. "single" and "qa" stay open."""
    texts = TEXTS[lang]
    rules = {"rules": {"results": "live"}}
    found = {}
    for kind in ("rating", "ranking", "quiz", "text", "qa", "single"):
        found[kind] = organiser.ask(**texts[kind], **rules, open=True)["id"]
    choose(organiser, found["single"], {"1": 14, "2": 23, "3": 8, "4": 3})
    choose(organiser, found["rating"], {"1": 2, "2": 3, "3": 8, "4": 14, "5": 11})
    choose(organiser, found["quiz"], {"1": 3, "2": 6, "3": 15})
    for place in range(13):
        order = ["1", "2", "3"] if place % 3 else ["3", "1", "2"]
        organiser.vote(found["ranking"], choices=order)
    for word in WORDS[lang]:
        organiser.vote(found["text"], text=word)
    approve(organiser, found["text"])
    held = ask_questions(organiser, found["qa"], texts["asked"])
    for name in held[:2]:
        organiser.do(found["qa"], f"items/{name}", {"move": "approve"})
    organiser.client.ask(
        "POST", f"/api/v1/polls/{found['qa']}/items/{held[0]}/upvote", {}, key=organiser.voter()
    )
    for kind in ("rating", "ranking", "quiz", "text"):
        organiser.do(found[kind], "close")
    return found


def prepared(organiser: Organiser, lang: str) -> list[str]:
    """Two drafts and one that is scheduled; their ids."""
    texts = TEXTS[lang]
    both = [
        {"text": texts["single"]["question"], "choices": texts["single"]["choices"]},
        {"text": texts["rating"]["question"], "kind": "rating", "scale": texts["rating"]["scale"]},
    ]
    later = organiser.ask(**texts["quiz"], opens_at=time.time() + 3600)
    survey = organiser.ask(questions=both, rules={"results": "after_close"})
    single = organiser.ask(**texts["single"], duration_seconds=120)
    return [str(single["id"]), str(survey["id"]), str(later["id"])]
