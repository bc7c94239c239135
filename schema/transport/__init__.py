"""GraphQL over HTTP, server-sent events and WebSocket. Knows Strawberry, not the shop.

::

    from schema.transport import DocumentLimits, PresaleGraphQL

    graphql = PresaleGraphQL(
        strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription),
        context_factory=build_context,           # async (Request | WebSocket) -> context
        renew_context=lambda context: context.renewed(),  # same caller, fresh dataloaders
        on_ws_connect=authenticate_socket,       # async (context, params) -> ack payload | None
        public_exceptions={GlobalIDValueError: "ID_INVALID"},
        limits=DocumentLimits(depth=12),
    )
    app = Starlette(routes=[Route("/graphql", graphql), WebSocketRoute("/graphql", graphql)])

What resolvers can do, without importing anything from here:

* raise an exception whose class has ``public = True`` and whose instances have a ``code`` (and
  optionally ``retry_after_seconds`` and ``http_status``); every other exception is masked;
* set ``context.cache_hint`` to an object with ``max_age_seconds`` and ``public``;
* give the context ``read_at``: when the oldest thing it has given out was read, on the clock of
  ``time.monotonic``; a public answer is kept for others from then on, not from its making;
* give the context a ``cost_limit``: what its caller's operations may cost at most, in the points
  that ``Cost`` declares beside fields; ``extensions.cost`` of each answer then tells what it took;
* give the context a method ``begin_operation``: called before each operation with the SHA-256 of
  its document, in hex, and ``is_mutation``; what it raises is answered in its place;
* give the context a method ``hold_open``: called before an event stream is opened; what it raises
  is answered in its place;
* give the context a method ``for_audience``: subscriptions that are declared ``SHARED`` are then
  run once for all who ask for the same (``schema.transport.shared``);
* give the context ``expires_at``: sockets and streams end then; and a coroutine function ``ended``
  that returns when they have to end before.

Open streams keep a server from stopping, and its lifespan ends only after them. Let the server
close them first::

    class Server(uvicorn.Server):
        async def shutdown(self, sockets=None):
            await graphql.close_all()
            await super().shutdown(sockets)

and give it a ``timeout_graceful_shutdown`` besides: a client that has stopped reading holds its
connection, though nothing runs for it any more.
"""

from schema.transport.caching import CacheHint
from schema.transport.costs import Cost
from schema.transport.errors import RequestError
from schema.transport.limits import DocumentLimits
from schema.transport.replies import request_id_of
from schema.transport.view import ContextFactory, PresaleGraphQL

__all__ = [
    "CacheHint",
    "ContextFactory",
    "Cost",
    "DocumentLimits",
    "PresaleGraphQL",
    "RequestError",
    "request_id_of",
]
