"""config.toml equals the defaults; a wrong setting is answered with its line and a name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from streamd.config import Config, load
from streamd.errors import ConfigError

ROOT = Path(__file__).parent.parent


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_file_holds_every_setting_at_its_default() -> None:
    assert load(ROOT / "config.toml", {}) == Config()
    shipped = (ROOT / "config.toml").read_text(encoding="utf-8")
    for section, values in msgspec.to_builtins(Config()).items():
        assert f"\n[{section}]" in shipped
        for key in values:
            assert f"\n{key} = " in shipped, f"[{section}] {key} is missing"


def test_an_unknown_key_names_its_line_and_the_nearest_setting(tmp_path: Path) -> None:
    path = write(tmp_path, "[web]\nhost = 'x'\nprot = 1\n")
    with pytest.raises(ConfigError, match=r"line 3: unknown setting \[web\] prot.*'port'"):
        load(path, {})


def test_an_unknown_section_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 1.*\[stroe\].*'store'"):
        load(write(tmp_path, "[stroe]\nurl = 'x'\n"), {})


def test_an_unknown_candidate_key_is_refused(tmp_path: Path) -> None:
    text = "[[event.candidates]]\nstream = 'a'\nnumber = 1\nname = {en = 'A'}\nphoto = 'x'\n"
    with pytest.raises(ConfigError, match=r"line 5.*photo.*'portrait'"):
        load(write(tmp_path, text), {})


def test_a_wrong_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="int"):
        load(write(tmp_path, "[web]\nport = 'high'\n"), {})


def test_a_key_where_a_table_belongs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="table"):
        load(write(tmp_path, "web = 3\n"), {})


def test_broken_toml_and_a_missing_file_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(write(tmp_path, "[web\n"), {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", {})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[web]\nport = 1\n[feeds]\nhost = 'a'\n")
    config = load(path, {"STREAMD_WEB_PORT": "9", "STREAMD_FEEDS_ORIGINS": "['https://m.example']"})
    assert config.web.port == 9
    assert config.feeds.host == "a"
    assert config.feeds.origins == ("https://m.example",)
    assert load(None, {"STREAMD_WEB_HOST": "0.0.0.0"}).web.host == "0.0.0.0"


@pytest.mark.parametrize("name", ["STREAMD_WEB_PROT", "STREAMD_WBE_PORT"])
def test_an_unknown_variable_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="nearest"):
        load(None, {name: "1"})


def test_ranges_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="port"):
        load(None, {"STREAMD_WEB_PORT": "70000"})
    with pytest.raises(ConfigError, match="both cert and key"):
        load(None, {"STREAMD_TLS_CERT": "a.pem"})
    twice = "[[event.candidates]]\nstream='a'\nnumber=1\nname={en='A'}\n" * 2
    with pytest.raises(ConfigError, match="its own number"):
        load(write(tmp_path, twice), {})


PLATFORM = """
[[identity.platforms]]
id = "chat"
issuer = "https://chat.example"
audience = "streamd"
algorithm = "HS256"
secret = "a-secret-of-more-than-thirty-two-characters"
"""


def test_platforms_regions_and_proxies_are_read(tmp_path: Path) -> None:
    text = (
        "[web]\nproxies = ['::1', '10.0.0.0/8']\n[event]\nregions = [{id = 'n', name = {en = 'N'}}]"
    )
    config = load(write(tmp_path, text + PLATFORM), {})
    assert config.identity.platforms[0].id == "chat"
    assert config.event.regions[0].name == {"en": "N"}
    assert config.web.proxies == ("::1", "10.0.0.0/8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[web]\nproxies = ['10.0.0.1/8']", "proxies"),
        ("[event]\nregions = [{id = 'A b', name = {en = 'N'}}]", "lower-case"),
        ("[event]\nregions = [{id = 'n', name = {}}, {id = 'n', name = {}}]", "its own"),
        (PLATFORM.replace("chat", "Chat!", 1), "lower-case"),
        (PLATFORM.replace("a-secret-of-more-than-", ""), "32 characters"),
        (PLATFORM.replace("HS256", "EdDSA"), "jwks"),
        (PLATFORM.replace("HS256", "RS256"), "RS256"),
        (PLATFORM + 'jwks_url = "https://chat.example/keys"', "alone"),
        (PLATFORM.replace('"streamd"', '""'), "audience"),
        (PLATFORM + PLATFORM, "its own"),
        (
            PLATFORM.replace("HS256", "EdDSA").replace("secret = ", "jwks_url = "),
            "https://",
        ),
        (PLATFORM + "secrt = 1", "secrt"),
    ],
)
def test_what_identities_rest_on_is_checked(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(write(tmp_path, text), {})


@pytest.mark.parametrize(
    "origin",
    [
        "https://m.example/",
        "m.example",
        "*",
        "https://*.example",
        "https://M.example",
        "https://a;b",
    ],
)
def test_an_origin_is_written_as_browsers_do(tmp_path: Path, origin: str) -> None:
    with pytest.raises(ConfigError, match=r"\[feeds\] origins"):
        load(write(tmp_path, f"[feeds]\norigins = ['{origin}']\n"), {})
    right = "['https://m.example', 'http://localhost:3000', 'http://[::1]:80']"
    assert len(load(write(tmp_path, f"[feeds]\norigins = {right}\n"), {}).feeds.origins) == 3
