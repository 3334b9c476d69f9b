"""Every sentence of the pages stands in every catalogue, with the same placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "static" / "js"
TEMPLATES = ROOT / "streamd" / "web" / "templates"
SENTENCES = [ROOT / "streamd" / "web" / "advice_words.py"]
LOCALES = ROOT / "streamd" / "web" / "locales"
LITERAL = r'"((?:[^"\\]|\\.)*)"'
IN_SCRIPT = re.compile(rf"\bt\(\s*{LITERAL}")
PLURAL_IN_SCRIPT = re.compile(rf"\btn\(\s*{LITERAL},\s*{LITERAL}")
IN_TEMPLATE = re.compile(rf"""\b_\(\s*(?:{LITERAL}|'((?:[^'\\]|\\.)*)')""")
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def sentences() -> dict[str, str]:
    """Every msgid the pages use, and a file that uses it."""
    found: dict[str, str] = {}
    for path in sorted((*SCRIPTS.rglob("*.js"), *TEMPLATES.rglob("*.html"), *SENTENCES)):
        for msgid in _in_file(path):
            found[msgid.replace('\\"', '"')] = path.relative_to(ROOT).as_posix()
    return found


def _in_file(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        yield from (match[1] for match in IN_SCRIPT.finditer(text))
        for match in PLURAL_IN_SCRIPT.finditer(text):
            yield match[1]
            yield match[2]
    else:
        yield from (match[1] or match[2] for match in IN_TEMPLATE.finditer(text))


def read(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES" / "streamd.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", ["fa"])
def test_every_sentence_is_translated(language: str) -> None:
    catalogue = read(language)
    missing = {
        msgid: file
        for msgid, file in sentences().items()
        if msgid not in catalogue or not catalogue[msgid].string
    }
    assert not missing


@pytest.mark.parametrize("language", ["fa"])
def test_placeholders_survive_translation(language: str) -> None:
    for message in read(language):
        if message.id and message.string:
            assert isinstance(message.id, str)
            assert isinstance(message.string, str)
            asked = sorted(set(PLACEHOLDER.findall(message.id)))
            assert sorted(set(PLACEHOLDER.findall(message.string))) == asked, message.id


def test_the_pages_have_sentences() -> None:
    assert len(sentences()) > 50


if __name__ == "__main__":
    for msgid, file in sentences().items():
        print(f"{file}\t{msgid}")
