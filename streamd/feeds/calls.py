"""The RPCs of one connection: bounded, answered in any order, owned until they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from streamd.feeds.codes import FeedError, NotAvailable, TooManyRequests, TryAgain
from streamd.feeds.outbox import ReplyOverflow
from streamd.feeds.protocol import RpcRequest
from streamd.identity import Identity

RpcHandler = Callable[[Identity | None, object], Awaitable[object]]
"""Answers one RPC: who calls (None: anonymous) and the call's data. Raises FeedError to refuse."""

CALLS: Final = 32
"""RPCs of one connection that may be under way at once."""
ANSWER_SECONDS: Final = 15.0
"""How long an RPC may take before the client is told to try again."""

log = structlog.get_logger("streamd.feeds")


class Calls:
    """Runs handlers and hands their outcome on.

    ``answer`` gets the command's id and the result, ``refuse`` the id and the error; where one of
    them finds that the client leaves its replies unread, ``overflow`` is called.
    """

    __slots__ = ("_answer", "_handlers", "_overflow", "_refuse", "_tasks")

    def __init__(
        self,
        handlers: Mapping[str, RpcHandler],
        answer: Callable[[int, object], None],
        refuse: Callable[[int, FeedError], None],
        overflow: Callable[[], None],
    ) -> None:
        self._handlers = handlers
        self._answer = answer
        self._refuse = refuse
        self._overflow = overflow
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, command_id: int, request: RpcRequest, identity: Identity | None) -> None:
        """Calls the method's handler. Raises NotAvailable or TooManyRequests."""
        handler = self._handlers.get(request.method)
        if handler is None:
            raise NotAvailable(f"There is no method “{request.method[:64]}”.")
        if len(self._tasks) >= CALLS:
            raise TooManyRequests("Too many calls at once. Wait for their answers, then try again.")
        task = asyncio.get_running_loop().create_task(
            self._run(command_id, handler, identity, request.data)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Cancels the calls under way and waits for their end. A cancelled vote may be counted:
        its voter asks again with the same ballot id and gets the same receipt.
        """
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(
        self, command_id: int, handler: RpcHandler, identity: Identity | None, data: object
    ) -> None:
        try:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    result = await handler(identity, data)
                self._answer(command_id, result)
            except FeedError as error:
                self._refuse(command_id, error)
            except TimeoutError:
                self._refuse(command_id, TryAgain("No answer in time. Try again."))
        except asyncio.CancelledError:
            raise
        except ReplyOverflow:
            self._overflow()
        except Exception:
            log.exception("rpc failed")
            self._refuse(command_id, TryAgain("Something went wrong here. Try again."))
