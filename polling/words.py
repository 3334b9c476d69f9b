"""The word cloud of approved open answers, pure: how many answers hold each word."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Final

SHOWN: Final = 60
"""Words in a cloud at most."""

_LETTERS: Final = 40
# A zero-width non-joiner stands inside Persian words.
_WORD = re.compile(r"[^\W_]+(?:[\u200c'’-][^\W_]+)*")
# Arabic letters that Persian keyboards write in two ways.
_ONE_WAY = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ۀ": "ه", "’": "'"})
_FILLERS = (
    "a an and are as at be but by for from has have i in is it its not of on or that the their "
    "they this to was we were will with you your "
    "از این آن است با برای بر به تا که را در و یا هم ما من شما او شود باشد باید هر یک اما ها های "
    "هست بود شد شده کرد کند خود چه"
)
_SAY_NOTHING = frozenset(_FILLERS.split())


def cloud(answers: Iterable[str]) -> list[tuple[str, int]]:
    """The words of ``answers`` with in how many of them each stands, the most frequent first.

    An answer counts a word once. Words alike but for case, accents' form or Arabic and Persian
    letters are one; words of a single letter and those that join others are left out.
    """
    found: Counter[str] = Counter()
    for answer in answers:
        found.update(_words(answer))
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]


def _words(answer: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", answer).translate(_ONE_WAY).casefold()
    return {
        word[:_LETTERS]
        for word in _WORD.findall(plain)
        if len(word) > 1 and word not in _SAY_NOTHING
    }
