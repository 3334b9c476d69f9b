"""What the types of the settings about proxies, origins, regions and platforms cannot say."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING

from streamd.errors import ConfigError

if TYPE_CHECKING:
    from streamd.config import Config, Platform

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""What a region or a platform may be called: it stands in tokens, counters and voters' names."""

_NAMING = "use 1 to 32 lower-case letters, digits and hyphens"
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")
_FETCHABLE = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])[:/]")
_SECRET_CHARACTERS = 32


def check_identity(config: Config) -> None:
    """Raises ConfigError with the setting's name and what it takes."""
    try:
        for network in config.web.proxies:
            ip_network(network)
    except ValueError as error:
        raise ConfigError(f"[web] proxies takes addresses and networks: {error}.") from error
    for origin in config.feeds.origins:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"[feeds] origins has {origin!r}: write an origin as browsers do, in lower case, "
                "without a path, like https://messenger.example or http://localhost:3000."
            )
    for region in config.event.regions:
        if not NAME.fullmatch(region.id):
            raise ConfigError(f"[[event.regions]] id is {region.id!r}: {_NAMING}.")
    platforms = config.identity.platforms
    for platform in platforms:
        _check_platform(platform)
    for name, values in (
        ("[[event.regions]] id", [region.id for region in config.event.regions]),
        ("[[identity.platforms]] id", [platform.id for platform in platforms]),
        ("[[identity.platforms]] issuer", [platform.issuer for platform in platforms]),
    ):
        if len(set(values)) < len(values):
            raise ConfigError(f"{name}: each needs its own.")


def _check_platform(platform: Platform) -> None:
    where = f"[[identity.platforms]] {platform.id!r}"
    if not NAME.fullmatch(platform.id):
        raise ConfigError(f"{where}: that is no id; {_NAMING}.")
    if not platform.issuer or not platform.audience:
        raise ConfigError(f"{where}: issuer and audience are needed.")
    keyed = [name for name in ("secret", "jwks_url", "jwks") if getattr(platform, name)]
    if platform.algorithm == "HS256":
        if keyed != ["secret"] or len(platform.secret) < _SECRET_CHARACTERS:
            raise ConfigError(
                f"{where}: HS256 needs a secret of at least {_SECRET_CHARACTERS} characters, alone."
            )
    elif keyed not in (["jwks_url"], ["jwks"]):
        raise ConfigError(f"{where}: EdDSA needs either jwks_url or jwks, a file.")
    if platform.jwks_url and not _FETCHABLE.match(platform.jwks_url):
        raise ConfigError(f"{where}: jwks_url begins with https://.")
