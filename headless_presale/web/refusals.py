"""Pages and answers for what went wrong."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headless_presale.kernel.errors import Unavailable
from headless_presale.web.errors import PageRefused
from headless_presale.web.rendering import page

ExceptionHandler = Callable[[Request, Any], Awaitable[Response]]


async def show_refusal(request: Request, error: PageRefused) -> Response:
    """Say why not."""
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return page(request, "refused.html", status=error.status, headers=headers, text=error.text)


async def show_unavailable(request: Request, error: Unavailable) -> Response:
    """Ask for patience: people get a page, programs what they can read."""
    if "text/html" in request.headers.get("accept", ""):
        refused = PageRefused(503, "unavailable", retry_after_seconds=error.retry_after_seconds)
        return await show_refusal(request, refused)
    return JSONResponse(
        {"error": {"code": "UNAVAILABLE"}},
        status_code=503,
        headers={"Retry-After": str(error.retry_after_seconds)},
    )


EXCEPTION_HANDLERS: Mapping[Any, ExceptionHandler] = {
    PageRefused: show_refusal,
    Unavailable: show_unavailable,
}
