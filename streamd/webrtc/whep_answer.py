"""What a viewer is sent, agreed on and written as SDP (draft-ietf-wish-whep). Pure.

``choose`` picks payload types from an offer, ``answer`` writes them down. An offer without any
codec that streamd relays gets a counter-offer instead: ``counter_offer`` writes it, ``accepted``
reads what came of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streamd.errors import MalformedOffer, NoAcceptableCodec
from streamd.media.units import Kind
from streamd.webrtc.h264_match import DEFAULT, answered, profile_of
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.whep_errors import ProfileMissing
from streamd.webrtc.whep_offer import Codec, Description, Wanted

USUAL_PROFILE = "42e01f"
"""Constrained Baseline, which browsers send: what pictures that are yet to come will likely be."""
ACCEPTED = ("H.264, packetization-mode=1", "Opus")
_ICE = ("a=ice-lite", "a=ice-options:trickle")
"""The same in every description and fragment (draft-ietf-wish-whep, ICE restarts)."""

_FEEDBACK: Mapping[Kind, tuple[str, ...]] = {
    "v": ("nack", "nack pli", "ccm fir", "goog-remb"),
    "a": (),
}
_LINES: Mapping[Kind, str] = {"v": "video", "a": "audio"}
_SOUND = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"
"""RFC 7587 §6.1: stereo may come, and in-band error correction may be used."""
_OUR_PAYLOAD_TYPES: Mapping[Kind, int] = {"v": 102, "a": 111}
_OUR_RTX = 103


@dataclass(frozen=True, slots=True)
class Chosen:
    """A payload type to send, its ``a=fmtp`` and ``a=rtcp-fb`` values, and its RTX, if any."""

    payload_type: int
    fmtp: str
    feedback: tuple[str, ...]
    rtx: int | None


@dataclass(frozen=True, slots=True)
class Source:
    """The SSRC that a track is sent from, and the one that its retransmissions are."""

    ssrc: int
    rtx: int


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of the connection. ``candidates`` are SDP values, ``fingerprint`` is sha-256's.

    ``media_stream`` names the MediaStream that both tracks are of (RFC 8830).
    """

    credentials: Credentials
    candidates: tuple[str, ...]
    fingerprint: str
    media_stream: str
    cname: str
    sources: Mapping[Kind, Source]


def choose(offer: Description, profile: str | None) -> dict[Kind, Chosen]:
    """What to send of each kind that the offer asks for.

    ``profile`` is the profile-level-id of the stream's pictures, None where it has none (yet).
    Raises ProfileMissing, or NoAcceptableCodec where no H.264 or no Opus is offered at all.
    """
    chosen: dict[Kind, Chosen] = {}
    for section in offer.sections:
        if section.kind == "v":
            chosen["v"] = _picture(section, profile)
        elif section.kind == "a":
            chosen["a"] = _sound(section)
    return chosen


def _picture(section: Wanted, profile: str | None) -> Chosen:
    streamed = profile or USUAL_PROFILE
    codecs = [one for one in section.codecs if _is_h264(one)]
    if not codecs:
        raise NoAcceptableCodec(ACCEPTED)
    offered = [one.fmtp.get("profile-level-id", DEFAULT) for one in codecs]
    matches: list[tuple[bool, Codec, str]] = []
    for codec, level_id in zip(codecs, offered, strict=True):
        ours = answered(level_id, streamed)
        if ours is not None:
            exact = profile_of(level_id) is profile_of(streamed)
            matches.append((not exact, codec, ours))
    if not matches:
        name = profile_of(streamed)
        raise ProfileMissing(name.value if name else f"profile {streamed}", tuple(offered))
    _, codec, level_id = min(matches, key=lambda match: match[0])
    rtx = next(
        (
            one.payload_type
            for one in section.codecs
            if one.name == "rtx" and one.fmtp.get("apt") == str(codec.payload_type)
        ),
        None,
    )
    feedback = tuple(value for value in _FEEDBACK["v"] if value in codec.feedback)
    return Chosen(codec.payload_type, _picture_fmtp(level_id), feedback, rtx)


def _sound(section: Wanted) -> Chosen:
    for codec in section.codecs:
        if codec.name == "opus" and codec.rate == 48_000:
            return Chosen(codec.payload_type, _SOUND, (), None)
    raise NoAcceptableCodec(ACCEPTED)


def _is_h264(codec: Codec) -> bool:
    return (
        codec.name == "h264"
        and codec.rate == 90_000
        and codec.fmtp.get("packetization-mode") == "1"
    )


def _picture_fmtp(level_id: str) -> str:
    return f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={level_id}"


def answer(
    offer: Description, chosen: Mapping[Kind, Chosen], local: Local, *, passive: bool
) -> str:
    """The answer, its sections in the offer's order; what is not sent is rejected (port 0)."""
    taken = [one.mid for one in offer.sections if one.kind in chosen]
    lines = _head(taken)
    setup = "passive" if passive else "active"
    for section in offer.sections:
        if section.kind in chosen and section.kind is not None:
            lines += _section(section.kind, section.mid, chosen[section.kind], local, setup)
        else:
            lines += (
                f"m={section.line} 0 {section.protocol} {section.formats}",
                "c=IN IP4 0.0.0.0",
                f"a=mid:{section.mid}",
                "a=inactive",
            )
    return "\r\n".join(lines) + "\r\n"


def offered(kinds: Iterable[Kind], profile: str | None) -> dict[Kind, Chosen]:
    """What a counter-offer offers: H.264 in the stream's profile, with retransmission, and Opus."""
    offer: dict[Kind, Chosen] = {}
    for kind in kinds:
        if kind == "v":
            fmtp = _picture_fmtp(profile or USUAL_PROFILE)
            offer[kind] = Chosen(_OUR_PAYLOAD_TYPES[kind], fmtp, _FEEDBACK[kind], _OUR_RTX)
        else:
            offer[kind] = Chosen(_OUR_PAYLOAD_TYPES[kind], _SOUND, (), None)
    return offer


def counter_offer(offer: Mapping[Kind, Chosen], local: Local) -> str:
    """The counter-offer; sections are named by their kind."""
    lines = _head(offer)
    for kind, chosen in offer.items():
        lines += _section(kind, kind, chosen, local, "actpass")
    return "\r\n".join(lines) + "\r\n"


def accepted(answer: Description, offer: Mapping[Kind, Chosen]) -> dict[Kind, Chosen]:
    """What the answer to a counter-offer takes of it. Raises MalformedOffer."""
    if answer.remote.setup == "actpass":
        raise MalformedOffer("An answer says “a=setup:active” or “a=setup:passive”.")
    if [one.mid for one in answer.sections] != list(offer):
        raise MalformedOffer("The answer's sections are not those of the offer, in its order.")
    taken: dict[Kind, Chosen] = {}
    for section in answer.sections:
        if section.kind is None:
            continue
        chosen = offer[section.kind]
        known = {codec.payload_type for codec in section.codecs}
        if chosen.payload_type not in known:
            raise NoAcceptableCodec(ACCEPTED)
        rtx = chosen.rtx if chosen.rtx in known else None
        taken[section.kind] = Chosen(chosen.payload_type, chosen.fmtp, chosen.feedback, rtx)
    return taken


def _head(mids: Iterable[str]) -> list[str]:
    return [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(mids),
        *_ICE,
    ]


def _ice(credentials: Credentials, candidates: Iterable[str]) -> list[str]:
    return [
        f"a=ice-ufrag:{credentials.ufrag}",
        f"a=ice-pwd:{credentials.password}",
        *(f"a=candidate:{value}" for value in candidates),
        "a=end-of-candidates",
    ]


def _section(kind: Kind, mid: str, chosen: Chosen, local: Local, setup: str) -> list[str]:
    name = "H264/90000" if kind == "v" else "opus/48000/2"
    payload_type, source = chosen.payload_type, local.sources[kind]
    formats = [payload_type] if chosen.rtx is None else [payload_type, chosen.rtx]
    lines = [
        f"m={_LINES[kind]} 9 UDP/TLS/RTP/SAVPF " + " ".join(map(str, formats)),
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        *_ice(local.credentials, local.candidates),
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{setup}",
        f"a=mid:{mid}",
        "a=sendonly",
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        "a=rtcp-rsize",
        f"a=rtpmap:{payload_type} {name}",
        f"a=fmtp:{payload_type} {chosen.fmtp}",
        *(f"a=rtcp-fb:{payload_type} {value}" for value in chosen.feedback),
        f"a=msid:{local.media_stream} {_LINES[kind]}",
        f"a=ssrc:{source.ssrc} cname:{local.cname}",
    ]
    if chosen.rtx is not None:
        lines += (
            f"a=rtpmap:{chosen.rtx} rtx/90000",
            f"a=fmtp:{chosen.rtx} apt={payload_type}",
            f"a=ssrc-group:FID {source.ssrc} {source.rtx}",
            f"a=ssrc:{source.rtx} cname:{local.cname}",
        )
    return lines
