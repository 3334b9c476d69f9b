"""Catalogues: every string of the pages is there in Persian, and parameters agree."""

from __future__ import annotations

import re

from streamd.web.language import LANGUAGES, load_catalogues

PARAMETER = re.compile(r"%\((\w+)\)s")


def test_each_language_has_a_catalogue_and_a_direction() -> None:
    catalogues = load_catalogues()
    assert set(catalogues) == set(LANGUAGES)
    assert catalogues["fa"].direction == "rtl"
    assert len(catalogues["fa"].strings) > 100


def test_translations_keep_their_parameters() -> None:
    for msgid, text in load_catalogues()["fa"].strings.items():
        assert set(PARAMETER.findall(msgid)) == set(PARAMETER.findall(text)), msgid


def test_texts_are_picked_by_language_with_english_behind() -> None:
    catalogues = load_catalogues()
    assert catalogues["fa"].pick({"en": "a", "fa": "b"}) == "b"
    assert catalogues["fa"].pick({"en": "a"}) == "a"
    assert catalogues["en"].pick({"fa": "b"}) == "b"
    assert catalogues["en"].pick({}) == ""
