"""One client's commands: connect first, then subscribe, unsubscribe, rpc, refresh, ping.

The session decides and answers through its ``Link``; it knows no socket. Life:

    FRESH ──connect──► CONNECTED ──close──► CLOSED
      └──────────────────close─────────────────┘
"""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import structlog

from streamd.errors import Unauthenticated
from streamd.feeds import protocol
from streamd.feeds.calls import Calls, PromptHandler, RpcHandler
from streamd.feeds.codes import (
    AlreadySubscribed,
    BadRequest,
    Disconnect,
    Disconnected,
    FeedError,
    LimitExceeded,
    NotAvailable,
    PermissionDenied,
    TokenExpiredError,
    TryAgain,
)
from streamd.feeds.hub import Hub
from streamd.feeds.link import Link
from streamd.feeds.outbox import ReplyOverflow
from streamd.feeds.protocol import Command
from streamd.feeds.turns import Turn
from streamd.identity import Identity, TokenExpired

log = structlog.get_logger("streamd.feeds")

COMMANDS_PER_SECOND: Final = 200
"""Pace of one connection past its burst: its next commands wait, and so does its sender."""
BURST: Final = 1_000
"""Commands of one connection that are handled without looking at the clock."""
ANSWER_SECONDS: Final = 15.0
"""How long a provider may take before the client is told to try again."""
REFRESH_SECONDS: Final = 25
"""How long after its token's end a connection may still send a refresh (Centrifuge's default)."""
VERSION: Final = "streamd"


class SessionState(Enum):
    """Where a session stands."""

    FRESH = "fresh"
    CONNECTED = "connected"
    CLOSED = "closed"


MOVES: Final[Mapping[tuple[SessionState, str], SessionState]] = {
    (SessionState.FRESH, "connect"): SessionState.CONNECTED,
    (SessionState.FRESH, "close"): SessionState.CLOSED,
    (SessionState.CONNECTED, "close"): SessionState.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Service:
    """What every session of a gateway shares."""

    hub: Hub
    verify: Callable[[str], Identity]
    rpc: Mapping[str, RpcHandler]
    ping_seconds: int
    channels: int
    node: str
    prompt: PromptHandler | None = None
    """The RPC that comes in crowds, if there is one, and how each encoding's messages with it are
    read."""
    prompt_readers: Mapping[str, protocol.Prompt] = field(default_factory=dict)
    results: Turn[tuple[Session, bytes]] = field(default_factory=lambda: Turn(_write))
    """The results of RPCs, as whole frames: those of one batch of votes come at one time."""


def service(
    hub: Hub,
    verify: Callable[[str], Identity],
    rpc: Mapping[str, RpcHandler],
    ping_seconds: int,
    channels: int,
    node: str,
) -> Service:
    """The service with ``rpc``, of which at most one is a PromptHandler."""
    prompt, readers = None, {}
    for method, handler in rpc.items():
        if isinstance(handler, PromptHandler):
            prompt = handler
            readers = {
                encoding.name: encoding.prompt(method, handler.kind)
                for encoding in (protocol.JSON, protocol.MSGPACK)
            }
    return Service(hub, verify, rpc, ping_seconds, channels, node, prompt, readers)


class Session:
    """One connection's protocol state. ``end`` is called at most once, to disconnect it."""

    __slots__ = (
        "_calls",
        "_channels",
        "_end",
        "_link",
        "_paced_at",
        "_prompt",
        "_service",
        "_spent",
        "awaits_pong",
        "client",
        "identity",
        "state",
    )

    def __init__(self, service: Service, link: Link, end: Callable[[Disconnect], None]) -> None:
        self._service = service
        self._link = link
        self._channels: set[str] = set()
        self._end = end
        # Made at the first call: most connections only read.
        self._calls: Calls | None = None
        self._prompt = service.prompt_readers.get(link.encoding.name)
        self._spent = 0
        self._paced_at = 0.0
        self.state = SessionState.FRESH
        self.client = ""
        self.identity: Identity | None = None
        self.awaits_pong = False

    def move(self, name: str) -> None:
        """Makes the move ``name`` of the table above; KeyError where the state forbids it."""
        self.state = MOVES[self.state, name]

    def take(self, payload: bytes) -> bool:
        """Handles one message that is a prompt call, at once; False: nothing has happened, and
        ``receive`` does it.

        For a connection of which no earlier message waits. Not for one past its burst.
        """
        identity = self.identity
        read = self._prompt
        if (
            read is None
            or identity is None
            or self._spent >= BURST
            or self.state is not SessionState.CONNECTED
        ):
            return False
        found = read(payload)
        if found is None:
            return False
        command_id, data = found
        calls = self._calls if self._calls is not None else self._new_calls()
        prompt = self._service.prompt
        assert prompt is not None
        try:
            try:
                if not calls.begin(command_id, prompt, identity, data):
                    return False
            except FeedError as error:
                self._refuse(command_id, error)
        except ReplyOverflow:
            self._overflow()
        self._spent += 1
        self._service.hub.metrics.prompt_commands += 1
        return True

    async def receive(self, payload: bytes) -> None:
        """Handles one message from the client, in order, and answers it.

        Raises Disconnected where the connection must end. Cancelled: the commands not yet handled
        are lost, as on a lost connection.
        """
        try:
            commands = self._link.encoding.decode(payload)
        except protocol.Malformed as error:
            raise Disconnected(Disconnect.BAD_REQUEST) from error
        self._service.hub.metrics.commands.inc(len(commands))
        for position, command in enumerate(commands, 1):
            if self.state is SessionState.CLOSED:
                return
            await self._handle(command)
            if position % 16 == 0:
                # Nothing above need have waited: let the other connections have their turn.
                await asyncio.sleep(0)
        self._spent += len(commands)
        if self._spent > BURST:
            await self._pace()

    async def _pace(self) -> None:
        """Waits until this connection is back within its pace."""
        now = asyncio.get_running_loop().time()
        self._spent -= min(self._spent, int((now - self._paced_at) * COMMANDS_PER_SECOND))
        self._paced_at = now
        if self._spent > BURST:
            await asyncio.sleep((self._spent - BURST) / COMMANDS_PER_SECOND)

    async def _handle(self, command: Command) -> None:
        try:
            await self._dispatch(command)
        except FeedError as error:
            self._refuse(command.id, error)
        except ReplyOverflow as error:
            raise Disconnected(Disconnect.SLOW) from error

    async def _dispatch(self, command: Command) -> None:
        if self.state is SessionState.FRESH:
            if command.connect is None or not command.id:
                raise Disconnected(Disconnect.BAD_REQUEST)
            self._connect(command)
        elif command == protocol.PONG:
            self.awaits_pong = False
        elif command.send is not None:
            raise Disconnected(Disconnect.NOT_AVAILABLE)
        elif not command.id or command.connect is not None:
            raise Disconnected(Disconnect.BAD_REQUEST)
        elif command.rpc is not None:
            self._call(command.id, command.rpc)
        elif command.subscribe is not None:
            await self._subscribe(command.id, command.subscribe)
        elif command.unsubscribe is not None:
            self._unsubscribe(command.unsubscribe.channel)
            self._answer(command.id, "unsubscribe", {})
        elif command.refresh is not None:
            self._refresh(command.id, command.refresh.token)
        elif command.ping is not None:
            self._answer(command.id, "ping", {})
        elif command.publish is not None:
            raise PermissionDenied("Only the server publishes. Votes are sent with the RPC “vote”.")
        else:
            raise NotAvailable("streamd does not have this command.")

    def _connect(self, command: Command) -> None:
        assert command.connect is not None
        if command.connect.token:
            self.identity = self._verified(command.connect.token)
        self.client = str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
        self.move("connect")
        ping = {"ping": self._service.ping_seconds, "pong": True, "node": self._service.node}
        self._answer(command.id, "connect", self._standing() | ping)

    def _refresh(self, command_id: int, token: str) -> None:
        identity = self._verified(token)
        if self.identity is None:
            raise PermissionDenied("This connection is anonymous: connect again with the token.")
        if identity.voter != self.identity.voter:
            raise Disconnected(Disconnect.INVALID_TOKEN)
        self.identity = identity
        self._answer(command_id, "refresh", self._standing())

    def _verified(self, token: str) -> Identity:
        try:
            return self._service.verify(token)
        except TokenExpired as error:
            raise TokenExpiredError(str(error)) from error
        except Unauthenticated as error:
            raise Disconnected(Disconnect.INVALID_TOKEN) from error

    def _standing(self) -> dict[str, object]:
        result: dict[str, object] = {"client": self.client, "version": VERSION}
        if self.identity is not None:
            result["expires"] = True
            # 0 would be left out by the protocol and read as "does not expire".
            result["ttl"] = max(1, self.identity.expires_at - int(time.time()))
        return result

    async def _subscribe(self, command_id: int, request: protocol.SubscribeRequest) -> None:
        channel = request.channel
        if not channel or len(channel) > protocol.CHANNEL_LENGTH:
            raise BadRequest(f"A channel's name has 1 to {protocol.CHANNEL_LENGTH} characters.")
        if channel in self._channels:
            raise AlreadySubscribed(channel)
        if len(self._channels) >= self._service.channels:
            raise LimitExceeded(f"One connection may have {self._service.channels} subscriptions.")
        provider = self._service.hub.provider(channel)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await provider.prepare(channel)
        except TimeoutError as error:
            raise TryAgain("The channel cannot be opened just now. Try again.") from error
        except (FeedError, asyncio.CancelledError):
            raise
        except Exception as error:
            log.exception("provider failed", channel=channel)
            raise TryAgain("The channel cannot be opened just now. Try again.") from error
        if self.state is SessionState.CLOSED:
            return
        opening = provider.subscribe(channel, request, self._link, self._channels.discard)
        self._channels.add(channel)
        pieces = self._link.encoding.reply_frame(command_id, "subscribe", opening.result)
        self._link.reply(*pieces, bounded=opening.bounded)

    def _unsubscribe(self, channel: str) -> None:
        if channel in self._channels:
            self._channels.discard(channel)
            self._service.hub.provider(channel).unsubscribe(channel, self._link)
            self._link.forget(channel)

    def _call(self, command_id: int, request: protocol.RpcRequest) -> None:
        calls = self._calls if self._calls is not None else self._new_calls()
        calls.start(command_id, request, self.identity)

    def _new_calls(self) -> Calls:
        add, frame = self._service.results.add, self._link.encoding.rpc_frame
        self._calls = Calls(
            self._service.rpc,
            lambda answered, result: add((self, frame(answered, result))),
            self._refuse,
            self._overflow,
        )
        return self._calls

    def write(self, frame: bytes) -> None:
        """Sends one whole frame; disconnects a client that leaves too many replies unread."""
        try:
            self._link.reply(frame)
        except ReplyOverflow:
            self._overflow()

    def _overflow(self) -> None:
        self._end(Disconnect.SLOW)

    def _answer(self, command_id: int, kind: str, result: Mapping[str, object]) -> None:
        self._link.reply(self._link.encoding.frame(protocol.reply(command_id, kind, result)))

    def _refuse(self, command_id: int, error: FeedError) -> None:
        self._service.hub.metrics.errors.labels(error.code).inc()
        self._link.reply(
            self._link.encoding.frame(
                protocol.error(command_id, error.code, error.message, error.temporary, error.why)
            )
        )

    def ping(self) -> None:
        """Sends the server's ping; the client's empty command answers it."""
        self.awaits_pong = True
        self._link.reply(self._link.encoding.ping)

    @property
    def pong(self) -> bytes:
        """The payload that answers a ping."""
        return self._link.encoding.pong

    def expired(self, now: float) -> bool:
        """True where the token ended REFRESH_SECONDS before ``now`` (Unix seconds)."""
        return self.identity is not None and self.identity.expires_at + REFRESH_SECONDS <= now

    @property
    def busy(self) -> bool:
        """True while a call is being answered."""
        return bool(self._calls)

    def close(self) -> None:
        """Ends every subscription; nothing is handled any more. Safe to call again."""
        if self.state is SessionState.CLOSED:
            return
        self.move("close")
        for channel in tuple(self._channels):
            self._unsubscribe(channel)

    async def finish(self) -> None:
        """Cancels the calls under way and waits for their end; see Calls.finish."""
        if self._calls is not None:
            await self._calls.finish()


def _write(result: tuple[Session, bytes]) -> None:
    session, frame = result
    session.write(frame)
