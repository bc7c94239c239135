"""The composition root: the schema on its transport, inside the application.

``uvicorn --factory schema.asgi:create`` serves it.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.websockets import WebSocket

from headless_presale.app import create_app
from headless_presale.cross_origin import FOREIGN_ORIGIN
from headless_presale.documents import SharedTexts
from headless_presale.identity import AccessClaims
from headless_presale.kernel.freshness import watch_freshness
from headless_presale.operation_limits import Meter, OperationLimits, operation_limits
from headless_presale.proxies import client_address
from headless_presale.rate_limits import VERIFIED, RateLimiter, caller_of
from headless_presale.refusal_texts import tell
from headless_presale.runtime import Runtime
from headless_presale.settings import Settings, get_settings
from headless_presale.sockets import SOCKET_PLACE
from resolvers.access import read_token
from resolvers.context import RequestContext, locale_of
from resolvers.errors import TokenExpired, Unauthenticated
from resolvers.messages import message_of
from resolvers.orders import OrderWish, foresee_refusal
from resolvers.rates import count_mutations
from resolvers.shop_directory import ShopDirectory
from schema.contract import schema, schema_text
from schema.inputs import OrderPlaceInput
from schema.transport import DocumentLimits, PresaleGraphQL, request_id_of
from schema.transport.head import Fields, Head, remembered
from schema.transport.websocket import LANGUAGE_PARAMETER

ContextFactory = Callable[[Request | WebSocket], Awaitable[RequestContext]]


def create(settings: Settings | None = None) -> Starlette:
    """Return the whole application.

    Args:
        settings: read from the environment when not given.
    """
    settings = settings or get_settings()
    graphql = create_graphql_app(settings)
    return create_app(
        graphql=graphql,
        schema_text=schema_text,
        settings=settings,
        close_streams=graphql.close_all,
        tell=message_of,
    )


def create_graphql_app(settings: Settings, shops: ShopDirectory | None = None) -> PresaleGraphQL:
    """Return the GraphQL endpoint; it finds the open runtime in ``scope["state"]["runtime"]``.

    Args:
        shops: what it knows of shops from one request to the next; its own when not given.
    """
    return PresaleGraphQL(
        schema,
        context_factory=context_factory(shops or ShopDirectory(), operation_limits(settings)),
        renew_context=RequestContext.renewed,
        on_ws_connect=authenticate_socket,
        on_ws_operation=count_operation,
        on_mutation=count_mutations,
        foresee=foresee,
        tell=tell,
        limits=DocumentLimits(cost=settings.highest_cost_limit),
        max_body_bytes=settings.max_body_bytes,
        timeout_seconds=settings.operation_timeout_seconds,
        is_discoverable=settings.mode == "development",
        shared_texts=SharedTexts(),
        reuse_key=reuse_key,
        answer_memory_bytes=settings.answer_memory_bytes,
    )


def reuse_key(head: Head) -> str | None:
    """Return what the answer to a query depends on besides the operation: language and origin.

    None for whoever says who he is, with a token or a cookie, right or wrong.
    """
    if head.identifies:
        return None
    origin = head.scope.get(FOREIGN_ORIGIN, "")
    return f"{_locale_of(head.get(b'accept-language'))} {origin}"


_locale_of = remembered(locale_of)


async def foresee(
    context: RequestContext, field: str, read_arguments: Callable[[], Mapping[str, Any]]
) -> Hashable | None:
    """Tell what the answer to a mutation depends on, where it is known before it is run."""
    if field != "orderPlace":
        return None

    def read_wish() -> OrderWish:
        order: OrderPlaceInput = read_arguments()["input"]
        return order.to_wish()

    return await foresee_refusal(context, read_wish)


def context_factory(shops: ShopDirectory, limits: OperationLimits) -> ContextFactory:
    """Return what makes the context of a request or of a socket."""

    async def build(connection: Request | WebSocket) -> RequestContext:
        scope = connection.scope
        runtime: Runtime = scope["state"]["runtime"]
        sent = Fields(scope)
        claims, expired = scope.get(VERIFIED), None
        try:
            claims = claims or await read_token(sent.get(b"authorization"))
        except TokenExpired as error:
            if isinstance(connection, WebSocket):
                raise
            # To have a new one it may go on: which operation this is, is not known here.
            expired = error
        return RequestContext(
            claims=claims,
            expired=expired,
            address=client_address(scope),
            meter=Meter(scope, limits),
            socket_place=scope["state"].get(SOCKET_PLACE),
            settings=runtime.settings,
            hub=runtime.hub,
            shops=shops.seen_from(scope.get(FOREIGN_ORIGIN)),
            request_id=request_id_of(connection),
            locale=_locale_of(sent.get(b"accept-language")),
            freshness=watch_freshness(),
        )

    return build


async def authenticate_socket(context: RequestContext, params: Mapping[str, Any]) -> None:
    """Take token and language that ``connection_init`` carries: browsers can send no header.

    Raises:
        Unauthenticated: it carries one that is not valid; the socket closes.
        TooManyConnections: its grant has as many sockets as it may; likewise.
    """
    if isinstance(language := params.get(LANGUAGE_PARAMETER), str):
        context.locale = locale_of(language)
    token = params.get("authorization", params.get("Authorization"))
    if token is not None:
        if not isinstance(token, str):
            raise Unauthenticated("'authorization' must be a text.")
        context.claims = await read_token(token)
    context.hold_open()


async def count_operation(websocket: WebSocket, context: RequestContext) -> None:
    """Count an operation of a socket as a request of its caller.

    Raises:
        RateLimited: it is one too many.
    """
    limiter: RateLimiter | None = websocket.scope["state"].get("rate_limiter")
    # Customers count by address: whoever has many mailboxes could be as many of them.
    claims = context.claims if isinstance(context.claims, AccessClaims) else None
    if limiter is not None and (caller := caller_of(websocket.scope, claims)) is not None:
        await limiter.take(caller)
