"""Pictures as browsers get them: only what we have encoded ourselves, kept by them for a year."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from headless_presale.media import get_store, is_file, key_of, mime_of
from headless_presale.web.assets import FOREVER

HEADERS = {
    "Cache-Control": FOREVER,
    # Opened on its own it is a picture and nothing else.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    # Storefronts on other hosts show it.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}


async def serve_picture(request: Request) -> Response:
    """Send one size of a picture. Its address names its content, so its tag is known beforehand."""
    sha256, name = request.path_params["sha256"], request.path_params["name"]
    if not is_file(sha256, name):
        raise HTTPException(404)
    headers = {**HEADERS, "ETag": f'"{sha256[:32]}-{name}"'}
    asked = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    if headers["ETag"] in asked or f"W/{headers['ETag']}" in asked:
        return Response(status_code=304, headers=headers)
    content = await get_store().find(key_of(sha256, name))
    if content is None:
        raise HTTPException(404)
    return Response(content, headers=headers, media_type=mime_of(name))
