"""Which language a page speaks, and its catalogue.

Catalogues are kept as .po files and compiled in memory at start, so there is no build step and no
compiled file to forget.
"""

from __future__ import annotations

import gettext
import io
from pathlib import Path

from aiohttp import web
from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "fa")
DIRECTIONS = {"en": "ltr", "fa": "rtl"}
COOKIE = "streamd_lang"
_LOCALES = Path(__file__).parent / "locales"


class Catalogue:
    """One language's strings: for templates (gettext) and for the page's own scripts (dict)."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.direction = DIRECTIONS[language]
        path = _LOCALES / language / "LC_MESSAGES" / "streamd.po"
        self.strings: dict[str, str] = {}
        self.gettext: gettext.NullTranslations = gettext.NullTranslations()
        if path.exists():
            with path.open("rb") as file:
                catalogue = read_po(file, locale=language)
            compiled = io.BytesIO()
            write_mo(compiled, catalogue)
            compiled.seek(0)
            self.gettext = gettext.GNUTranslations(compiled)
            self.strings = {
                message.id: message.string
                for message in catalogue
                if isinstance(message.id, str)
                and message.id
                and isinstance(message.string, str)
                and message.string
            }

    def pick(self, texts: dict[str, str]) -> str:
        """The text in this language, else English, else whatever there is."""
        return texts.get(self.language) or texts.get("en") or next(iter(texts.values()), "")


def load_catalogues() -> dict[str, Catalogue]:
    """Every language, parsed once."""
    return {language: Catalogue(language) for language in LANGUAGES}


def choose(request: web.Request) -> str:
    """``?lang=``, then the cookie, then Accept-Language (RFC 9110 §12.5.4), then English."""
    for wish in (request.query.get("lang"), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return str(wish)
    header = request.headers.get("Accept-Language", "")[:200]
    ranked = sorted(
        (_ranked(entry) for entry in header.split(",") if entry.strip()),
        key=lambda pair: -pair[1],
    )
    return negotiate_locale([tag for tag, _ in ranked], LANGUAGES, sep="-") or "en"


def _ranked(entry: str) -> tuple[str, float]:
    tag, _, parameters = entry.strip().partition(";")
    weight = parameters.strip().removeprefix("q=")
    try:
        return tag.strip(), float(weight) if weight else 1.0
    except ValueError:
        return tag.strip(), 0.0
