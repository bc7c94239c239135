"""The merchant admin's files, with headers that give a page no more than it needs."""

from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIST = Path(__file__).resolve().parents[2] / "admin_static" / "dist"

HEADERS = {
    # It holds tokens: nothing runs in it that is not ours, and it speaks to nobody else.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Asked for again each time, by its ETag: a new version is there at once.
    "Cache-Control": "no-cache",
}


class AdminFiles(StaticFiles):
    """Serves the built admin."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response
