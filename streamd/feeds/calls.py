"""The RPCs of one connection: bounded, answered in any order, owned until they end.

Most are coroutines, each in a task. One that comes in crowds, such as a vote, is a *prompt* one:
its handler begins it at once and answers by a callback, so it costs neither a task nor a timer.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final

import msgspec
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


class PromptHandler(ABC):
    """An RpcHandler that can also begin a call at once and end it by a callback."""

    kind: ClassVar[type[msgspec.Struct]]
    """What the call's data is read as."""

    @abstractmethod
    async def __call__(self, identity: Identity | None, data: object) -> object:
        """As every RpcHandler; ``data`` may be of ``kind`` already."""

    @abstractmethod
    def begin(self, identity: Identity, data: Any, done: Callable[[Any], None]) -> bool:
        """Begins the call; ``done`` gets its outcome later, once. False: it must be awaited,
        and nothing has happened. Raises FeedError to refuse.
        """

    @abstractmethod
    def result(self, data: Any, outcome: Any) -> object:
        """What ``outcome`` answers; None: the call must be awaited. Raises FeedError to refuse."""


class _Begun:
    """A prompt call under way."""

    __slots__ = ("calls", "command_id", "data", "due", "handler", "identity")

    calls: Calls | None
    command_id: int
    handler: PromptHandler
    identity: Identity
    data: object
    due: float

    def done(self, outcome: object) -> None:
        """The outcome is there, for whoever still waits for it."""
        if self.calls is not None:
            self.calls.settle(self, outcome)


class Calls:
    """Runs handlers and hands their outcome on.

    ``answer`` gets the command's id and the result, ``refuse`` the id and the error; where one of
    them finds that the client leaves its replies unread, ``overflow`` is called.
    """

    __slots__ = (
        "_answer",
        "_begun",
        "_handlers",
        "_loop",
        "_overflow",
        "_refuse",
        "_sweep",
        "_tasks",
    )

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
        self._begun: dict[_Begun, None] = {}
        self._sweep: asyncio.TimerHandle | None = None
        # Kept: in Python 3.11 asking for it is a system call.
        self._loop = asyncio.get_running_loop()

    def __len__(self) -> int:
        return len(self._tasks) + len(self._begun)

    def start(self, command_id: int, request: RpcRequest, identity: Identity | None) -> None:
        """Calls the method's handler. Raises NotAvailable or TooManyRequests."""
        handler = self._handlers.get(request.method)
        if handler is None:
            raise NotAvailable(f"There is no method “{request.method[:64]}”.")
        if len(self) >= CALLS:
            raise _too_many()
        self._await(command_id, handler, identity, request.data)

    def begin(
        self, command_id: int, handler: PromptHandler, identity: Identity, data: object
    ) -> bool:
        """Begins a prompt call; False: nothing has happened, ``start`` it.

        Raises TooManyRequests and what the handler raises.
        """
        if len(self._begun) + len(self._tasks) >= CALLS:
            raise _too_many()
        begun = _Begun()
        begun.calls, begun.command_id, begun.data = self, command_id, data
        begun.handler, begun.identity = handler, identity
        begun.due = self._loop.time() + ANSWER_SECONDS
        self._begun[begun] = None
        try:
            if not handler.begin(identity, data, begun.done):
                self._forget(begun)
                return False
        except FeedError:
            self._forget(begun)
            raise
        except Exception as error:
            self._forget(begun)
            log.exception("rpc failed")
            raise _failed() from error
        if self._sweep is None:
            self._sweep = self._loop.call_later(ANSWER_SECONDS, self._refuse_late)
        return True

    def settle(self, begun: _Begun, outcome: object) -> None:
        """Answers a prompt call whose outcome is there."""
        begun.calls = None
        del self._begun[begun]
        try:
            try:
                result = begun.handler.result(begun.data, outcome)
                if result is None:
                    self._await(begun.command_id, begun.handler, begun.identity, begun.data)
                else:
                    self._answer(begun.command_id, result)
            except FeedError as error:
                self._refuse(begun.command_id, error)
        except ReplyOverflow:
            self._overflow()
        except Exception:
            log.exception("rpc failed")
            self._refuse(begun.command_id, _failed())

    async def finish(self) -> None:
        """Cancels the calls under way and waits for their end. A cancelled vote may be counted:
        its voter asks again with the same ballot id and gets the same receipt.
        """
        for begun in tuple(self._begun):
            self._forget(begun)
        if self._sweep is not None:
            self._sweep.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget(self, begun: _Begun) -> None:
        begun.calls = None
        del self._begun[begun]

    def _refuse_late(self) -> None:
        """Refuses the prompt calls that are due; one timer watches over all of the connection."""
        self._sweep = None
        now = self._loop.time()
        for begun in tuple(self._begun):
            # In the order in which they began.
            if begun.due > now:
                self._sweep = self._loop.call_at(begun.due, self._refuse_late)
                return
            self._forget(begun)
            try:
                self._refuse(begun.command_id, _late())
            except ReplyOverflow:
                self._overflow()
                return

    def _await(
        self, command_id: int, handler: RpcHandler, identity: Identity | None, data: object
    ) -> None:
        task = self._loop.create_task(self._run(command_id, handler, identity, data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
                self._refuse(command_id, _late())
        except asyncio.CancelledError:
            raise
        except ReplyOverflow:
            self._overflow()
        except Exception:
            log.exception("rpc failed")
            self._refuse(command_id, _failed())


def _too_many() -> FeedError:
    return TooManyRequests("Too many calls at once. Wait for their answers, then try again.")


def _failed() -> FeedError:
    return TryAgain("Something went wrong here. Try again.")


def _late() -> FeedError:
    return TryAgain("No answer in time. Try again.")
