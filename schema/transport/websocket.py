"""The graphql-transport-ws protocol for one socket.

Every frame is checked before it is used: a client that breaks the protocol is told so by the
close code and nothing is raised. See PROTOCOL.md of the npm package graphql-ws for the messages.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any

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
from schema.transport.execution import Operation, Outcome, response_body
from schema.transport.incoming import parse_parameters
from schema.transport.shared import Streams
from schema.transport.socket_bounds import Door, OperationHook, Place, SocketHook, SocketLimits
from schema.transport.socket_member import SocketMember, Wire
from schema.transport.socket_messages import (
    BAD_REQUEST,
    FORBIDDEN,
    INIT_TIMEOUT,
    INTERNAL_ERROR,
    SUBSCRIBER_EXISTS,
    TOO_MANY_INITS,
    UNAUTHORIZED,
    ProtocolBroken,
    decode,
    object_payload,
    operation_id_of,
)

SUBPROTOCOL = "graphql-transport-ws"
LANGUAGE_PARAMETER = "acceptLanguage"
"""In ``connection_init``: browsers can send no header of their own with a handshake."""


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
        streams: Streams,
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
        self._streams = streams
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
        # Futures and a timer rather than events and tasks: thousands of sockets are open, and idle.
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._guards: tuple[asyncio.Task[None], ...] = ()
        self.wire: Wire | None = websocket.scope.get("state", {}).get("wire")
        self._operations: dict[str, asyncio.Task[None] | SocketMember] = {}
        # Also those the client has completed and whose generators are still closing.
        self._running: dict[asyncio.Task[None], OperationType] = {}
        self.finished: asyncio.Future[None] = loop.create_future()

    async def serve(self) -> None:
        """Accept the connection and follow the protocol. Returns when everything has ended."""
        try:
            await self._websocket.accept(subprotocol=SUBPROTOCOL)
        except (RuntimeError, OSError):
            self.finished.set_result(None)
            return
        patience = self._limits.init_timeout_seconds
        self._close_after(patience, INIT_TIMEOUT, "Connection initialisation timeout")
        reading = asyncio.create_task(self._read())
        reading.add_done_callback(self._end)
        try:
            await self._ended
        finally:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            for task in (reading, *self._guards):
                task.cancel()
            self._leave_shared_runs()
            for task, kind in self._running.items():
                _stop(task, kind)
            await asyncio.gather(reading, *self._guards, *self._running, return_exceptions=True)
            self.finished.set_result(None)

    def _end(self, _: object = None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    async def finish(self, code: int, reason: str) -> None:
        """End subscriptions, answer the queries and mutations that have begun, then close."""
        self._stopping = True
        self._leave_shared_runs()
        for task, kind in list(self._running.items()):
            if kind is OperationType.SUBSCRIPTION:
                _stop(task, kind)
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
            self._end()

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._websocket.receive()
                if frame["type"] == "websocket.disconnect":
                    self._closed = True
                    return
                await self._handle(decode(frame, max_bytes=self._limits.max_message_bytes))
        except ProtocolBroken as broken:
            await self.close(broken.code, broken.reason)
        except WebSocketDisconnect:
            self._closed = True
        except Exception as failure:
            log_masked(failure, self._request_id, None)
            await self.close(INTERNAL_ERROR, "Internal error")

    async def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._initialise(object_payload(message))
            case "ping":
                payload = object_payload(message)
                await self._send({"type": "pong", **({"payload": payload} if payload else {})})
            case "pong":
                object_payload(message)
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                self._complete(operation_id_of(message))
            case unknown:
                raise ProtocolBroken(BAD_REQUEST, f"Unknown message type '{unknown[:40]}'")

    async def _initialise(self, params: dict[str, Any]) -> None:
        if self._init_received:
            raise ProtocolBroken(TOO_MANY_INITS, "Too many initialisation requests")
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
                raise ProtocolBroken(code, str(failure)) from None
            raise
        self._context = context
        self._acknowledged = True
        expires_at = getattr(context, "expires_at", None)
        if isinstance(expires_at, datetime):
            self._close_after(seconds_until(expires_at) or 0.0, FORBIDDEN, "Session expired")
            self._guard(self._close_when_ended(context))
        await self._send({"type": "connection_ack", **({"payload": payload} if payload else {})})

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if not self._acknowledged:
            raise ProtocolBroken(UNAUTHORIZED, "Unauthorized")
        operation_id = operation_id_of(message)
        try:
            request = parse_parameters(message.get("payload"))
        except RequestRefused as refused:
            raise ProtocolBroken(BAD_REQUEST, refused.message) from None
        if operation_id in self._operations:
            raise ProtocolBroken(SUBSCRIBER_EXISTS, f"Subscriber for {operation_id} already exists")
        if self._count() >= self._limits.max_operations:
            text = f"At most {self._limits.max_operations} operations may run on one connection."
            await self._send_errors(
                operation_id, [coded(GraphQLError(text), TOO_MANY_SUBSCRIPTIONS)]
            )
            return
        try:
            # First, for documents that cannot be run are work as well.
            if self._on_operation is not None:
                await self._on_operation(self._websocket, self._context)
            operation = await self._streams.engine.receive(request)
            if self._join(operation_id, operation):
                return
        except DocumentRefused as refused:
            await self._send_errors(operation_id, refused.errors)
            return
        except Exception as failure:
            await self._send_errors(operation_id, [located_error(failure)])
            return
        task = asyncio.create_task(self._run(operation_id, operation))
        self._operations[operation_id] = task
        self.keep(task, operation.kind)

    def _complete(self, operation_id: str) -> None:
        operation = self._operations.pop(operation_id, None)
        if isinstance(operation, SocketMember):
            self._leave(operation)
        elif operation is not None:
            _stop(operation, self._running[operation])

    def keep(
        self, task: "asyncio.Task[None]", kind: OperationType = OperationType.SUBSCRIPTION
    ) -> None:
        """Stop a task with the socket, and wait for its end."""
        self._running[task] = kind
        task.add_done_callback(lambda done: self._running.pop(done, None))

    def _count(self) -> int:
        members = [one for one in self._operations.values() if isinstance(one, SocketMember)]
        return len(self._running) + sum(not member.is_sending for member in members)

    def _join(self, operation_id: str, operation: Operation) -> bool:
        """Follow a run that is shared; False: this operation is to be run by itself."""
        context = self._renew_context(self._context)
        run = None if self._stopping else self._streams.find_run(operation, context)
        if run is None:
            return False
        member = SocketMember(self, run, operation_id=operation_id, name=operation.name)
        self._operations[operation_id] = member
        member.join()
        return True

    def _leave(self, member: SocketMember) -> None:
        if (ending := member.leave()) is not None:
            self.keep(ending)

    def _leave_shared_runs(self) -> None:
        for operation_id, operation in list(self._operations.items()):
            if isinstance(operation, SocketMember):
                del self._operations[operation_id]
                self._leave(operation)

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
            async with aclosing(self._streams.stream(operation, context)) as outcomes:
                async for outcome in outcomes:
                    if place is not None:
                        # Now it is only sent, however slowly the client may read.
                        place.leave()
                    # The client may have completed it, and used the id again.
                    if self._operations.get(operation_id) is not task:
                        return
                    await self._send_outcome(operation_id, operation.name, outcome)
                    if not outcome.executed:
                        return
            if self._operations.get(operation_id) is task:
                await self._send_outcome(operation_id, operation.name, None)
        except WebSocketDisconnect:
            self._closed = True
        except Exception as failure:
            self._operations.pop(operation_id, None)
            await self._send_errors(operation_id, [located_error(failure)], operation.name)
        finally:
            if place is not None:
                place.leave()

    async def tell(self, member: SocketMember, outcome: Outcome | None) -> None:
        """Send an event of a shared run, or its end, unless the client has completed it."""
        operation_id = member.operation_id
        if self._operations.get(operation_id) is not member:
            return
        try:
            await self._send_outcome(operation_id, member.name, outcome)
        except WebSocketDisconnect:
            self._closed = True
        except Exception as failure:
            del self._operations[operation_id]
            await self._send_errors(operation_id, [located_error(failure)], member.name)
            self._leave(member)

    async def _send_outcome(
        self, operation_id: str, name: str | None, outcome: Outcome | None
    ) -> None:
        if outcome is None:
            # Forgotten before the message leaves: the client may use the id at once.
            del self._operations[operation_id]
            await self._send({"id": operation_id, "type": "complete"})
        elif not outcome.executed:
            del self._operations[operation_id]
            await self._send_errors(operation_id, outcome.errors or [], name)
        else:
            errors = self._present(outcome.errors or (), name)
            body = response_body(outcome, errors)
            await self._send({"id": operation_id, "type": "next", "payload": body})

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

    def _close_after(self, seconds: float, code: int, reason: str) -> None:
        self._timer = asyncio.get_running_loop().call_later(
            seconds, lambda: self._guard(self.close(code, reason))
        )

    def _guard(self, guard: Coroutine[Any, Any, None]) -> None:
        self._guards = (*self._guards, asyncio.create_task(guard))

    async def _close_when_ended(self, context: Any) -> None:
        ended = getattr(context, "ended", None)
        if ended is not None:
            await ended()
            await self.close(FORBIDDEN, "Session ended")


def _stop(task: "asyncio.Task[None]", kind: OperationType) -> None:
    # A mutation that has begun is finished: half of a purchase helps nobody. And nothing is
    # cancelled twice: the second time would be while it closes what it has open.
    if kind is not OperationType.MUTATION and not task.cancelling():
        task.cancel()
