"""The network certificate: made once, private, valid for the addresses it was made for."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509

from streamd.certificates import lan_addresses, self_signed, server_context
from streamd.config import Tls
from streamd.errors import ConfigError


def test_it_names_its_addresses_and_keeps_its_key_private(tmp_path: Path) -> None:
    tls = self_signed(tmp_path, ["192.0.2.7"])
    certificate = x509.load_pem_x509_certificate(Path(tls.cert).read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(one) for one in names.get_values_for_type(x509.IPAddress)}
    assert {"192.0.2.7", "127.0.0.1", "::1"} == addresses
    assert stat.S_IMODE(Path(tls.key).stat().st_mode) == 0o600
    before = Path(tls.cert).read_bytes()
    assert self_signed(tmp_path, ["192.0.2.7"]) == tls
    assert Path(tls.cert).read_bytes() == before
    assert server_context(tls) is not None


def test_unusable_files_are_said_in_words(tmp_path: Path) -> None:
    assert server_context(Tls()) is None
    with pytest.raises(ConfigError, match="PEM"):
        server_context(Tls(cert=str(tmp_path / "none"), key=str(tmp_path / "none")))
    one, other = self_signed(tmp_path / "a", []), self_signed(tmp_path / "b", [])
    with pytest.raises(ConfigError, match="belong together"):
        server_context(Tls(cert=one.cert, key=other.key))


def test_no_loopback_among_the_lan_addresses() -> None:
    assert not [one for one in lan_addresses() if one.startswith("127.")]
