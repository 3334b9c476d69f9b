"""A viewer's session description, offer or answer, read and checked (draft-ietf-wish-whep). Pure.

Only what is checked here is used; nothing of the text is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from streamd.errors import MalformedOffer
from streamd.media.units import Kind
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.sdp_sections import Section, read_sections

SECTIONS = 8
CODECS = 128
_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_MID = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}")
_RTPMAP = re.compile(r"([A-Za-z0-9._-]{1,32})/([0-9]{1,7})(?:/[0-9]{1,2})?")
_MILLISECONDS = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,6})?")
_KINDS: Mapping[str, Kind] = {"video": "v", "audio": "a"}
_SETUP = ("actpass", "active", "passive")


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type: ``name`` in lower case, ``fmtp`` by name, the ``rtcp-fb`` lines."""

    payload_type: int
    name: str
    rate: int
    fmtp: Mapping[str, str]
    feedback: frozenset[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One ``m=`` section. ``kind`` is None for one that is to be rejected.

    ``line`` is the media type and ``formats`` the payload types as they stood, for that rejection.
    ``longest_ms`` is what a packet of it may last, where ``a=maxptime`` or ``a=ptime`` (RFC 8866
    §6.4) says so.
    """

    kind: Kind | None
    mid: str
    line: str
    protocol: str
    formats: str
    codecs: tuple[Codec, ...]
    longest_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Remote:
    """How to reach and recognise the viewer. ``fingerprints`` are (algorithm, digits)."""

    credentials: Credentials
    fingerprints: tuple[tuple[str, str], ...]
    setup: str


@dataclass(frozen=True, slots=True)
class Description:
    """A viewer's offer or answer, checked."""

    sections: tuple[Wanted, ...]
    remote: Remote

    def section(self, kind: Kind) -> Wanted | None:
        """The section of that kind that is taken."""
        return next((one for one in self.sections if one.kind == kind), None)


def read_description(text: str) -> Description:
    """Reads an SDP. Raises MalformedOffer with a sentence saying what is wrong."""
    session, sections = read_sections(text)
    if not sections:
        raise MalformedOffer("The SDP has no “m=” section; ask for video, audio, or both.")
    if len(sections) > SECTIONS:
        raise MalformedOffer(f"The SDP has more than {SECTIONS} sections.")
    wanted = tuple(_wanted(section) for section in sections)
    taken = [section for section, one in zip(sections, wanted, strict=True) if one.kind is not None]
    if not taken:
        raise MalformedOffer("The SDP asks for neither video nor audio (“a=recvonly”).")
    kinds = [one.kind for one in wanted if one.kind is not None]
    if len(set(kinds)) < len(kinds):
        raise MalformedOffer("The SDP has two sections of one kind; WHEP carries one of each.")
    _check_bundle(session, [one.mid for one in wanted if one.kind is not None])
    mids = [one.mid for one in wanted]
    if len(set(mids)) < len(mids):
        raise MalformedOffer("Two sections of the SDP share one “a=mid”.")
    return Description(wanted, _remote(taken[0], session))


def _wanted(section: Section) -> Wanted:
    kind = _KINDS.get(section.kind)
    mid = section.first("mid") or ""
    if not _MID.fullmatch(mid):
        raise MalformedOffer(f"The {section.kind} section has no readable “a=mid”.")
    refused = section.port == "0" and "bundle-only" not in section.attributes
    if kind is None or refused:
        return Wanted(None, mid, section.kind, section.protocol, " ".join(section.formats), ())
    if section.protocol not in ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"):
        raise MalformedOffer(
            f"The {section.kind} section's protocol is {section.protocol}; "
            "WebRTC's is UDP/TLS/RTP/SAVPF."
        )
    if {"sendonly", "inactive"} & section.attributes.keys():
        raise MalformedOffer(
            f"The {section.kind} section does not receive; WHEP needs “a=recvonly”."
        )
    if "rtcp-mux" not in section.attributes:
        raise MalformedOffer(f"The {section.kind} section lacks “a=rtcp-mux”.")
    formats = " ".join(section.formats)
    return Wanted(
        kind,
        mid,
        section.kind,
        section.protocol,
        formats,
        tuple(_codecs(section)),
        _longest_ms(section),
    )


def _longest_ms(section: Section) -> float | None:
    """The shorter of the two: what it can take, and what it would like."""
    given = (section.first(name) or "" for name in ("maxptime", "ptime"))
    return min((float(one) for one in given if _MILLISECONDS.fullmatch(one)), default=None)


def _codecs(section: Section) -> Iterator[Codec]:
    mapped = dict(_by_payload_type(section, "rtpmap"))
    parameters = dict(_by_payload_type(section, "fmtp"))
    feedback: dict[str, set[str]] = {}
    for payload_type, value in _by_payload_type(section, "rtcp-fb"):
        feedback.setdefault(payload_type, set()).add(value)
    for listed in list(dict.fromkeys(section.formats))[:CODECS]:
        if listed not in mapped or not listed.isdecimal() or not 0 <= int(listed) <= 127:
            continue
        match = _RTPMAP.fullmatch(mapped[listed])
        if match is None:
            raise MalformedOffer(f"“a=rtpmap:{listed}” is not of the form name/clock rate.")
        pairs = (part.strip().partition("=") for part in parameters.get(listed, "").split(";"))
        yield Codec(
            int(listed),
            match[1].lower(),
            int(match[2]),
            {key.lower(): content.strip() for key, _, content in pairs if key},
            frozenset(feedback.get(listed, set()) | feedback.get("*", set())),
        )


def _by_payload_type(section: Section, name: str) -> Iterator[tuple[str, str]]:
    for value in section.attributes.get(name, ()):
        payload_type, _, rest = value.partition(" ")
        yield payload_type, rest.strip()


def _check_bundle(session: Section, mids: list[str]) -> None:
    groups = [value.split() for value in session.attributes.get("group", ())]
    bundled = any(group[:1] == ["BUNDLE"] and set(mids) <= set(group[1:]) for group in groups)
    if len(mids) > 1 and not bundled:
        raise MalformedOffer("Audio and video must share one transport: “a=group:BUNDLE”.")


def _remote(section: Section, session: Section) -> Remote:
    credentials = Credentials(
        section.first("ice-ufrag", session) or "", section.first("ice-pwd", session) or ""
    )
    if not credentials.well_formed():
        raise MalformedOffer("The SDP has no readable “a=ice-ufrag” and “a=ice-pwd”.")
    setup = section.first("setup", session)
    if setup not in _SETUP:
        raise MalformedOffer("The SDP needs “a=setup:actpass”.")
    return Remote(credentials, tuple(_fingerprints(section, session)), setup)


def _fingerprints(section: Section, session: Section) -> Iterator[tuple[str, str]]:
    values = section.attributes.get("fingerprint") or session.attributes.get("fingerprint") or []
    known = 0
    for value in values[:4]:
        algorithm, _, digits = value.partition(" ")
        size = _DIGEST_BYTES.get(algorithm.lower())
        if size is None:
            continue
        shape = rf"[0-9A-Fa-f]{{2}}(?::[0-9A-Fa-f]{{2}}){{{size - 1}}}"
        if not re.fullmatch(shape, digits.strip()):
            raise MalformedOffer(f"The {algorithm} fingerprint is not {size} bytes in hexadecimal.")
        known += 1
        yield algorithm.lower(), digits.strip().upper()
    if not known:
        raise MalformedOffer("The SDP has no “a=fingerprint” that streamd can check (sha-256).")
