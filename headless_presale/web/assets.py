"""The pages' style and script: read once, named by their content, kept by browsers for a year."""

import hashlib
from functools import cache
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

ASSETS = files("headless_presale.web") / "assets"
MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"
NOT_LONG = "public, max-age=60"


@cache
def _read(name: str) -> tuple[bytes, str]:
    content = (ASSETS / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:16]


@cache
def _names() -> frozenset[str]:
    return frozenset(
        entry.name for entry in ASSETS.iterdir() if entry.name.rpartition(".")[2] in MEDIA_TYPES
    )


def asset_address(name: str) -> str:
    """Return an asset's address, which changes with its content."""
    return f"/assets/{name}?v={_read(name)[1]}"


async def serve_asset(request: Request) -> Response:
    """Send an asset; for long where the address names this content."""
    name = request.path_params["name"]
    if name not in _names():
        raise HTTPException(404)
    content, version = _read(name)
    etag = f'"{version}"'
    headers = {
        "Cache-Control": FOREVER if request.query_params.get("v") == version else NOT_LONG,
        "ETag": etag,
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[name.rpartition(".")[2]])
