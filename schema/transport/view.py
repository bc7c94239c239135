"""The GraphQL endpoint: HTTP, server-sent events and WebSocket at one address."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from graphql import GraphQLError, OperationType
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import GraphQL
from strawberry.http.ides import GraphQL_IDE
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from schema.transport.answers import Answer, AsSent, SharedAnswers, answer_of, key_of
from schema.transport.caching import find_cache_hint
from schema.transport.errors import (
    SESSION_EXPIRED,
    SHUTTING_DOWN,
    DocumentRefused,
    ErrorPresenter,
    RequestError,
    RequestRefused,
    Tell,
    coded,
)
from schema.transport.event_stream import EventStream
from schema.transport.execution import (
    Engine,
    Foresee,
    MutationHook,
    Operation,
    Outcome,
)
from schema.transport.head import Head
from schema.transport.ide import editor_page
from schema.transport.incoming import asks_for_data, parse_get, parse_post, read_text, text_of
from schema.transport.limits import DocumentLimits
from schema.transport.negotiation import (
    Accepted,
    negotiate,
    require_carrier,
    require_json,
)
from schema.transport.persisted import SharedTexts
from schema.transport.replies import VARY, Replies, Reply, request_id_of
from schema.transport.requests import OperationRequest
from schema.transport.shared import Streams
from schema.transport.socket_bounds import OperationHook, SocketHook, SocketLimits
from schema.transport.socket_messages import SUBPROTOCOL_NOT_ACCEPTABLE
from schema.transport.websocket import (
    SUBPROTOCOL,
    GraphQLSocket,
)

GOING_AWAY, GONE = 1001, "Server is going away"

ReadText = Callable[[int], Awaitable[bytes]]
"""Returns what a request says, no more than so many bytes; see ``read_text``."""
ContextFactory = Callable[[Request | WebSocket], Awaitable[Any]]


class PresaleGraphQL(GraphQL[Any, None]):
    """Serves one schema over every transport this project supports. See the package docstring.

    Args:
        context_factory: Builds ``info.context`` for a request or, once, for a socket. A public
            exception raised here (``RequestError``) is answered without running anything.
        renew_context: Derives a fresh context, with its own dataloaders, from the given one; for
            each operation of a socket and each event of a subscription. Default: the same object.
        on_ws_connect: Called with the socket's context and the parameters of ``connection_init``;
            returns the payload of the acknowledgement. A public exception closes with 4403. The
            parameters are also set on a context that has the attribute ``connection_params``.
        on_ws_operation: Called with the socket and its context before each of its operations; a
            public exception is answered in its place.
        on_mutation, foresee: See ``Engine``.
        limits: What a document may ask for.
        public_exceptions: Exception classes shown to clients, with their codes.
        tell: See ``ErrorPresenter``.
        max_body_bytes: Largest request body, query string and WebSocket message.
        document_memory_bytes: Memory for parsed and validated documents.
        shared_texts: Where the processes of a deployment share persisted queries.
        allowed_origins: Origins whose pages may open sockets besides the same origin. ``*`` suits
            an API that takes no cookies.
        heartbeat_seconds: Pause between comments on an event stream.
        timeout_seconds: What one operation, or one event of a subscription, may take.
        reuse_key: Returns what the answer to a query depends on besides the operation, or None for
            a request of somebody who might be told what others are not. Public answers are shared
            by requests of the same key; see ``answers``. Default: none is.
        answer_memory_bytes: Memory for answers that are shared; 0 keeps and shares none.
        is_discoverable: False serves no editor, refuses introspection and suggests no names in
            messages.

    A context with the attribute ``expires_at`` (an aware datetime) ends sockets and streams then,
    or when its coroutine function ``ended`` returns, where it has one; one with ``cache_hint``
    steers the caching of queries sent by GET. Where a middleware has left a ``Door`` in the state,
    as ``door``, the queries and mutations of sockets pass through it.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        context_factory: ContextFactory,
        renew_context: Callable[[Any], Any] | None = None,
        on_ws_connect: SocketHook | None = None,
        on_ws_operation: OperationHook | None = None,
        on_mutation: MutationHook | None = None,
        foresee: Foresee | None = None,
        limits: DocumentLimits | None = None,
        public_exceptions: Mapping[type[Exception], str] | None = None,
        tell: Tell | None = None,
        max_body_bytes: int = 100 * 1024,
        document_memory_bytes: int = 32 * 1024 * 1024,
        max_subscriptions_per_connection: int = 20,
        connection_init_timeout_seconds: float = 10.0,
        heartbeat_seconds: float = 12.0,
        allowed_origins: Sequence[str] = ("*",),
        graphql_ide: GraphQL_IDE | None = "graphiql",
        timeout_seconds: float = 10.0,
        is_discoverable: bool = True,
        shared_texts: SharedTexts | None = None,
        reuse_key: Callable[[Head], str | None] | None = None,
        answer_memory_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=graphql_ide if is_discoverable else None,
            subscription_protocols=(SUBPROTOCOL,),
            allowed_origins=allowed_origins,
        )
        self._context_factory = context_factory
        self._renew_context = renew_context or _same
        self._on_connect = on_ws_connect
        self._on_operation = on_ws_operation
        self._max_body_bytes = max_body_bytes
        self._heartbeat_seconds = heartbeat_seconds
        self._socket_limits = SocketLimits(
            init_timeout_seconds=connection_init_timeout_seconds,
            max_operations=max_subscriptions_per_connection,
            max_message_bytes=max_body_bytes,
        )
        self._presenter = ErrorPresenter(public_exceptions, tell)
        self._replies = Replies(self._presenter)
        self._reuse_key = reuse_key if answer_memory_bytes else None
        self.answers = SharedAnswers(memory_bytes=answer_memory_bytes)
        self.engine = Engine(
            schema,
            limits=limits or DocumentLimits(),
            document_memory_bytes=document_memory_bytes,
            renew_context=self._renew_context,
            on_mutation=on_mutation,
            foresee=foresee,
            is_discoverable=is_discoverable,
            timeout_seconds=timeout_seconds,
            shared_texts=shared_texts,
        )
        self.streams = Streams(self.engine, schema)
        self._editor = editor_page(self.graphql_ide) if self.graphql_ide else None
        self._live: set[GraphQLSocket | EventStream] = set()
        self._stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive=receive, send=send))
            return
        head = Head(scope)
        response = await self._respond(head, partial(read_text, head, receive))
        await response(scope, receive, send)

    def read_head(self, scope: Scope) -> Head:
        """Return the head of a request that is there as a whole: see ``answer``."""
        return Head(scope)

    def find_kept(self, head: Head, body: bytes) -> Reply | None:
        """Return the answer to a whole request where there is one for all who ask that now.

        None for everything else: ``answer``.
        """
        whose = None if self._reuse_key is None else self._reuse_key(head)
        accepted = negotiate(head.get(b"accept"))
        if whose is None or accepted.json is None or accepted.html:
            return None
        try:
            text = text_of(head, body, self._max_body_bytes)
        except RequestRefused:
            return None
        kept = self.answers.find((head.is_get, text, whose))
        return None if kept is None else self._replies.shared(head, accepted.json, None, kept)

    async def answer(self, head: Head, body: bytes) -> Reply | ASGIApp:
        """Answer a request that is there as a whole.

        Returns:
            The answer, or what sends one that goes on for a while.
        """

        async def read(max_bytes: int) -> bytes:
            return text_of(head, body, max_bytes)

        return await self._respond(head, read)

    async def _send_live(
        self, stream: EventStream, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._live.add(stream)
        try:
            await stream(scope, receive, send)
        finally:
            self._live.discard(stream)

    async def close_all(
        self, code: int = GOING_AWAY, reason: str = GONE, *, timeout_seconds: float = 10.0
    ) -> None:
        """End every open socket and stream and take no new ones; for the server's shutdown.

        Queries and mutations that sockets have begun are answered first. Call it when the server
        is told to stop: its lifespan ends only after the last connection, and open streams keep
        that from happening. Returns when the resolvers' generators are closed, or after
        ``timeout_seconds``.
        """
        self._stopping = True
        ending = {asyncio.create_task(_end(live, code, reason)) for live in self._live}
        if ending:
            await asyncio.wait(ending, timeout=timeout_seconds)

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)

    async def _serve_socket(self, websocket: WebSocket) -> None:
        if not self._is_origin_allowed(websocket):
            # Closing before accepting answers the handshake with 403.
            await websocket.close()
            return
        if self._stopping or SUBPROTOCOL not in websocket["subprotocols"]:
            # Browsers learn a close code only from a connection that was accepted.
            await websocket.accept()
            if self._stopping:
                await websocket.close(GOING_AWAY, GONE)
            else:
                await websocket.close(SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
            return
        socket = GraphQLSocket(
            websocket,
            streams=self.streams,
            presenter=self._presenter,
            limits=self._socket_limits,
            make_context=self._context_factory,
            renew_context=self._renew_context,
            on_connect=self._on_connect,
            on_operation=self._on_operation,
            request_id=request_id_of(websocket),
            door=websocket.scope.get("state", {}).get("door"),
        )
        self._live.add(socket)
        try:
            await socket.serve()
        finally:
            self._live.discard(socket)

    def _is_origin_allowed(self, websocket: WebSocket) -> bool:
        origin = websocket.headers.get("origin")
        # No browser leaves it out, and nothing else carries somebody's cookies along.
        if origin is None or "*" in self.allowed_origins:
            return True
        if is_same_origin(origin, websocket.headers.get("host")):
            return True
        return normalize_origin(origin) in self.allowed_origins

    async def _respond(self, head: Head, read: ReadText) -> Reply | ASGIApp:
        accepted = negotiate(head.get(b"accept"))
        try:
            return await self._answer(head, accepted, read)
        except RequestRefused as refused:
            return self._replies.failure(head, accepted.json, refused, refused.headers)
        except Exception as failure:
            return self._replies.failure(head, accepted.json, failure, {})

    async def _answer(self, head: Head, accepted: Accepted, read: ReadText) -> Reply | ASGIApp:
        if head.method not in ("GET", "POST"):
            raise RequestRefused(405, "Use GET or POST.", headers={"allow": "GET, POST"})
        if head.is_get and accepted.html and self._editor and not asks_for_data(head):
            return HTMLResponse(
                self._editor.html,
                headers={"content-security-policy": self._editor.policy, "vary": VARY},
            )
        if head.is_get or not accepted.event_stream:
            require_json(accepted)
        text = await read(self._max_body_bytes)
        whose = None if self._reuse_key is None else self._reuse_key(head)
        as_sent = None if whose is None else (head.is_get, text, whose)
        if as_sent is not None and accepted.json is not None:
            # The shortest way: the same bytes were read, checked and answered a moment ago.
            kept = self.answers.find(as_sent)
            if kept is not None:
                return self._replies.shared(head, accepted.json, None, kept)
        received = parse_get(text) if head.is_get else parse_post(text)
        try:
            operation = await self.engine.receive(received)
        except DocumentRefused as refused:
            outcome = Outcome(errors=refused.errors, executed=False)
            if accepted.json is None:
                return self._stream(head, None, _once(outcome))
            return self._replies.result(head, accepted.json, None, outcome, None)
        require_carrier(operation.kind, accepted, is_get=head.is_get)
        is_subscription = operation.kind is OperationType.SUBSCRIPTION
        if is_subscription and self._stopping:
            raise RequestError(
                SHUTTING_DOWN,
                "The server is stopping: connect again.",
                http_status=503,
                retry_after_seconds=1,
            )
        if accepted.json is not None and operation.kind is OperationType.QUERY:
            answer = await self._query(head, received, operation, as_sent)
            return self._replies.shared(head, accepted.json, operation, answer)
        context = await self._context_factory(Request(head.scope))
        if is_subscription:
            if hold_open := getattr(context, "hold_open", None):
                hold_open()
            outcomes = self.streams.stream(operation, context)
            return self._stream(head, operation, outcomes, context)
        outcome = await self.engine.execute(operation, context)
        if accepted.json is None:
            return self._stream(head, operation, _once(outcome))
        hint = find_cache_hint(context)
        return self._replies.result(head, accepted.json, operation, outcome, hint)

    async def _query(
        self,
        head: Head,
        received: OperationRequest,
        operation: Operation,
        as_sent: AsSent | None,
    ) -> Answer:
        """Answer a query: with what there is for others too, where this may be for others."""

        async def make() -> Answer:
            began = time.monotonic()
            context = await self._context_factory(Request(head.scope))
            outcome = await self.engine.execute(operation, context)
            return answer_of(outcome, context, began=began)

        key = None if as_sent is None else key_of(operation, as_sent)
        if key is None or as_sent is None:
            return await make()
        answer = await self.answers.get(key, make)
        by_hash = None if received.query else partial(self.engine.texts.note_use, received.digest)
        self.answers.keep(as_sent, answer, on_use=by_hash)
        return answer

    def _stream(
        self,
        head: Head,
        operation: Operation | None,
        outcomes: AsyncGenerator[Outcome, None],
        context: Any = None,
    ) -> ASGIApp:
        expires_at = getattr(context, "expires_at", None)
        expired = coded(GraphQLError("The session has expired."), SESSION_EXPIRED)
        stream = EventStream(
            outcomes,
            lambda outcome: self._replies.encode(head, operation, outcome)[0],
            headers={"vary": VARY},
            heartbeat_seconds=self._heartbeat_seconds,
            request_id=head.request_id,
            expires_at=expires_at if isinstance(expires_at, datetime) else None,
            ended=getattr(context, "ended", None) if isinstance(expires_at, datetime) else None,
            expired=Outcome(errors=[expired], executed=False),
        )
        return partial(self._send_live, stream)


async def _end(live: GraphQLSocket | EventStream, code: int, reason: str) -> None:
    await live.finish(code, reason)
    await asyncio.wait({live.finished})


async def _once(outcome: Outcome) -> AsyncGenerator[Outcome, None]:
    yield outcome


def _same(context: Any) -> Any:
    return context
