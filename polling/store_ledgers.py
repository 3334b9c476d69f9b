"""The ledgers of polls in the store: read, summed up, trimmed. And how functions are called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from polling import store_wire as wire
from polling.errors import PollingError, StoreDown, UnknownPoll
from polling.model import Poll
from polling.rules import PollState, is_poll_id
from polling.store_digests import digests
from polling.store_salts import Salts
from polling.store_single import LibraryMissing, Server, is_missing
from polling.store_wire import Entry, Sums

_CHUNKS: Final = 32
_MOST_CHUNKS: Final = 512


def call_of(name: str, keys: Sequence[str], *args: Any) -> tuple[Any, ...]:
    """A call of one of cast.lua's functions."""
    return ("FCALL", f"polling_2_{name}", len(keys), *keys, *args)


class StoreCalls:
    """Calls of functions, which load the library first where the store has not got it.

    Pages read as often as people look at them, so reads have connections of their own: however
    many wait for one of those, a vote waits for none of them.
    """

    def __init__(self, server: Server) -> None:
        # Public for what else stands beside the polls.
        self.server = server

    async def close(self) -> None:
        """Closes the connections."""
        await self.server.close()

    async def load(self) -> None:
        """Loads ``cast.lua``, in place of any earlier text under the same name."""
        await self.server.load()

    async def _function(self, name: str, keys: Sequence[str], *args: Any) -> Any:
        """One function that changes; loads the library first where the store has not got it."""
        call = call_of(name, keys, *args)
        return await self._loaded(lambda: self.server.change(call))

    async def _functions(self, calls: Sequence[Sequence[Any]]) -> None:
        for reply in await self._send(calls) if calls else ():
            if isinstance(reply, PollingError):
                raise reply
            if isinstance(reply, Exception):
                raise StoreDown(str(reply)) from reply

    async def _query(self, calls: Sequence[Sequence[Any]]) -> list[Any]:
        if not calls:
            return []
        replies: list[Any] = await self._loaded(lambda: self.server.look_up_all(calls))
        return replies

    async def _loaded(self, send: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await send()
        except LibraryMissing:
            await self.server.load()
            return await send()

    async def _send(self, calls: Sequence[Sequence[Any]]) -> list[Any]:
        try:
            replies = await self.server.change_all(calls)
            if any(is_missing(reply) for reply in replies):
                await self.server.load()
                replies = await self.server.change_all(calls)
        except StoreDown as error:
            return [error] * len(calls)
        return replies


class LedgerStore(StoreCalls):
    """Ledgers by poll and shard."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._salts = Salts(server)

    async def sums(self, poll: str, shard: int = 0) -> Sums:
        """One shard's numbers. Raises UnknownPoll where it was never opened."""
        if not is_poll_id(poll):
            raise UnknownPoll(poll)
        (reply,) = await self._query([call_of("sums", wire.shard_keys(poll, shard))])
        return wire.sums(poll, reply)

    async def standing(self, poll: str, shards: int) -> tuple[PollState, int]:
        """The state as ``tally`` has it, and the last position, summed over all shards.

        One cheap read a shard, in one round trip. Raises UnknownPoll.
        """
        keys = [wire.keys_of("poll", poll, shard)[0] for shard in range(shards)]
        found = await self.server.look_up_all([("HMGET", key, "state", "seq") for key in keys])
        return wire.standing(poll, found)

    async def ledger_page(self, poll: str, shard: int, after: int, count: int) -> list[Entry]:
        """The ledger's entries past position ``after``: whole batches, ``count`` entries or a few
        more; fewer at its end. Those drained are not among them.
        """
        (ledger,) = wire.keys_of("ledger", poll, shard)
        page: list[Entry] = []
        start = f"{after + 1}-0"
        asked = min(_CHUNKS, count)
        while len(page) < count:
            chunks = await self.server.look_up(("XRANGE", ledger, start, "+", "COUNT", asked))
            for chunk in chunks:
                page += [entry for entry in wire.entries(chunk) if not 0 <= entry.seq <= after]
                if len(page) >= count:
                    break
            if len(chunks) < asked:
                break
            start = "(" + chunks[-1][0].decode()
            # Small chunks, of a few ballots each: as many as the rest of the page takes.
            rest = (count - len(page)) * asked // max(1, len(page))
            asked = min(max(_CHUNKS, rest), _MOST_CHUNKS)
        return page

    async def ledger(self, poll: str, shard: int, upto: int) -> AsyncIterator[Entry]:
        """What is left of the ledger up to position ``upto``, each entry with its receipt.

        Raises UnknownPoll.
        """
        salt = (await self._salts.of([poll])).get(poll)
        if salt is None:
            raise UnknownPoll(poll)
        (ballots,) = wire.keys_of("ballots", poll, shard)
        after = 0
        while page := await self.ledger_page(poll, shard, after, 1_000):
            fields = digests(salt, [entry.ballot_id for entry in page])
            receipts = await self.server.look_up(("HMGET", ballots, *fields))
            for entry, receipt in zip(page, receipts, strict=True):
                if entry.seq > upto:
                    return
                yield Entry(entry.seq, entry.ballot_id, entry.answer, entry.nonce, receipt)
            after = max(after + 1, *(entry.seq for entry in page))

    async def trim(self, poll: str, shard: int, upto: int) -> int:
        """Drops ledger entries up to position ``upto``, as far as whole batches go.

        The last position dropped by now. Receipts stay: a retry finds them.
        """
        keys = wire.keys_of("poll ledger", poll, shard)
        return int(await self._function("trim", keys, upto))

    async def superseded(self, poll: str, shard: int = 0) -> frozenset[int]:
        """The positions of ballots that a later one of the same voter took the place of."""
        return (await self.sums(poll, shard)).superseded

    async def find(self, poll: Poll, ballot_id: bytes) -> int | None:
        """The shard that knows ``ballot_id``, None: no shard does.

        For a retry once the poll's key is gone: by then a voter's shard cannot be computed. What
        the ballot says, and whether the nonce is its own, is not looked at: casting does.
        """
        salt = (await self._salts.of([poll.id])).get(poll.id)
        if salt is None:
            return None
        (field,) = digests(salt, [ballot_id])
        keys = [wire.keys_of("ballots", poll.id, shard)[0] for shard in range(poll.shards)]
        found = await self.server.look_up_all([("HEXISTS", key, field) for key in keys])
        return next((shard for shard, known in enumerate(found) if known), None)
