"""The gateway as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from headless_presale.sandbox_gateway.api import API_ROUTES, RequireApiKey
from headless_presale.sandbox_gateway.controls import CONTROL_ROUTES
from headless_presale.sandbox_gateway.errors import GatewayError
from headless_presale.sandbox_gateway.gateway import Gateway, get_gateway
from headless_presale.sandbox_gateway.hosted_page import PAGE_ROUTES, render_error
from headless_presale.sandbox_gateway.outage import OutageMiddleware
from headless_presale.sandbox_gateway.responses import json_response
from headless_presale.sandbox_gateway.settings import GatewaySettings

log = structlog.get_logger(__name__)


def create_gateway(settings: GatewaySettings) -> Starlette:
    """Return the application; it opens its data file and starts delivering when it starts."""
    gateway = Gateway(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with gateway.running():
            yield

    app = Starlette(
        routes=[
            Route("/healthz", check_health, methods=["GET"]),
            *PAGE_ROUTES,
            Mount(
                "/v1",
                routes=[Mount("/test_helpers", routes=CONTROL_ROUTES), *API_ROUTES],
                middleware=[Middleware(RequireApiKey, api_key=settings.api_key.get_secret_value())],
            ),
        ],
        middleware=[
            Middleware(
                OutageMiddleware,
                board=gateway.outages,
                timeout_seconds=settings.outage_timeout_seconds,
            )
        ],
        exception_handlers={
            GatewayError: answer_refusal,
            HTTPException: answer_http_exception,
            Exception: answer_crash,
        },
        lifespan=lifespan,
    )
    app.state.gateway = gateway
    return app


async def check_health(request: Request) -> Response:
    """Answer 200 once the data file can be read."""
    await get_gateway(request).database.run(lambda tx: tx.find("SELECT 1"))
    return json_response({"status": "ok"})


async def answer_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, GatewayError)
    if _is_page(request):
        return render_error(request, refusal.status)
    headers = {"www-authenticate": "Bearer"} if refusal.status == 401 else None
    return json_response(refusal.body(), status=refusal.status, headers=headers)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Give what the router refuses (404, 405) the shape of every other refusal."""
    assert isinstance(error, HTTPException)
    if _is_page(request):
        return render_error(request, error.status_code)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
    body = GatewayError(error.status_code, code, error.detail).body()
    headers = None if error.headers is None else dict(error.headers)
    return json_response(body, status=error.status_code, headers=headers)


async def answer_crash(request: Request, error: Exception) -> Response:
    """Tell the client nothing about the inside. The server logs the traceback itself."""
    log.error("request.crashed", path=request.url.path, error=repr(error))
    if _is_page(request):
        return render_error(request, 500)
    return json_response(
        GatewayError(500, "internal_error", "Something went wrong.").body(), status=500
    )


def _is_page(request: Request) -> bool:
    return request.url.path.startswith("/pay/")
