"""A WHIP offer, checked before any WebRTC code sees it (RFC 8866, RFC 9725 §4.2). Pure.

``check_offer`` reads the client's SDP, keeps what streamd relays (H.264 constrained baseline or
baseline in packetization mode 1, and Opus) and writes a fresh, small offer from checked values
alone. What is not understood is left out, never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from streamd.errors import MalformedOffer, NoAcceptableCodec
from streamd.media.units import Kind
from streamd.webrtc.ice_candidates import kept_candidates
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.parameter_sets import announced_sets
from streamd.webrtc.sdp_sections import Section, read_sections

ACCEPTED = ("H.264 constrained baseline, packetization-mode=1", "Opus")

_PAYLOAD_TYPES = (*range(35, 64), *range(96, 128))
"""What RFC 3551 §6 and its successors leave for dynamic assignment when RTCP is multiplexed."""
_EXTENSIONS = (
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
)
_FEEDBACK = ("nack", "nack pli", "goog-remb")
_AIDS = ("rtx", "red", "ulpfec", "flexfec-03", "cn", "telephone-event")
"""Formats that carry no medium of their own."""
_SETUP = ("actpass", "active", "passive")
_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_MID = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}"


@dataclass(frozen=True, slots=True)
class Offer:
    """A checked offer. ``sdp`` is what to negotiate with; ``kinds`` are its sections, in order,
    and ``mids`` their names. ``credentials`` are the client's for ICE.

    ``parameter_sets`` are the SPS and PPS NAL units announced out of band
    (``sprop-parameter-sets``, RFC 6184 §8.1), in order; most clients send them in band instead.
    """

    sdp: str
    kinds: tuple[Kind, ...]
    mids: tuple[str, ...]
    credentials: Credentials
    parameter_sets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Codec:
    payload_type: str
    name: str
    rate: str
    parameters: dict[str, str]


def check_offer(text: str) -> Offer:
    """Reads a WHIP client's offer.

    Raises MalformedOffer with a sentence saying what is wrong, or NoAcceptableCodec.
    """
    session, sections = read_sections(text)
    kinds = [section.kind for section in sections]
    if "ice-lite" in session.attributes:
        raise MalformedOffer("The offer says “a=ice-lite”; a WHIP client must do its ICE in full.")
    _check_sections(sections, kinds)
    chosen = [_chosen(section) for section in sections]
    _check_bundle(session, sections)
    lines = ["v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    lines.append("a=group:BUNDLE " + " ".join(_mid(section) for section in sections))
    for section, codecs in zip(sections, chosen, strict=True):
        lines += _written(section, session, codecs)
    video = chosen[kinds.index("video")]
    order: tuple[Kind, ...] = tuple("v" if kind == "video" else "a" for kind in kinds)
    return Offer(
        sdp="\r\n".join(lines) + "\r\n",
        kinds=order,
        mids=tuple(_mid(section) for section in sections),
        credentials=_credentials(sections[0], session),
        parameter_sets=_parameter_sets(video),
    )


def _check_sections(sections: list[Section], kinds: list[str]) -> None:
    """One video and at most one audio section, both sent by the client (RFC 9725 §4.2)."""
    for kind in kinds:
        if kind not in ("audio", "video"):
            raise MalformedOffer(
                f"The offer has a section of kind “{kind}”; only audio and video are taken."
            )
        if kinds.count(kind) > 1:
            raise MalformedOffer(f"The offer has more than one {kind} section; send one.")
    if "video" not in kinds:
        raise MalformedOffer("The offer has no video section; a broadcast needs a picture.")
    for section in sections:
        if section.protocol not in ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"):
            raise MalformedOffer(
                f"The {section.kind} section's protocol is {section.protocol}; "
                "WebRTC's is UDP/TLS/RTP/SAVPF."
            )
        if section.port == "0" and "bundle-only" not in section.attributes:
            raise MalformedOffer(f"The {section.kind} section is switched off (port 0).")
        if {"recvonly", "inactive"} & section.attributes.keys():
            raise MalformedOffer(
                f"The {section.kind} section does not send; WHIP needs “a=sendonly”."
            )
        if "rtcp-mux" not in section.attributes:
            raise MalformedOffer(f"The {section.kind} section lacks “a=rtcp-mux”.")


def _check_bundle(session: Section, sections: list[Section]) -> None:
    mids = [_mid(section) for section in sections]
    if len(set(mids)) < len(mids):
        raise MalformedOffer("Two sections of the offer share one “a=mid”.")
    groups = [value.split() for value in session.attributes.get("group", ())]
    if len(sections) > 1 and not any(
        group[:1] == ["BUNDLE"] and set(mids) <= set(group[1:]) for group in groups
    ):
        raise MalformedOffer("Audio and video must share one transport: “a=group:BUNDLE”.")


def _mid(section: Section) -> str:
    mid = section.first("mid") or ""
    if not re.fullmatch(_MID, mid):
        raise MalformedOffer(f"The {section.kind} section has no readable “a=mid”.")
    return mid


def _chosen(section: Section) -> list[_Codec]:
    """The codecs of this section that streamd relays, each with its retransmission format."""
    codecs = list(_codecs(section))
    wanted = _is_h264 if section.kind == "video" else _is_opus
    kept = [codec for codec in codecs if wanted(codec)]
    if not kept:
        names = dict.fromkeys(codec.name.upper() for codec in codecs if codec.name not in _AIDS)
        raise NoAcceptableCodec(ACCEPTED, section.kind, tuple(names)[:8])
    bases = {codec.payload_type for codec in kept}
    return kept + [
        codec for codec in codecs if codec.name == "rtx" and codec.parameters.get("apt") in bases
    ]


def _codecs(section: Section) -> Iterator[_Codec]:
    parameters = dict(_by_payload_type(section, "fmtp"))
    mapped = dict(_by_payload_type(section, "rtpmap"))
    for payload_type in dict.fromkeys(section.formats):
        value = mapped.get(payload_type)
        if value is None:
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]{1,32})/([0-9]{1,7})(?:/[0-9]{1,2})?", value)
        if match is None:
            raise MalformedOffer(f"“a=rtpmap:{payload_type}” is not of the form name/clock rate.")
        if payload_type.isdecimal() and int(payload_type) in _PAYLOAD_TYPES:
            pairs = (
                part.strip().partition("=") for part in parameters.get(payload_type, "").split(";")
            )
            fmtp = {key.lower(): content.strip() for key, _, content in pairs if key}
            yield _Codec(payload_type, match[1].lower(), match[2], fmtp)


def _by_payload_type(section: Section, name: str) -> Iterator[tuple[str, str]]:
    for value in section.attributes.get(name, ()):
        payload_type, _, rest = value.partition(" ")
        yield payload_type, rest.strip()


def _is_opus(codec: _Codec) -> bool:
    return codec.name == "opus" and codec.rate == "48000"


def _is_h264(codec: _Codec) -> bool:
    """Baseline in packetization mode 1 (RFC 6184 §8.1); the level is the sender's business."""
    if codec.name != "h264" or codec.rate != "90000":
        return False
    profile = codec.parameters.get("profile-level-id", "42001f").lower()
    return (
        codec.parameters.get("packetization-mode") == "1"
        and re.fullmatch(r"42[0-9a-f]0[0-9a-f]{2}", profile) is not None
        and int(profile[4:], 16) in _LEVELS
    )


_LEVELS = (10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52)
"""level_idc values of ITU-T H.264 table A-1 that WebRTC stacks know."""


def _written(section: Section, session: Section, codecs: list[_Codec]) -> list[str]:
    payload_types = " ".join(codec.payload_type for codec in codecs)
    lines = [
        f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {payload_types}",
        "c=IN IP4 0.0.0.0",
        "a=sendonly",
        f"a=mid:{_mid(section)}",
        "a=rtcp-mux",
    ]
    lines += _transport(section, session)
    lines += _extensions(section)
    for codec in codecs:
        lines += _codec_lines(section, codec)
    return lines + _sources(section) + kept_candidates(section.attributes.get("candidate", ()))


def _credentials(section: Section, session: Section) -> Credentials:
    found = Credentials(
        section.first("ice-ufrag", session) or "", section.first("ice-pwd", session) or ""
    )
    if not found.well_formed():
        raise MalformedOffer(
            f"The {section.kind} section has no readable “a=ice-ufrag” or “a=ice-pwd”."
        )
    return found


def _transport(section: Section, session: Section) -> list[str]:
    credentials = _credentials(section, session)
    setup = section.first("setup", session)
    if setup not in _SETUP:
        raise MalformedOffer(f"The {section.kind} section needs “a=setup:actpass”.")
    lines = [f"a=ice-ufrag:{credentials.ufrag}", f"a=ice-pwd:{credentials.password}"]
    lines += _fingerprints(section, session)
    return [*lines, f"a=setup:{setup}"]


def _fingerprints(section: Section, session: Section) -> list[str]:
    values = section.attributes.get("fingerprint") or session.attributes.get("fingerprint") or []
    lines = []
    for value in values[:4]:
        algorithm, _, digits = value.partition(" ")
        size = _DIGEST_BYTES.get(algorithm.lower())
        if size is None:
            continue
        if not re.fullmatch(
            rf"[0-9A-Fa-f]{{2}}(?::[0-9A-Fa-f]{{2}}){{{size - 1}}}", digits.strip()
        ):
            raise MalformedOffer(f"The {algorithm} fingerprint is not {size} bytes in hexadecimal.")
        lines.append(f"a=fingerprint:{algorithm.lower()} {digits.strip().upper()}")
    if not lines:
        raise MalformedOffer("The offer has no “a=fingerprint” that streamd can check (sha-256).")
    return lines


def _extensions(section: Section) -> list[str]:
    lines: dict[str, str] = {}
    for value in section.attributes.get("extmap", ()):
        match = re.fullmatch(r"([0-9]{1,3})(?:/[a-z]+)? ([!-~]+)(?: .*)?", value)
        if match and match[2] in _EXTENSIONS and 1 <= int(match[1]) <= 255 and int(match[1]) != 15:
            lines.setdefault(match[2], f"a=extmap:{match[1]} {match[2]}")
    return list(lines.values())


def _codec_lines(section: Section, codec: _Codec) -> list[str]:
    if codec.name == "opus":
        return [f"a=rtpmap:{codec.payload_type} opus/48000/2"]
    if codec.name == "rtx":
        return [
            f"a=rtpmap:{codec.payload_type} rtx/90000",
            f"a=fmtp:{codec.payload_type} apt={codec.parameters['apt']}",
        ]
    offered = {
        rest for pt, rest in _by_payload_type(section, "rtcp-fb") if pt in (codec.payload_type, "*")
    }
    profile = codec.parameters.get("profile-level-id", "42001f").lower()
    return [
        f"a=rtpmap:{codec.payload_type} H264/90000",
        *(
            f"a=rtcp-fb:{codec.payload_type} {feedback}"
            for feedback in _FEEDBACK
            if feedback in offered
        ),
        f"a=fmtp:{codec.payload_type} level-asymmetry-allowed=1;packetization-mode=1;"
        f"profile-level-id={profile}",
    ]


def _sources(section: Section) -> list[str]:
    """The first source and its retransmissions' source; the others would be simulcast layers."""
    sources: list[str] = []
    for value in section.attributes.get("ssrc-group", ()):
        semantics, *numbers = value.split()
        if semantics == "FID" and len(numbers) == 2:
            sources = numbers
            break
    if not sources:
        sources = [value.partition(" ")[0] for value in section.attributes.get("ssrc", ())][:1]
    if not all(
        number.isdecimal() and len(number) < 11 and int(number) < 1 << 32 for number in sources
    ):
        raise MalformedOffer(f"The {section.kind} section has an unreadable “a=ssrc” number.")
    return [f"a=ssrc:{int(number)} cname:publisher" for number in sources]


def _parameter_sets(codecs: list[_Codec]) -> tuple[bytes, ...]:
    named = (codec.parameters.get("sprop-parameter-sets") for codec in codecs)
    return next((announced_sets(encoded) for encoded in named if encoded), ())
