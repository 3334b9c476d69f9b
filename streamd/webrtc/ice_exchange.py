"""The ETag of a session's ICE state, and what a PATCH may do to it (RFC 9725 §4.3). Pure.

A tag stands for one pair of credentials. Trickled candidates go with the newest tag; a restart
says ``If-Match: "*"``, since it replaces whatever there is, and brings a new tag.
"""

from __future__ import annotations

import re
import secrets
from enum import Enum

from streamd.webrtc.errors import PreconditionMissing, StaleSession, UnsupportedChange
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.sdp_fragment import Fragment

_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')


class Change(Enum):
    """What a fragment asks for."""

    TRICKLE = "candidates for the ICE session there is"
    RESTART = "a new ICE session"
    REPEATED_RESTART = "the restart that was answered last, again: its answer got lost"


class IceExchange:
    """The client's side of a session's ICE. ``etag`` is strong, quotes included."""

    def __init__(self, remote: Credentials) -> None:
        self.etag = _new_tag()
        self._remote = [remote]
        self._restarted = False

    def judge(self, fragment: Fragment, if_match: str | None) -> Change:
        """What to do with a fragment.

        Raises PreconditionMissing without If-Match, StaleSession for another tag than the
        newest, UnsupportedChange where the fragment does not fit what If-Match says it is.
        """
        if if_match is None:
            raise PreconditionMissing
        wanted = if_match.strip()
        # RFC 9725's examples quote the asterisk; RFC 9110 §13.1.1 does not.
        if wanted in ("*", '"*"'):
            return self._judge_restart(fragment)
        if self.etag not in (tag[0] for tag in _TAG.finditer(wanted)):
            raise StaleSession
        if fragment.credentials is not None and fragment.credentials not in self._remote:
            raise UnsupportedChange(
                "The SDP fragment belongs to another ICE session. "
                'To restart ICE, send it with “If-Match: "*"”.'
            )
        return Change.TRICKLE

    def _judge_restart(self, fragment: Fragment) -> Change:
        if fragment.credentials is None:
            raise UnsupportedChange(
                "An ICE restart needs the client's new “a=ice-ufrag” and “a=ice-pwd”."
            )
        if fragment.credentials == self._remote[-1] and self._restarted:
            return Change.REPEATED_RESTART
        if any(fragment.credentials.ufrag == known.ufrag for known in self._remote):
            raise UnsupportedChange(
                "An ICE restart needs new credentials; these are the ones in use."
            )
        return Change.RESTART

    def restart(self, remote: Credentials) -> str:
        """The client's new credentials are in force beside the last ones; returns the new tag.

        Those of a restart that was given up may begin another.
        """
        if remote != self._remote[-1]:
            self._remote = [self._remote[-1], remote]
        self._restarted = True
        self.etag = _new_tag()
        return self.etag


def _new_tag() -> str:
    return f'"{secrets.token_hex(8)}"'
