from __future__ import annotations

from streamd.webrtc.ice_credentials import Credentials


def test_credentials_are_hidden_lawful_and_long() -> None:
    credentials = Credentials.new()
    assert credentials.well_formed()
    assert len(credentials.ufrag) >= 12
    assert credentials.password not in repr(credentials)
    for ufrag, password in (
        ("abc", "p" * 22),
        ("abcd", "p" * 21),
        ("ab:d", "p" * 22),
        ("é" * 4, "p" * 22),
    ):
        assert not Credentials(ufrag, password).well_formed()
