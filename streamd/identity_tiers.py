"""The three ways to become a voter, each with its own proof and its own limits.

    device    a signed cookie, once proof of work was done for it      voter device:{id}
    platform  a messenger's signed token                                voter platform:{id}:{sub}
    code      a single-use access code from a printed sheet             voter code:{seal}

A code is single-use in that it is one voter: whoever enters it again is that voter again, and
has voted where that voter has.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from polling.rules import is_poll_id
from streamd import config
from streamd.errors import CodeRefused, ProofNeeded, ProofRefused, TooOften
from streamd.identity import Tier
from streamd.identity_codes import CodeSeal, make, read
from streamd.identity_platforms import Platforms
from streamd.identity_proof import CHALLENGE_SECONDS, DevicePasses, Proofs
from streamd.identity_rates import PrefixRates
from streamd.identity_store import Batch, IdentityStore

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Grant:
    """What a connect token is made of; see Identity."""

    voter: str
    tier: Tier
    region: str = ""
    poll: str = ""


class Tiers:
    """Gives out identities. ``prefix`` is the network that asks: see ``prefix_of``.

    Every method that waits raises StoreUnavailable where the store does not answer.
    """

    def __init__(
        self,
        settings: config.Config,
        secret: bytes,
        store: IdentityStore,
        fetch: Callable[[str], Awaitable[bytes]],
    ) -> None:
        identity = settings.identity
        self._event = f"event:{settings.event.id}"
        self._pass_seconds = identity.pow_days * _DAY
        self.regions: Collection[str] = [region.id for region in settings.event.regions]
        self.store = store
        self.proofs = Proofs(secret, identity.pow_cost)
        self.passes = DevicePasses(secret)
        self.devices = PrefixRates(identity.devices_per_minute)
        self.guesses = PrefixRates(identity.code_guesses_per_minute)
        self._seal = CodeSeal(secret)
        self._platforms = Platforms(identity.platforms, self.regions, fetch)

    def is_admitted(self, device: str, pass_value: str | None, now: float) -> bool:
        """Whether that device may vote: it holds a pass. Where no proof is asked for it gets one
        all the same, for passes are what the limit on new devices counts.
        """
        return self.passes.holds(pass_value, device, now)

    def needs_proof(self, device: str, pass_value: str | None, now: float) -> bool:
        """Whether that device has a challenge to solve before it gets its pass."""
        return bool(self.proofs.cost) and not self.is_admitted(device, pass_value, now)

    async def admit(
        self, device: str, pass_value: str | None, proof: str, prefix: str, now: float
    ) -> str | None:
        """A new pass for ``device``; None where ``pass_value`` still holds.

        ``proof`` is a solved challenge, empty: none. Raises ProofNeeded, ProofRefused, TooOften.
        A challenge refused for its network's rate is not used up.
        """
        if self.passes.holds(pass_value, device, now):
            return None
        challenge = ""
        if self.proofs.cost:
            if not proof:
                raise ProofNeeded
            # A key derivation, outside the interpreter's lock.
            challenge = await asyncio.to_thread(self.proofs.check, proof)
        if seconds := self.devices.take(prefix, now):
            raise TooOften(
                "Many new devices have come from your network this minute. "
                f"Try again in {seconds} seconds.",
                seconds,
            )
        if not challenge:
            await self.store.count_device()
        elif not await self.store.spend(challenge, device, CHALLENGE_SECONDS):
            raise ProofRefused("That challenge was used before. Ask for a new one and solve it.")
        return self.passes.issue(device, int(now) + self._pass_seconds)

    async def platform(self, token: str) -> Grant:
        """Whom a platform's JWT names. Raises Unauthenticated, IssuerUnreachable."""
        user = await self._platforms.user(token)
        await self.store.meet(user.voter)
        return Grant(user.voter, "platform", user.region)

    async def code(self, entered: str, poll: str, prefix: str, now: float) -> Grant:
        """Whom a code makes of whoever enters it for ``poll``, or for the event where empty.

        Raises MistypedCode, CodeRefused, TooOften. A mistyped code is no guess: its check
        character gave it away, and nothing was looked up.
        """
        code = read(entered)
        if seconds := self.guesses.take(prefix, now):
            raise TooOften(
                "Too many wrong codes have come from your network this minute. "
                f"Try again in {seconds} seconds.",
                seconds,
            )
        scopes = [(self._event, "")]
        if is_poll_id(poll):
            scopes.insert(0, (f"poll:{poll}", poll))
        for scope, bound in scopes:
            seal = self._seal.seal(scope, code)
            region = await self.store.redeem(scope, seal)
            if region is not None:
                self.guesses.give_back(prefix)
                return Grant(f"code:{seal}", "code", region, bound)
        raise CodeRefused(
            "This code does not hold here. Look on the sheet for what it was made for, "
            "or ask those who gave it to you."
        )

    async def make_codes(
        self, poll: str, region: str, count: int, label: str, now: float
    ) -> tuple[Batch, list[str]]:
        """``count`` new codes for ``poll``, or for the event where that is empty.

        The codes exist in the result alone: only their seals are kept.
        """
        scope = f"poll:{poll}" if poll else self._event
        codes = [make() for _ in range(count)]
        seals = [self._seal.seal(scope, code) for code in codes]
        batch = Batch(secrets.token_hex(4), poll, region, count, label, now)
        await self.store.add_codes(batch, scope, seals)
        return batch, codes
