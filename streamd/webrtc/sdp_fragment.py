"""What a client sends and gets by PATCH: ``application/trickle-ice-sdpfrag`` (RFC 8840 §9). Pure.

The attributes of an ICE session alone: credentials, candidates, and to which ``m=`` line they
belong. All of a session's media share one transport, so there is one set of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aioice import Candidate

from streamd.errors import MalformedOffer
from streamd.webrtc.ice_candidates import kept_candidates
from streamd.webrtc.ice_credentials import Credentials

CONTENT_TYPE = "application/trickle-ice-sdpfrag"

FRAGMENT_BYTES = 16_384
LINES = 256


@dataclass(frozen=True, slots=True)
class Fragment:
    """A checked fragment. ``credentials`` are None where it names none.

    ``candidates`` are SDP lines of those worth noting; ``ended``: no more will come.
    """

    credentials: Credentials | None
    candidates: tuple[str, ...]
    ended: bool


def read_fragment(text: str) -> Fragment:
    """Reads a fragment. Raises MalformedOffer with a sentence saying what is wrong.

    Attributes that have no meaning here are passed over, as RFC 8866 §5.13 asks.
    """
    if len(text) > FRAGMENT_BYTES:
        raise MalformedOffer(f"The SDP fragment is longer than {FRAGMENT_BYTES} characters.")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > LINES:
        raise MalformedOffer(f"The SDP fragment has more than {LINES} lines.")
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        if not re.fullmatch(r"[am]=[^\x00-\x08\x0a-\x1f\x7f]+", line):
            raise MalformedOffer(
                f"Line {number} of the SDP fragment is neither an “a=” nor an “m=” line."
            )
        name, _, value = line[2:].partition(":")
        if line.startswith("a="):
            found.setdefault(name, []).append(value.strip())
    return Fragment(
        _credentials(found),
        tuple(kept_candidates(found.get("candidate", ()))),
        "end-of-candidates" in found,
    )


def _credentials(found: dict[str, list[str]]) -> Credentials | None:
    ufrags, passwords = set(found.get("ice-ufrag", ())), set(found.get("ice-pwd", ()))
    if not ufrags and not passwords:
        return None
    if len(ufrags) != 1 or len(passwords) != 1:
        raise MalformedOffer(
            "The SDP fragment needs one “a=ice-ufrag” and one “a=ice-pwd”, or neither."
        )
    credentials = Credentials(ufrags.pop(), passwords.pop())
    if not credentials.well_formed():
        raise MalformedOffer("The SDP fragment's “a=ice-ufrag” or “a=ice-pwd” cannot be read.")
    return credentials


def write_fragment(
    credentials: Credentials, candidates: Sequence[Candidate], sections: Sequence[tuple[str, str]]
) -> str:
    """The answer to an ICE restart: a lite agent's new credentials and all its candidates.

    ``sections`` are (media kind, mid) in the offer's order; the first one carries the transport.
    """
    kind, mid = sections[0]
    lines = [
        "a=ice-lite",
        "a=ice-options:trickle",
        "a=group:BUNDLE " + " ".join(name for _, name in sections),
        f"m={kind} 9 UDP/TLS/RTP/SAVPF 0",
        f"a=mid:{mid}",
        f"a=ice-ufrag:{credentials.ufrag}",
        f"a=ice-pwd:{credentials.password}",
        *(f"a=candidate:{candidate.to_sdp()}" for candidate in candidates),
        "a=end-of-candidates",
    ]
    return "\r\n".join(lines) + "\r\n"
