"""An OpenID Connect issuer that can be told to lie: what it signs is up to the test.

It asks nobody to sign in: whoever comes is the person that ``claims`` name. What a real issuer does
is left to the npm package oidc-provider, which the end-to-end tests run.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.servers import bind_free_port, serving

CLIENT_ID = "presale"
CLIENT_SECRET = "a secret that the two of them share"
ADA = "ada@shop.example"
"""The address of the person who comes, unless a test has somebody else come."""


@dataclass
class Issuer:
    """The issuer's state.

    Attributes:
        claims: of the person who comes, beside the registered ones.
        lies: claims of the ID token that are not what they should be; None leaves one out.
        discovery_lies: the same for the discovery document.
        userinfo: what the userinfo endpoint says; None: the same claims as the token.
        signs_with: a key and an algorithm, or the issuer's own.
        asked: the parameters of the last request for authorization.
        redeemed: how many codes were exchanged.
        token_error: what the token endpoint refuses with, whatever is asked.
        met: how often anything was asked.
    """

    url: str
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    claims: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "subject-1",
            "email": ADA,
            "email_verified": True,
            "name": "Ada",
        }
    )
    lies: dict[str, Any] = field(default_factory=dict)
    discovery_lies: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    signs_with: tuple[Any, str] | None = None
    asked: dict[str, str] = field(default_factory=dict)
    redeemed: int = 0
    has_id_token: bool = True
    token_error: str | None = None
    met: int = 0
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    async def discovery(self, request: Request) -> Response:
        self.met += 1
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
                "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
                **self.discovery_lies,
            }
        )

    async def jwks(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        self.asked = dict(request.query_params)
        code = uuid4().hex
        self._codes[code] = self.asked
        answer = {"code": code, "state": self.asked["state"], "iss": self.url}
        return RedirectResponse(f"{self.asked['redirect_uri']}?{urlencode(answer)}", 303)

    async def token(self, request: Request) -> Response:
        form = await request.form()
        if self.token_error is not None:
            return JSONResponse({"error": self.token_error}, 401)
        asked = self._codes.pop(str(form["code"]), None)
        if asked is None or not form.get("code_verifier"):
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.redeemed += 1
        answer: dict[str, Any] = {"access_token": "at", "token_type": "Bearer", "expires_in": 600}
        if self.has_id_token:
            answer["id_token"] = self.id_token(asked)
        return JSONResponse(answer)

    def id_token(self, asked: dict[str, str]) -> str:
        """Sign an ID token for a request."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked.get("nonce"),
            **self.claims,
            **self.lies,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key, algorithm = self.signs_with or (self.key, "ES256")
        header = {"alg": algorithm, "kid": "one"}
        return jwt.encode(header, claims, key, algorithms=[algorithm])

    async def user_info(self, request: Request) -> Response:
        return JSONResponse(self.userinfo if self.userinfo is not None else self.claims)


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    """Run an issuer on a port of its own."""
    listener = bind_free_port()
    issuer = Issuer(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", issuer.discovery),
            Route("/jwks", issuer.jwks),
            Route("/authorize", issuer.authorize),
            Route("/token", issuer.token, methods=["POST"]),
            Route("/userinfo", issuer.user_info),
        ]
    )
    config = uvicorn.Config(app, lifespan="off", ws="none", log_level="critical")
    async with serving(uvicorn.Server(config), listener):
        yield issuer


def shared_secret_key() -> OctKey:
    """Return the client's secret as a key: what a forger who knows it would sign with."""
    return OctKey.import_key(CLIENT_SECRET)
