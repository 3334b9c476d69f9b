"""Settings: config.toml, then ``STREAMD_SECTION_KEY`` from the environment, parsed once.

Every part receives only its own section, frozen. An unknown key stops the start with its line
and the nearest known name. ``config.toml`` at the repository's root holds every setting with its
default; a test keeps the two equal.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from streamd.config_ranges import check_identity
from streamd.errors import ConfigError

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1_024)]
Seconds = Annotated[float, Meta(gt=0)]

KEY_VARIABLE = "STREAMD_KEY"
"""Holds a stream's key for ``streamd publish``; no setting."""

STREAM_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What a stream may be called: it stands in addresses, channels and keys."""


class Web(msgspec.Struct, frozen=True):
    """Pages, HTTP API, WHIP and HLS."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: str = ""
    proxies: tuple[str, ...] = ()
    body_bytes: Bytes = 65_536


class Feeds(msgspec.Struct, frozen=True):
    """The WebSocket gateway."""

    host: str = "127.0.0.1"
    port: Port = 8081
    public_url: str = ""
    origins: tuple[str, ...] = ()
    frame_bytes: Bytes = 65_536
    transport_bytes: Bytes = 131_072
    queue_bytes: Bytes = 4_194_304
    ping_seconds: Positive = 25
    connections: Positive = 18_000
    channels: Positive = 64


class Tls(msgspec.Struct, frozen=True):
    """HTTPS and WSS without a proxy."""

    cert: str = ""
    key: str = ""


class Store(msgspec.Struct, frozen=True):
    """Valkey: embedded under ``dir``, or the server that ``url`` names."""

    url: str = ""
    cluster: bool = False
    dir: str = "var"
    start_seconds: Seconds = 15.0


class Relay(msgspec.Struct, frozen=True):
    """Packaging and the join replay."""

    join_bytes: Bytes = 8_388_608
    part_ms: Annotated[int, Meta(ge=0, le=100)] = 0
    target_seconds: Annotated[int, Meta(ge=2, le=30)] = 6
    window_seconds: Annotated[int, Meta(ge=0, le=600)] = 48
    subscriber_units: Positive = 512
    delay_bytes: Bytes = 100_663_296
    hls_part_ms: Annotated[int, Meta(ge=200, le=500)] = 334
    handover: str = ""


class Recording(msgspec.Struct, frozen=True):
    """Recordings of every broadcast, under ``[store] dir`` or at an S3 URL."""

    enabled: bool = True
    url: str = ""
    keep_days: Annotated[int, Meta(ge=0)] = 30
    keep_newest: Annotated[int, Meta(ge=0)] = 0
    longest_minutes: Positive = 720
    free_bytes: Annotated[int, Meta(ge=0)] = 2_147_483_648


class IceServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A STUN or TURN server that clients are told of; streamd itself never contacts it."""

    url: str
    username: str = ""
    credential: str = ""


class WebRtc(msgspec.Struct, frozen=True):
    """WHIP and WHEP on one UDP port."""

    host: str = "0.0.0.0"  # noqa: S104 - a datagram that belongs to no session is dropped
    port: Port = 8189
    addresses: tuple[str, ...] = ()
    keyframe_seconds: Seconds = 2.0
    loopback: bool = True
    publishers: Positive = 64
    viewers: Positive = 500
    ice_servers: tuple[IceServer, ...] = ()


class Rtmp(msgspec.Struct, frozen=True):
    """RTMP ingest."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 1935
    connections: Positive = 64
    handshake_seconds: Seconds = 5.0
    idle_seconds: Seconds = 40.0
    message_bytes: Bytes = 4_194_304


class Polls(msgspec.Struct, frozen=True):
    """Casting and tallies."""

    tick_ms: Positive = 5
    batch: Annotated[int, Meta(ge=1, le=3_000)] = 500
    queue: Positive = 50_000
    pushes: Positive = 10
    pushes_crowded: Positive = 4
    crowd: Positive = 2_000
    grace_seconds: Annotated[float, Meta(ge=0, le=120)] = 15.0
    late_days: Annotated[int, Meta(ge=1, le=365)] = 30
    keys_dir: str = ""
    log_name: str = ""
    log_process: bool = False


class Platform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A messenger whose signed tokens name its users. One of the three key fields is set."""

    id: str
    issuer: str
    audience: str
    algorithm: Literal["HS256", "EdDSA"]
    secret: str = ""
    jwks_url: str = ""
    jwks: str = ""
    region_claim: str = ""


class Identity(msgspec.Struct, frozen=True):
    """Who may vote as whom: device cookies, platforms, access codes, connect tokens."""

    token_seconds: Positive = 300
    cookie_days: Positive = 180
    pow_cost: Annotated[int, Meta(ge=0, le=1_000_000)] = 2_000
    pow_days: Positive = 180
    devices_per_minute: Annotated[int, Meta(ge=0)] = 600
    code_guesses_per_minute: Positive = 60
    platforms: tuple[Platform, ...] = ()


class Log(msgspec.Struct, frozen=True):
    """structlog's output: ``console`` for people, ``json`` for collectors."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Candidate(msgspec.Struct, frozen=True):
    """One candidate of the event; ``stream`` is the id in every URL and key."""

    stream: str
    number: int
    name: dict[str, str]
    about: dict[str, str] = {}
    portrait: str = ""


class Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A region that polls can be limited to and that results are broken down by."""

    id: str
    name: dict[str, str]


class Event(msgspec.Struct, frozen=True):
    """The event page and who stands in it. Strings by language: ``{en = "…", fa = "…"}``."""

    id: str = "main"
    title: dict[str, str] = msgspec.field(
        default_factory=lambda: {"en": "Candidates live", "fa": "پخش زندهٔ نامزدها"}
    )
    asker: dict[str, str] = msgspec.field(
        default_factory=lambda: {"en": "Election headquarters", "fa": "ستاد انتخابات"}
    )
    candidates: tuple[Candidate, ...] = ()
    regions: tuple[Region, ...] = ()
    simulated: bool = False
    delay_seconds: Annotated[float, Meta(ge=0, le=60)] = 0.0


class Config(msgspec.Struct, frozen=True):
    """Every section, each with its defaults."""

    web: Web = Web()
    feeds: Feeds = Feeds()
    tls: Tls = Tls()
    store: Store = Store()
    relay: Relay = Relay()
    recording: Recording = Recording()
    webrtc: WebRtc = WebRtc()
    rtmp: Rtmp = Rtmp()
    polls: Polls = Polls()
    identity: Identity = Identity()
    log: Log = Log()
    event: Event = msgspec.field(default_factory=Event)


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Reads ``path`` (None: defaults alone) and the environment into one frozen Config.

    Raises ConfigError with the file, the line and the nearest known name.
    """
    text, tree = "", {}
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
            tree = tomllib.loads(text)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    _check_names(tree, text, path)
    _overlay(tree, environ)
    try:
        config = msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path or 'environment'}: {error}.") from error
    _check_ranges(config)
    return config


def page_url(config: Config, host: str = "localhost", port: int | None = None) -> str:
    """The event page's address; ``port`` where the settings leave it to the system."""
    if config.web.public_url:
        return config.web.public_url.rstrip("/")
    scheme = "https" if config.tls.cert else "http"
    return f"{scheme}://{host}:{port or config.web.port}"


def _sections() -> dict[str, type[msgspec.Struct]]:
    return dict(get_type_hints(Config))


def _check_names(tree: Mapping[str, Any], text: str, path: Path | None) -> None:
    sections = _sections()
    for section, values in tree.items():
        if section not in sections:
            raise ConfigError(_unknown(f"[{section}]", section, list(sections), text, path))
        if not isinstance(values, dict):
            raise ConfigError(
                f"{path}: {section} must be a table: write [{section}] above its keys."
            )
        known = sections[section].__struct_fields__
        for key in values:
            if key not in known:
                raise ConfigError(_unknown(f"[{section}] {key}", key, list(known), text, path))
    for candidate in tree.get("event", {}).get("candidates", ()):
        for key in candidate:
            if key not in Candidate.__struct_fields__:
                known = Candidate.__struct_fields__
                raise ConfigError(
                    _unknown(f"[[event.candidates]] {key}", key, list(known), text, path)
                )


def _unknown(shown: str, key: str, known: list[str], text: str, path: Path | None) -> str:
    line = next(
        (
            number
            for number, content in enumerate(text.splitlines(), 1)
            if re.match(rf"\s*\[*\s*(\w+\.)*{re.escape(key)}\b", content)
        ),
        0,
    )
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return f"{path}, line {line}: unknown setting {shown}. The nearest known name is {near[0]!r}."


def _overlay(tree: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Puts ``STREAMD_SECTION_KEY`` over the file; values are TOML, bare words are strings."""
    sections = _sections()
    for name, raw in environ.items():
        if not name.startswith("STREAMD_") or name == KEY_VARIABLE:
            continue
        section, _, key = name.removeprefix("STREAMD_").lower().partition("_")
        if section not in sections:
            near = difflib.get_close_matches(section, list(sections), n=1, cutoff=0.0)
            raise ConfigError(f"{name}: no section {section!r}. The nearest is {near[0]!r}.")
        known = sections[section].__struct_fields__
        if key not in known:
            near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.0)
            raise ConfigError(f"{name}: unknown setting. The nearest known name is {near[0]!r}.")
        tree.setdefault(section, {})[key] = _value(raw)


def _value(raw: str) -> Any:
    try:
        return tomllib.loads(f"v = {raw}")["v"]
    except tomllib.TOMLDecodeError:
        return raw


def _check_ranges(config: Config) -> None:
    if bool(config.tls.cert) != bool(config.tls.key):
        raise ConfigError("[tls] needs both cert and key, or neither.")
    if config.store.cluster and not config.store.url:
        raise ConfigError("[store] cluster needs url: the address of one of its nodes.")
    for candidate in config.event.candidates:
        if not STREAM_ID.fullmatch(candidate.stream):
            raise ConfigError(
                f"[[event.candidates]] stream is {candidate.stream!r}: use 1 to 63 lower-case "
                "letters, digits and hyphens."
            )
    check_identity(config)
    numbers = [candidate.number for candidate in config.event.candidates]
    streams = [candidate.stream for candidate in config.event.candidates]
    if len(set(numbers)) < len(numbers) or len(set(streams)) < len(streams):
        raise ConfigError("[[event.candidates]]: each needs its own number and its own stream.")
