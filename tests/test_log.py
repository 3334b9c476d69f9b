"""No key, token or voter reaches a log line, by field or inside a sentence."""

from __future__ import annotations

import secrets

from streamd.identity import ConnectTokens
from streamd.log import HIDDEN, redact


def test_fields_with_telling_names_are_hidden() -> None:
    event = redact(
        None,
        "info",
        {
            "event": "x",
            "key": "1",
            "stream_key": "2",
            "token": "3",
            "voter": "4",
            "ballot_id": "5",
            "nested": {"password": "6", "fine": "7"},
            "stream": "mina",
        },
    )
    assert event == {
        "event": "x",
        "key": HIDDEN,
        "stream_key": HIDDEN,
        "token": HIDDEN,
        "voter": HIDDEN,
        "ballot_id": HIDDEN,
        "nested": {"password": HIDDEN, "fine": "7"},
        "stream": "mina",
    }


def test_secrets_inside_sentences_are_hidden() -> None:
    key = "sk_" + secrets.token_urlsafe(18)
    token = ConnectTokens(b"s" * 32, 300).issue("device:abc", "device")
    for secret in (key, token, "device:Zm9vYmFy-x_y", "hq_" + secrets.token_urlsafe(18)):
        event = redact(
            None, "info", {"event": f"got {secret}, refused", "error": ValueError(secret)}
        )
        assert secret not in str(event)
        assert "refused" in event["event"]
        raw = redact(None, "info", {"event": "x", "raw": secret.encode(), "list": [secret]})
        assert secret not in str(raw)
