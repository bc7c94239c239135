"""The endpoints of the authorization server that systems call; browsers come to ``authorize``."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from headless_presale.identity.errors import TooManyAttempts
from headless_presale.identity.limits import token_keys
from headless_presale.identity.oauth import metadata
from headless_presale.identity.oauth.keys import published_keys
from headless_presale.identity.oauth.parameters import (
    ParametersInvalid,
    TokenRequest,
    read_token_request,
)
from headless_presale.identity.oauth.server import NO_STORE, Answer
from headless_presale.identity.oauth.token_state import introspect, revoke
from headless_presale.identity.oauth.tokens import exchange
from headless_presale.identity.throttle import note_failure, refuse_paused
from headless_presale.kernel.errors import Unavailable
from headless_presale.web.people import source_of

Use = Callable[[TokenRequest], Awaitable[Answer]]

ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
"""Applications in browsers call these from their own sites. No cookie counts here, so whatever a
foreign page is answered it could have asked for by itself."""
A_MINUTE = {"Cache-Control": "public, max-age=60", **ANY_ORIGIN}


async def token(request: Request) -> Response:
    """Exchange a code, a refresh token or a client's own secret for tokens."""
    return await _answer(request, exchange)


async def revocation(request: Request) -> Response:
    """End a token."""
    return await _answer(request, revoke)


async def introspection(request: Request) -> Response:
    """Tell whether a token counts."""
    return await _answer(request, introspect)


async def server_metadata(request: Request) -> Response:
    """Say what the server offers."""
    return JSONResponse(metadata.server_metadata(), headers=A_MINUTE)


async def resource_metadata(request: Request) -> Response:
    """Say whose tokens the API takes."""
    return JSONResponse(metadata.resource_metadata(), headers=A_MINUTE)


async def jwks(request: Request) -> Response:
    """Publish the keys that access tokens are signed with."""
    return JSONResponse({"keys": await published_keys()}, headers=A_MINUTE)


async def _answer(request: Request, use: Use) -> Response:
    """Read a request, use it, and count it if it was refused.

    What succeeds is not counted: a hundred workers of an ERP behind one address are welcome. Nor is
    what cannot be read: saying so costs less than counting.
    """
    try:
        asked = read_token_request(
            await request.body(),
            content_type=request.headers.get("content-type", ""),
            authorization=request.headers.get("authorization"),
        )
        keys = token_keys(asked.client_id or "", source_of(request))
        await refuse_paused(keys)
        answer = await use(asked)
        if answer.is_error:
            await note_failure(keys)
    except ParametersInvalid as error:
        answer = _refusal(error)
    except TooManyAttempts as error:
        seconds = error.retry_after_seconds
        return _later(
            429, "slow_down", f"Too many requests were refused: wait {seconds} s.", seconds
        )
    except Unavailable as error:
        seconds = error.retry_after_seconds
        return _later(503, "temporarily_unavailable", "Nothing was used up. Retry.", seconds)
    return JSONResponse(
        answer.body, status_code=answer.status, headers={**answer.headers, **ANY_ORIGIN}
    )


def _refusal(error: ParametersInvalid) -> Answer:
    body = {"error": error.error, "error_description": error.description}
    if error.error == "invalid_client":
        return Answer(401, body, {**NO_STORE, "WWW-Authenticate": 'Basic realm="OAuth"'})
    return Answer(400, body)


def _later(status: int, error: str, description: str, seconds: int) -> Response:
    headers = {**NO_STORE, **ANY_ORIGIN, "Retry-After": str(seconds)}
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status_code=status, headers=headers)


ROUTES: tuple[BaseRoute, ...] = (
    Route(metadata.TOKEN, token, methods=["POST"]),
    Route(metadata.REVOKE, revocation, methods=["POST"]),
    Route(metadata.INTROSPECT, introspection, methods=["POST"]),
    Route(metadata.SERVER_METADATA, server_metadata, methods=["GET"]),
    Route(metadata.RESOURCE_METADATA, resource_metadata, methods=["GET"]),
    Route(metadata.JWKS, jwks, methods=["GET"]),
)
