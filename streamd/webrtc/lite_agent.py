"""An ICE-lite agent's side of one session (RFC 8445 §2.5, §7.3). Pure: checks and ``now`` in.

A lite agent only answers. An address is validated by a check that carries this session's
password; the client, which controls, says with USE-CANDIDATE which one is used. The newest
nomination counts, since a browser that moves to another network nominates again.

An ICE restart (RFC 8445 §9) gives the agent a second pair of credentials. The first stays valid
until the client nominates with the second, so a restart that comes to nothing changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamd.webrtc.datagram_batches import Address
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.stun import BindingRequest, refusal, success

VALIDATED = 8
"""Addresses of one session that may be heard; the one unheard for longest goes first."""
RESTART_SECONDS = 30.0
"""How long the credentials of a restart wait to be nominated."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check comes to. ``answer`` goes back to where the check came from.

    ``valid``: the address has passed. ``gone``: addresses that no longer count. ``retired``: the
    ufrag that a restart has replaced.
    """

    answer: bytes
    valid: bool = False
    gone: tuple[Address, ...] = ()
    retired: str | None = None


class LiteAgent:
    """Credentials, validated addresses and the nominated one. Times are seconds."""

    def __init__(self, now: float) -> None:
        self.credentials = Credentials.new()
        self.restarted: Credentials | None = None
        """The credentials of a restart that is not nominated yet."""
        self.nominated: Address | None = None
        self.checked = now
        """When the client last proved that it is there."""
        self._restarted_at = 0.0
        self._validated: dict[Address, float] = {}

    @property
    def validated(self) -> tuple[Address, ...]:
        """Addresses that passed a check."""
        return tuple(self._validated)

    @property
    def newest(self) -> Credentials:
        """What a client is to use from now on."""
        return self.restarted or self.credentials

    def restart(self, now: float) -> str | None:
        """New credentials beside the present ones; ``newest`` has them.

        Returns the ufrag of an earlier restart that this one takes the place of.
        """
        replaced = self.restarted.ufrag if self.restarted is not None else None
        self.restarted, self._restarted_at = Credentials.new(), now
        return replaced

    def expire(self, now: float) -> str | None:
        """Gives up a restart that nobody nominated in time; returns its ufrag."""
        if self.restarted is None or now - self._restarted_at < RESTART_SECONDS:
            return None
        ufrag, self.restarted = self.restarted.ufrag, None
        return ufrag

    def check(self, request: BindingRequest, address: Address, now: float) -> Verdict:
        """Judges a check whose ufrag is one of this agent's."""
        restarts = self.restarted is not None and request.local == self.restarted.ufrag
        password = (self.restarted if restarts and self.restarted else self.credentials).password
        if not request.proven_by(password):
            return Verdict(refusal(request, 401, "Unauthenticated", None))
        if request.unknown:
            return Verdict(refusal(request, 420, "Unknown Attribute", password, unknown=True))
        if request.controlled:
            # The full agent controls (§6.1.1), so it is always the client that has to switch.
            return Verdict(refusal(request, 487, "Role Conflict", password))
        answer = success(request, address[0], address[1], password)
        self.checked = now
        gone = self._validate(address, now)
        retired = None
        if request.nominates:
            self.nominated = address
            if restarts:
                retired, self.credentials = self.credentials.ufrag, self.newest
                self.restarted = None
        return Verdict(answer, True, gone, retired)

    def _validate(self, address: Address, now: float) -> tuple[Address, ...]:
        self._validated.pop(address, None)
        self._validated[address] = now
        gone: list[Address] = []
        for known in tuple(self._validated):
            if len(self._validated) <= VALIDATED:
                break
            if known not in (self.nominated, address):
                del self._validated[known]
                gone.append(known)
        return tuple(gone)
