"""``streamd codes`` on a real store: codes are shown once, a sheet stands by itself."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from streamd import cli, log
from tests.server import environment

CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}")


@pytest.fixture
def codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> _Command:
    """The command on a store of this test's own, started for each call."""
    settings = {"STREAMD_EVENT_REGIONS": "[{id = 'north', name = {en = 'North', fa = 'شمال'}}]"}
    for name, value in {**environment(tmp_path / "home", 0, 0), **settings}.items():
        if name.startswith("STREAMD_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(log, "configure", lambda settings: None)
    return _Command(monkeypatch, capsys)


class _Command:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self._monkeypatch.setattr(sys, "argv", ["streamd", "codes", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = self._capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err


def test_codes_are_made_listed_and_withdrawn(codes: _Command) -> None:
    status, out, err = codes("make", "3", "--event", "--region", "north", "--label", "hall")
    assert status == 0
    assert len(set(CODE.findall(out))) == 3
    [batch] = re.findall(r"batch (\w+)", err)
    status, out, _ = codes("list")
    assert status == 0
    assert batch in out
    assert "hall" in out
    assert not CODE.search(out)
    assert codes("withdraw", batch)[0] == 0
    status, _, err = codes("withdraw", batch)
    assert status == 1
    assert "codes list" in err


def test_a_sheet_needs_nothing_but_itself(codes: _Command, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    status, out, _ = codes("make", "2", "--event", "--lang", "fa", "--sheet", str(sheet))
    assert status == 0
    assert not CODE.search(out)
    text = sheet.read_text(encoding="utf-8")
    assert len(set(CODE.findall(text))) == 2
    assert text.count("<svg") == 2
    assert "@page" in text
    assert not re.search(r"""(?:src|href)=|url\(""", text)
    assert sheet.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("make", "1"), "--event"),
        (("make", "1", "--event", "--poll", "abc"), "--event"),
        (("make", "1", "--event", "--region", "atlantis"), "region"),
        (("make", "1", "--poll", "nosuchpoll"), "poll"),
        (("make", "0", "--event"), "1"),
        (("make", "1", "--event", "--lang", "de"), "fa"),
    ],
)
def test_what_cannot_be_made_is_said(
    codes: _Command, arguments: tuple[str, ...], says: str
) -> None:
    status, out, err = codes(*arguments)
    assert status != 0
    assert not CODE.search(out)
    assert says in err
