"""The HTTP application: routes around a GraphQL endpoint that is handed in from above."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp

from headless_presale import __version__
from headless_presale.cross_origin import CrossOrigin, NamedOrigins, origin_of
from headless_presale.fast_path import Endpoint, FastPath
from headless_presale.graphql_endpoint import GRAPHQL_PATH
from headless_presale.health import readiness, refresh_job_metrics
from headless_presale.kernel.errors import DomainError, Unavailable
from headless_presale.kernel.events import acting_as
from headless_presale.middleware import RequestLog, SecurityHeaders, security_headers
from headless_presale.overload import Admission, Door
from headless_presale.payments import GatewayUnknown, get_gateway, record_notice
from headless_presale.payments.gateways import NoticeRejected
from headless_presale.proxies import ClientsBehind, TrustedProxies
from headless_presale.rate_limits import ALONE, RateLimiter, RateLimits
from headless_presale.runtime import open_runtime
from headless_presale.settings import Settings
from headless_presale.sockets import OpenSockets, SocketLimit
from headless_presale.uploads import upload_routes
from headless_presale.web.admin import DIST, AdminFiles
from headless_presale.web.refusals import EXCEPTION_HANDLERS
from headless_presale.web.routes import ROUTES

MAX_BODY_BYTES = 256_000
"""For every route but those that take files; GraphQL's own limit is lower."""

Tell = Callable[[DomainError, str], str]
"""Returns the sentence of a refusal in a language."""

_close_streams: list[Callable[[], Awaitable[None]]] = []


async def close_open_streams() -> None:
    """End open subscriptions so that a stopping server need not wait for them."""
    for close in _close_streams:
        await close()


def create_app(
    *,
    graphql: ASGIApp,
    schema_text: Callable[[], str],
    settings: Settings,
    close_streams: Callable[[], Awaitable[None]] | None = None,
    tell: Tell = lambda error, _: str(error),
) -> Starlette:
    """Return the application around a GraphQL endpoint.

    Args:
        graphql: answers HTTP and WebSocket at ``/graphql``; finds the runtime in
            ``scope["state"]["runtime"]``.
        schema_text: prints the schema, which is served at ``/schema.graphql``; asked once.
        close_streams: ends the endpoint's open subscriptions; see ``close_open_streams``.
        tell: returns the sentence of a refusal in a language, for routes beside GraphQL.
    """

    door = Door(settings.max_in_flight)
    headers = security_headers(settings)
    named = NamedOrigins()
    limiter = RateLimiter(settings.rate_limit_requests, alone=ALONE)
    held = OpenSockets(settings.max_sockets_per_client)
    if close_streams is not None:
        _close_streams.append(close_streams)
    endpoint: object = graphql
    fast_path = (
        FastPath(
            endpoint,
            door=door,
            security_headers=headers,
            own=origin_of(settings.base_url),
            named=named,
            clients=ClientsBehind(settings.proxy_networks),
            limiter=limiter,
            held=held,
        )
        if isinstance(endpoint, Endpoint)
        else None
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with open_runtime(settings) as runtime:
            yield {
                "runtime": runtime,
                "door": door,
                "security_headers": headers,
                "fast_path": fast_path,
            }
            if close_streams is not None:
                await close_streams()
                _close_streams.remove(close_streams)

    return Starlette(
        routes=[
            Route(GRAPHQL_PATH, graphql),
            WebSocketRoute(GRAPHQL_PATH, graphql),
            *_routes(settings, schema_text=schema_text, tell=tell),
        ],
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[
            # The outermost first.
            Middleware(SecurityHeaders, headers=headers),
            Middleware(CrossOrigin, own=settings.base_url, named=named),
            # Starlette would put its own outside of these, and refuse without their headers.
            Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY_BYTES),
            Middleware(Admission, door=door),
            Middleware(TrustedProxies, networks=settings.proxy_networks),
            Middleware(RequestLog),
            Middleware(RateLimits, limiter=limiter),
            Middleware(SocketLimit, held=held),
        ],
    )


def _routes(settings: Settings, *, schema_text: Callable[[], str], tell: Tell) -> list[BaseRoute]:
    """Return what there is beside the GraphQL endpoint."""

    async def index(request: Request) -> Response:
        """Lead to the first of what there is to see: the admin, the editor, the schema."""
        if DIST.is_dir():
            return RedirectResponse("/admin/")
        has_editor = settings.mode == "development"
        return RedirectResponse(GRAPHQL_PATH if has_editor else "/schema.graphql")

    printed = cache(schema_text)

    async def schema(request: Request) -> Response:
        return PlainTextResponse(
            printed(), media_type="application/graphql", headers={"Cache-Control": "max-age=60"}
        )

    routes: list[BaseRoute] = [
        Route("/", index),
        Route("/schema.graphql", schema),
        Route("/webhooks/payments/{gateway}", _payment_webhook, methods=["POST"]),
        Route("/livez", _livez),
        Route("/readyz", _readyz),
        Route("/metrics", _metrics),
        *upload_routes(settings, tell),
        *ROUTES,
    ]
    if DIST.is_dir():
        routes.append(Mount("/admin", AdminFiles(directory=DIST, html=True)))
    return routes


async def _payment_webhook(request: Request) -> Response:
    """Take a gateway's notification: verified over its raw bytes, one effect per event.

    200 also for what we know already or do not use, so that it is not sent again; 401 for a
    signature that is not the gateway's; 503 while we cannot store it, so that it is.
    """
    try:
        gateway = get_gateway(request.path_params["gateway"])
        notice = gateway.read_notice(request.headers, await request.body())
    except GatewayUnknown as error:
        return JSONResponse({"error": {"code": error.code}}, status_code=404)
    except NoticeRejected as error:
        return JSONResponse(
            {"error": {"code": "WEBHOOK_REJECTED", "message": str(error)}}, status_code=401
        )
    try:
        with acting_as(f"gateway:{gateway.name}"):
            outcome = await record_notice(gateway.name, notice)
    except Unavailable as error:
        return JSONResponse(
            {"error": {"code": "UNAVAILABLE"}},
            status_code=503,
            headers={"Retry-After": str(error.retry_after_seconds)},
        )
    return JSONResponse({"outcome": outcome})


async def _livez(request: Request) -> Response:
    """Tell that the process runs its loop; nothing else is asked."""
    return JSONResponse({"status": "ok", "version": __version__})


async def _readyz(request: Request) -> Response:
    """Tell whether requests can be served. Without Redis or a worker they can, more slowly."""
    report = await readiness()
    return JSONResponse(report.to_json(), status_code=200 if report.is_ready else 503)


async def _metrics(request: Request) -> Response:
    await refresh_job_metrics()
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
