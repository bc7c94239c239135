"""The graphql-transport-ws protocol for one socket.

Every frame is checked before it is used: a client that breaks the protocol is told so by the
close code and nothing is raised. See PROTOCOL.md of the npm package graphql-ws for the messages.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson
from graphql import GraphQLError, OperationType, located_error
from starlette.websockets import WebSocket, WebSocketDisconnect

from schema.transport.errors import (
    SHUTTING_DOWN,
    TOO_MANY_SUBSCRIPTIONS,
    DocumentRefused,
    ErrorPresenter,
    RequestError,
    RequestRefused,
    coded,
    is_public,
    log_masked,
)
from schema.transport.event_stream import seconds_until
from schema.transport.execution import Engine, Operation, Outcome, response_body
from schema.transport.incoming import parse_parameters

SUBPROTOCOL = "graphql-transport-ws"
LANGUAGE_PARAMETER = "acceptLanguage"
"""In ``connection_init``: browsers can send no header of their own with a handshake."""

BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
SUBPROTOCOL_NOT_ACCEPTABLE = 4406
INIT_TIMEOUT = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY_INITS = 4429
INTERNAL_ERROR = 4500
MESSAGE_TOO_BIG = 1009

OperationHook = Callable[[WebSocket, Any], Awaitable[None]]
SocketHook = Callable[[Any, Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Bounds for one socket; ``max_operations`` counts everything that has not ended yet."""

    init_timeout_seconds: float = 10.0
    max_operations: int = 20
    max_message_bytes: int = 100 * 1024


class Place(Protocol):
    """A place among what the server works on at once."""

    def leave(self) -> None:
        """Give it back; further calls do nothing."""


class Door(Protocol):
    """What lets operations in, or refuses them."""

    def enter(self) -> Place:
        """Take a place; a public exception says that there is none."""


class _ProtocolBroken(Exception):
    """The client broke the protocol: the socket closes with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class GraphQLSocket:
    """Serves one accepted connection until either side closes it.

    Args:
        make_context: Builds the connection's context when ``connection_init`` arrives.
        renew_context: Derives each operation's context from it.
        on_connect: Called with the context and the connection parameters; what it returns is the
            payload of ``connection_ack``. A public exception closes with its ``close_code``, else
            4403, and its message.
        on_operation: Called before the document of each operation is looked at; a public exception
            is answered in its place.
        door: Queries and mutations take a place here while they are worked on; an open
            subscription takes none.
    """

    def __init__(
        self,
        websocket: WebSocket,
        *,
        engine: Engine,
        presenter: ErrorPresenter,
        limits: SocketLimits,
        make_context: Callable[[WebSocket], Awaitable[Any]],
        renew_context: Callable[[Any], Any],
        on_connect: SocketHook | None,
        request_id: str,
        on_operation: OperationHook | None = None,
        door: Door | None = None,
    ) -> None:
        self._websocket = websocket
        self._engine = engine
        self._presenter = presenter
        self._limits = limits
        self._make_context = make_context
        self._renew_context = renew_context
        self._on_connect = on_connect
        self._on_operation = on_operation
        self._request_id = request_id
        self._language = websocket.headers.get("accept-language")
        self._door = door
        self._context: Any = None
        self._init_received = False
        self._acknowledged = False
        self._stopping = False
        self._closed = False
        self._ended = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        # Also those the client has completed and whose generators are still closing.
        self._running: dict[asyncio.Task[None], OperationType] = {}
        self.finished = asyncio.Event()

    async def serve(self) -> None:
        """Accept the connection and follow the protocol. Returns when everything has ended."""
        try:
            await self._websocket.accept(subprotocol=SUBPROTOCOL)
        except (RuntimeError, OSError):
            self.finished.set()
            return
        self._timer = asyncio.create_task(
            self._close_after(
                self._limits.init_timeout_seconds, INIT_TIMEOUT, "Connection initialisation timeout"
            )
        )
        reading = asyncio.create_task(self._read())
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._closed = True
            guards = [task for task in (self._timer, self._watch) if task is not None]
            for task in (reading, ended, *guards):
                task.cancel()
            for task, kind in self._running.items():
                _stop(task, kind)
            await asyncio.gather(reading, ended, *guards, *self._running, return_exceptions=True)
            self.finished.set()

    async def finish(self, code: int, reason: str) -> None:
        """End subscriptions, answer the queries and mutations that have begun, then close."""
        self._stopping = True
        for task, kind in list(self._running.items()):
            if kind is OperationType.SUBSCRIPTION:
                task.cancel()
        if self._running:
            await asyncio.wait(set(self._running))
        await self.close(code, reason)

    async def close(self, code: int, reason: str) -> None:
        """Close the socket once; later calls and a client already gone are fine."""
        if self._closed:
            return
        self._closed = True
        try:
            # A control frame has room for 123 bytes.
            await self._websocket.close(code, reason.encode()[:123].decode(errors="ignore"))
        except (RuntimeError, OSError, WebSocketDisconnect):
            return
        finally:
            self._ended.set()

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._websocket.receive()
                if frame["type"] == "websocket.disconnect":
                    self._closed = True
                    return
                await self._handle(self._decode(frame))
        except _ProtocolBroken as broken:
            await self.close(broken.code, broken.reason)
        except WebSocketDisconnect:
            self._closed = True
        except Exception as failure:
            log_masked(failure, self._request_id, None)
            await self.close(INTERNAL_ERROR, "Internal error")

    def _decode(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        text = frame.get("text")
        if not isinstance(text, str):
            raise _ProtocolBroken(BAD_REQUEST, "Only text frames are understood")
        if len(text) > self._limits.max_message_bytes:
            raise _ProtocolBroken(MESSAGE_TOO_BIG, "Message too big")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _ProtocolBroken(BAD_REQUEST, "The message is not valid JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _ProtocolBroken(BAD_REQUEST, "The message has to be an object with a type")
        return message

    async def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._initialise(_object_payload(message))
            case "ping":
                payload = _object_payload(message)
                await self._send({"type": "pong", **({"payload": payload} if payload else {})})
            case "pong":
                _object_payload(message)
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                self._complete(_operation_id(message))
            case unknown:
                raise _ProtocolBroken(BAD_REQUEST, f"Unknown message type '{unknown[:40]}'")

    async def _initialise(self, params: dict[str, Any]) -> None:
        if self._init_received:
            raise _ProtocolBroken(TOO_MANY_INITS, "Too many initialisation requests")
        self._init_received = True
        if self._timer is not None:
            self._timer.cancel()
        if isinstance(language := params.get(LANGUAGE_PARAMETER), str):
            self._language = language
        try:
            context = await self._make_context(self._websocket)
            if isinstance(context, dict):
                context["connection_params"] = params
            elif hasattr(context, "connection_params"):
                context.connection_params = params
            payload = await self._on_connect(context, params) if self._on_connect else None
        except Exception as failure:
            if is_public(failure):
                code = getattr(failure, "close_code", FORBIDDEN)
                raise _ProtocolBroken(code, str(failure)) from None
            raise
        self._context = context
        self._acknowledged = True
        expires_at = getattr(context, "expires_at", None)
        if isinstance(expires_at, datetime):
            seconds = seconds_until(expires_at) or 0.0
            self._timer = asyncio.create_task(
                self._close_after(seconds, FORBIDDEN, "Session expired")
            )
            self._watch = asyncio.create_task(self._close_when_ended(context))
        await self._send({"type": "connection_ack", **({"payload": payload} if payload else {})})

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if not self._acknowledged:
            raise _ProtocolBroken(UNAUTHORIZED, "Unauthorized")
        operation_id = _operation_id(message)
        try:
            request = parse_parameters(message.get("payload"))
        except RequestRefused as refused:
            raise _ProtocolBroken(BAD_REQUEST, refused.message) from None
        if operation_id in self._operations:
            raise _ProtocolBroken(
                SUBSCRIBER_EXISTS, f"Subscriber for {operation_id} already exists"
            )
        if len(self._running) >= self._limits.max_operations:
            text = f"At most {self._limits.max_operations} operations may run on one connection."
            await self._send_errors(
                operation_id, [coded(GraphQLError(text), TOO_MANY_SUBSCRIPTIONS)]
            )
            return
        try:
            # First, for documents that cannot be run are work as well.
            if self._on_operation is not None:
                await self._on_operation(self._websocket, self._context)
            operation = await self._engine.receive(request)
        except DocumentRefused as refused:
            await self._send_errors(operation_id, refused.errors)
            return
        except Exception as failure:
            await self._send_errors(operation_id, [located_error(failure)])
            return
        task = asyncio.create_task(self._run(operation_id, operation))
        self._operations[operation_id] = task
        self._running[task] = operation.kind
        task.add_done_callback(lambda done: self._running.pop(done, None))

    def _complete(self, operation_id: str) -> None:
        task = self._operations.pop(operation_id, None)
        if task is not None:
            _stop(task, self._running[task])

    def _enter(self, operation: Operation) -> Place | None:
        if self._stopping:
            raise RequestError(
                SHUTTING_DOWN, "The server is stopping: connect again.", retry_after_seconds=1
            )
        if self._door is None or operation.kind is OperationType.SUBSCRIPTION:
            return None
        return self._door.enter()

    async def _run(self, operation_id: str, operation: Operation) -> None:
        task = asyncio.current_task()
        place: Place | None = None
        try:
            place = self._enter(operation)
            context = self._renew_context(self._context)
            async with aclosing(self._engine.stream(operation, context)) as outcomes:
                async for outcome in outcomes:
                    if place is not None:
                        # Now it is only sent, however slowly the client may read.
                        place.leave()
                    # The client may have completed it, and used the id again.
                    if self._operations.get(operation_id) is not task:
                        return
                    if not outcome.executed:
                        self._operations.pop(operation_id, None)
                        await self._send_errors(operation_id, outcome.errors or [], operation.name)
                        return
                    await self._send_next(operation_id, operation, outcome)
            if self._operations.get(operation_id) is task:
                # Forgotten before the message leaves: the client may use the id at once.
                del self._operations[operation_id]
                await self._send({"id": operation_id, "type": "complete"})
        except WebSocketDisconnect:
            self._closed = True
        except Exception as failure:
            self._operations.pop(operation_id, None)
            await self._send_errors(operation_id, [located_error(failure)], operation.name)
        finally:
            if place is not None:
                place.leave()

    async def _send_next(self, operation_id: str, operation: Operation, outcome: Outcome) -> None:
        errors = self._present(outcome.errors or (), operation.name)
        await self._send(
            {"id": operation_id, "type": "next", "payload": response_body(outcome, errors)}
        )

    async def _send_errors(
        self, operation_id: str, errors: list[GraphQLError], operation_name: str | None = None
    ) -> None:
        presented = self._present(errors, operation_name)
        await self._send({"id": operation_id, "type": "error", "payload": presented})

    def _present(self, errors: Iterable[GraphQLError], name: str | None) -> list[dict[str, Any]]:
        return self._presenter.present(
            errors, request_id=self._request_id, operation_name=name, language=self._language
        )

    async def _send(self, message: Mapping[str, Any]) -> None:
        text = orjson.dumps(message).decode()
        if self._closed:
            return
        try:
            await self._websocket.send({"type": "websocket.send", "text": text})
        except RuntimeError:
            # Closed from the other side between the check and here.
            self._closed = True

    async def _close_after(self, seconds: float, code: int, reason: str) -> None:
        await asyncio.sleep(seconds)
        await self.close(code, reason)

    async def _close_when_ended(self, context: Any) -> None:
        ended = getattr(context, "ended", None)
        if ended is not None:
            await ended()
            await self.close(FORBIDDEN, "Session ended")


def _stop(task: "asyncio.Task[None]", kind: OperationType) -> None:
    # A mutation that has begun is finished: half of a purchase helps nobody.
    if kind is not OperationType.MUTATION:
        task.cancel()


def _object_payload(message: Mapping[str, Any]) -> dict[str, Any]:
    payload = message.get("payload")
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise _ProtocolBroken(BAD_REQUEST, "The payload has to be an object")
    return payload


def _operation_id(message: Mapping[str, Any]) -> str:
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not operation_id:
        raise _ProtocolBroken(BAD_REQUEST, "The id has to be a non-empty string")
    return operation_id
