"""Where the link leads that a customer is mailed when the copy of his data is ready.

Fetching it changes nothing, for mail programs and scanners open every link. Whoever holds the link
may read it, until it expires; every other one leads to the same page.
"""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from headless_presale.privacy import find_document, read_document
from headless_presale.web.browser import page

MAX_TOKEN_LENGTH = 200
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Disposition": 'attachment; filename="personal-data.json"',
    "X-Content-Type-Options": "nosniff",
    # Opened in a browser after all, it is a text and nothing else.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


async def fetch_export(request: Request) -> Response:
    """Send the copy, piece by piece: it may be of many megabytes."""
    export_id = _id(request)
    token = request.query_params.get("token", "")[:MAX_TOKEN_LENGTH]
    document = None if export_id is None else await find_document(export_id, token)
    if document is None:
        return page(request, "mailed_link_gone.html", reason="export_gone", status=404)
    headers = {**HEADERS, "Content-Length": str(document.size_bytes)}
    if request.method == "HEAD":
        return Response(headers=headers, media_type="application/json")
    return StreamingResponse(
        read_document(document), headers=headers, media_type="application/json"
    )


def _id(request: Request) -> UUID | None:
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        return None
