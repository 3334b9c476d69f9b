"""Every refusal over HTTP, as RFC 9457 problem details: one table, one middleware.

``type`` is ``urn:streamd:problem:{slug}``, stable; ``title`` is short, ``detail`` a sentence a
person understands, in English (pages have their own sentence for each slug, in their reader's
language); ``status`` equals the HTTP status.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
import structlog
from aiohttp import web

from polling import errors as polls
from streamd import errors
from streamd.recording import errors as recordings
from streamd.relay.errors import BadDirective, NotInTime, TooManyWaiting
from streamd.web.language import choose
from streamd.web.services import SERVICES
from streamd.webrtc.errors import (
    MuxFull,
    PreconditionMissing,
    StaleSession,
    TooManyPublishers,
    UnknownSession,
    UnsupportedChange,
)
from streamd.webrtc.whep_errors import (
    BFrames,
    NotLive,
    ProfileMissing,
    SoundMissing,
    TooManyViewers,
)

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadRequest(errors.StreamdError):
    """The request's body or parameters are not what this address takes."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How one kind of error looks over HTTP."""

    status: int
    slug: str
    title: str
    headers: tuple[tuple[str, str], ...] = ()


_SOON = (("Retry-After", "2"),)
_UNCACHED = (("Cache-Control", "no-store"),)

# First match wins, so a class stands above its bases.
REFUSALS: tuple[tuple[type[Exception], Refusal], ...] = (
    (polls.UnknownPoll, Refusal(404, "unknown_poll", "Unknown poll")),
    (polls.UnknownChoice, Refusal(422, "unknown_choice", "Unknown choice")),
    (polls.PollClosed, Refusal(409, "closed", "Poll not open")),
    (polls.NoIdentity, Refusal(401, "no_identity", "No identity")),
    (polls.AlreadyVoted, Refusal(409, "already_voted", "Already voted")),
    (polls.BallotConflict, Refusal(409, "ballot_conflict", "Ballot conflict")),
    (polls.NotEligible, Refusal(403, "not_eligible", "Not for you")),
    (polls.PollChanged, Refusal(409, "poll_changed", "Poll changed")),
    (polls.TooManyAsked, Refusal(429, "too_many_asked", "Enough questions")),
    (polls.UnknownItem, Refusal(404, "unknown_item", "Unknown entry")),
    (polls.PollLocked, Refusal(409, "poll_locked", "Poll can't change")),
    (polls.IllegalMove, Refusal(409, "illegal_move", "Not possible now")),
    (polls.InvalidPoll, Refusal(422, "invalid_poll", "Invalid poll")),
    (polls.InvalidBallot, Refusal(422, "invalid_ballot", "Invalid ballot")),
    (polls.NotMerged, Refusal(404, "not_merged", "Not in the log yet", (("Retry-After", "5"),))),
    (polls.NotInLog, Refusal(404, "not_in_log", "Not in the log")),
    (polls.Busy, Refusal(503, "busy", "Busy", _SOON)),
    (polls.NotCounted, Refusal(503, "store_unavailable", "Store unavailable", _SOON)),
    (polls.PollKeyLost, Refusal(503, "poll_key_lost", "Poll unavailable", _SOON)),
    (polls.LedgerBroken, Refusal(503, "ledger_broken", "Poll unavailable", _SOON)),
    (errors.StoreUnavailable, Refusal(503, "store_unavailable", "Store unavailable", _SOON)),
    (errors.UnknownStream, Refusal(404, "unknown_stream", "Unknown stream")),
    (errors.AlreadyPublishing, Refusal(409, "already_publishing", "Already broadcasting")),
    (errors.CaptionRefused, Refusal(422, "caption_refused", "Caption not taken")),
    (NotLive, Refusal(409, "not_live", "Not live", (("Retry-After", "3"),))),
    (BadDirective, Refusal(400, "bad_directive", "Bad delivery directive", _UNCACHED)),
    (NotInTime, Refusal(503, "not_in_time", "Not in time", (*_SOON, *_UNCACHED))),
    (TooManyWaiting, Refusal(503, "too_many_waiting", "Full", (*_SOON, *_UNCACHED))),
    (errors.StreamError, Refusal(409, "stream_state", "Not possible now")),
    (TooManyPublishers, Refusal(503, "too_many_publishers", "Full", (("Retry-After", "30"),))),
    (TooManyViewers, Refusal(503, "too_many_viewers", "Full", (("Retry-After", "30"),))),
    (BFrames, Refusal(406, "b-frames", "B-frames")),
    (ProfileMissing, Refusal(406, "profile", "H.264 profile not offered")),
    (SoundMissing, Refusal(406, "audio", "Sound not carried")),
    (PreconditionMissing, Refusal(428, "precondition_required", "If-Match missing")),
    (StaleSession, Refusal(412, "stale_ice_session", "Not the newest ICE session")),
    (UnsupportedChange, Refusal(422, "unsupported_change", "Not possible")),
    (MuxFull, Refusal(503, "no_room", "Full", (("Retry-After", "30"),))),
    (UnknownSession, Refusal(404, "unknown_session", "Unknown session")),
    (errors.MalformedOffer, Refusal(400, "malformed_offer", "Malformed SDP")),
    (errors.NoAcceptableCodec, Refusal(406, "no_acceptable_codec", "No acceptable codec")),
    (errors.NegotiationError, Refusal(400, "negotiation", "Negotiation failed")),
    (errors.UnsupportedMedia, Refusal(415, "unsupported_media", "Unsupported media")),
    (errors.MalformedMedia, Refusal(400, "malformed_media", "Malformed media")),
    (recordings.UnknownRecording, Refusal(404, "unknown_recording", "Unknown recording")),
    (recordings.NoSuchFile, Refusal(404, "unknown_file", "Unknown file")),
    (recordings.IllegalRecordingMove, Refusal(409, "recording_state", "Not possible now")),
    (recordings.DownloadUnready, Refusal(503, "unready", "Being made", (("Retry-After", "5"),))),
    (recordings.DownloadRefused, Refusal(503, "no_room", "Later", (("Retry-After", "60"),))),
    (recordings.StorageFailed, Refusal(503, "storage_failed", "Storage unavailable", _SOON)),
    (errors.ProofNeeded, Refusal(401, "proof_needed", "Proof of work missing")),
    (errors.ProofRefused, Refusal(422, "proof_refused", "Proof of work refused")),
    (errors.MistypedCode, Refusal(422, "mistyped_code", "Code mistyped")),
    (errors.CodeRefused, Refusal(403, "code_refused", "Code not valid here")),
    (errors.UnknownBatch, Refusal(404, "unknown_batch", "Unknown batch")),
    (errors.TooOften, Refusal(429, "too_often", "Too often")),
    (errors.IssuerUnreachable, Refusal(503, "issuer_unreachable", "Platform unavailable", _SOON)),
    (
        errors.Unauthenticated,
        Refusal(401, "unauthenticated", "Not signed in", (("WWW-Authenticate", "Bearer"),)),
    ),
    (errors.Forbidden, Refusal(403, "forbidden", "Not allowed")),
    (BadRequest, Refusal(400, "bad_request", "Bad request")),
)

_STATUS_DETAILS = {
    404: "There is nothing at this address. Check the link you were given.",
    405: "This address does not take that method.",
    413: "The request's body is too large: 64 kB is the most this address takes.",
    415: "This address does not take that content type.",
    426: "This address is a WebSocket's. Open it with a WebSocket client.",
}


_KEPT = ("Allow", "Accept-Post", "Accept-Patch")
"""Headers of aiohttp's refusals that say what would be taken."""


def problem(refusal: Refusal, detail: str, extra: dict[str, object] | None = None) -> web.Response:
    """The response for ``refusal`` with ``detail`` as its sentence."""
    body = {
        "type": f"urn:streamd:problem:{refusal.slug}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": detail,
        **(extra or {}),
    }
    return web.Response(
        status=refusal.status,
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers=dict(refusal.headers),
    )


def refusal_for(error: Exception) -> Refusal | None:
    """The table's row for ``error``, or None where the error is not a refusal."""
    return next((row for kind, row in REFUSALS if isinstance(error, kind)), None)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns errors into problem details, or into the error page where a person reads."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        slug = HTTPStatus(error.status).phrase.lower().replace(" ", "_")
        refusal = Refusal(error.status, slug, HTTPStatus(error.status).phrase)
        detail = _STATUS_DETAILS.get(error.status, error.reason)
        kept = {name: error.headers[name] for name in _KEPT if name in error.headers}
        response = _answer(request, refusal, detail)
        response.headers.update(kept)
        return response
    except (errors.StreamdError, polls.PollingError) as error:
        refusal_found = refusal_for(error)
        if refusal_found is None:
            raise
        extra: dict[str, object] = {}
        if isinstance(error, errors.NoAcceptableCodec):
            extra["accepted"] = list(error.accepted)
        if isinstance(error, polls.NotEligible):
            extra["why"] = error.why
        response = _answer(request, refusal_found, str(error), extra)
        if isinstance(error, errors.TooOften):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    except Exception:
        log.exception("request failed", path=request.path, method=request.method)
        refusal = Refusal(500, "internal", "Internal error")
        return _answer(request, refusal, "Something broke on our side. It was logged; try again.")


def _answer(
    request: web.Request, refusal: Refusal, detail: str, extra: dict[str, object] | None = None
) -> web.Response:
    wants_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    if not wants_page or request.path.startswith(("/api/", "/hls/")):
        return problem(refusal, detail, extra)
    services = request.app[SERVICES]
    language = choose(request)
    catalogue = services.catalogues[language]
    text = (
        services.templates[language]
        .get_template("error.html")
        .render(
            status=refusal.status,
            heading=catalogue.gettext.gettext(refusal.title),
            detail=catalogue.gettext.gettext(detail),
            lang=language,
            dir=catalogue.direction,
            event=None,
            page={"lang": language, "dir": catalogue.direction, "strings": catalogue.strings},
            static=services.assets.url,
        )
    )
    return web.Response(status=refusal.status, text=text, content_type="text/html")
