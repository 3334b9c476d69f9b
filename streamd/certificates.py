"""TLS for a local network: a self-signed certificate, so that a phone's browser gives its camera.

Browsers hand out camera and microphone only on HTTPS or localhost. The certificate is for trying
things out on one's own network; the browser warns about it once.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from streamd.config import Tls
from streamd.errors import ConfigError

_DAYS = 365


def lan_addresses() -> list[str]:
    """This machine's IPv4 addresses that others on its network reach, the preferred one first."""
    found: list[str] = []
    # Nothing is sent: connecting a datagram socket only picks the outgoing interface.
    with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        found.append(probe.getsockname()[0])
    with contextlib.suppress(OSError):
        found.extend(socket.gethostbyname_ex(socket.gethostname())[2])
    return [one for one in dict.fromkeys(found) if not ipaddress.ip_address(one).is_loopback]


def self_signed(directory: Path, addresses: Sequence[str]) -> Tls:
    """The certificate for ``addresses`` and localhost in ``directory``, made where missing.

    The private key's file is readable by its owner alone.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    slug = "-".join(addresses).replace(":", "_") or "localhost"
    cert_path, key_path = directory / f"{slug}.crt", directory / f"{slug}.key"
    if not (cert_path.exists() and key_path.exists()):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(key, addresses)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Tls(cert=str(cert_path), key=str(key_path))


def _certificate(key: ec.EllipticCurvePrivateKey, addresses: Sequence[str]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "streamd on this network")])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(one)) for one in ("127.0.0.1", "::1", *addresses)]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def certificate_names(settings: Tls) -> list[str]:
    """The host names and addresses that ``[tls] cert`` is valid for; wildcards left out."""
    if not settings.cert:
        return []
    try:
        certificate = x509.load_pem_x509_certificate(Path(settings.cert).read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return []
    hosts = [name for name in names.get_values_for_type(x509.DNSName) if "*" not in name]
    addresses = (str(one) for one in names.get_values_for_type(x509.IPAddress))
    return hosts + [f"[{one}]" if ":" in one else one for one in addresses]


def server_context(settings: Tls) -> ssl.SSLContext | None:
    """The TLS context of both ports, or None without ``[tls] cert``; ConfigError says why not."""
    if not settings.cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.cert, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"[tls] {settings.cert} and {settings.key} cannot be used: {error}. "
            "Both must be PEM files and belong together."
        ) from error
    return context
