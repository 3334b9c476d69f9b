"""The gateway over TLS."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from streamd import config
from streamd.feeds.gateway import Gateway
from streamd.feeds.hub import Hub
from tests.feeds.harness import Client, snapshot, verify


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


async def test_over_tls_bytes_pass_the_transport(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    hub = Hub()
    hub.provide("poll", snapshot)
    gateway = Gateway(config.Feeds(port=0), hub, verify, {}, ssl_context=context)
    await gateway.start()
    try:
        trust = ssl.create_default_context(cafile=str(certificate[0]))
        url = f"wss://localhost:{gateway.port}/connection/websocket"
        async with Client(url, ssl=trust, family=socket.AF_INET) as client:
            await client.subscribe("poll:1")
            for seq in range(200):
                hub.publish("poll:1", {"seq": seq, "pad": "x" * 300_000})
                await asyncio.sleep(0)
            seen = [-1]
            while seen[-1] < 199:
                seen.append((await client.publication())["seq"])
            assert seen == sorted(set(seen))
            hub.publish("poll:1", {"seq": 200})
            assert (await client.publication())["seq"] == 200
    finally:
        await gateway.stop(1.0)
