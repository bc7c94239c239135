"""The rules of OAuth, kept by Authlib over rows that were read before and written after.

Authlib's authorization server is synchronous, so it gets no database: :class:`Rows` holds what a
request names, :attr:`Server.decision` what is to be written if it is in order, and neither holds a
secret that Authlib could log. Whether a code or a token still counts is decided by who writes.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Payload,
    OAuth2Request,
    TokenMixin,
)
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc7636 import CodeChallenge

from headless_presale.identity.bearer import issuer
from headless_presale.identity.models import OAuthClient, OAuthCode, OAuthRefreshToken
from headless_presale.identity.oauth.clients import is_registered, knows_secret, scopes_of_client
from headless_presale.identity.oauth.parameters import Parameters
from headless_presale.identity.scopes import Scope, known_scopes, scope_text
from headless_presale.kernel import clock

SECRET_METHODS = ("client_secret_basic", "client_secret_post")
AUTH_METHODS = (*SECRET_METHODS, "none")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url is 43 letters, whatever the verifier."""
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(slots=True)
class Answer:
    """What a client's system is answered."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=lambda: dict(NO_STORE))

    @property
    def is_error(self) -> bool:
        """Whether it says no."""
        return "error" in self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a request names, as it was read."""

    client: OAuthClient | None
    code: OAuthCode | None = None
    refresh_token: OAuthRefreshToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A request that is in order: what to claim, and what to give for it."""

    client: OAuthClient
    scopes: frozenset[Scope]
    code: OAuthCode | None = None
    refresh_token: OAuthRefreshToken | None = None


class Server(AuthorizationServer):
    """Judges one request."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(scopes_supported=[str(scope) for scope in Scope])
        self.rows = rows
        self.decision: Decision | None = None
        self.register_grant(_CodeGrant, [_ForThisApi(), _S256()])
        self.register_grant(_RefreshGrant, [_ForThisApi()])
        self.register_grant(_ServiceGrant, [_ForThisApi()])
        self.register_token_generator("default", _describe_token)

    def query_client(self, client_id: str) -> "_Client | None":
        client = self.rows.client
        return _Client(client) if client is not None and str(client.id) == client_id else None

    def save_token(self, token: Mapping[str, Any], request: "Request") -> None:
        self.decision = Decision(
            client=request.client.row,
            scopes=known_scopes(token["scope"].split()),
            code=request.authorization_code.row if request.authorization_code else None,
            refresh_token=request.refresh_token.row if request.refresh_token else None,
        )

    def create_oauth2_request(self, request: "Request") -> "Request":
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        return Answer(status, dict(body), {**dict(headers), **NO_STORE})


class Request(OAuth2Request):
    """A request as Authlib reads it."""

    def __init__(
        self, method: str, parameters: Parameters, *, authorization: str | None = None
    ) -> None:
        # Whether TLS is in front of us is for the operator; an address it insists on seeing.
        super().__init__(
            method,
            "https://in.memory/",
            headers={"Authorization": authorization} if authorization is not None else {},
        )
        self.payload = _Payload(parameters)
        self.resources = parameters.resources

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class _Payload(OAuth2Payload):
    def __init__(self, parameters: Parameters) -> None:
        self._data = dict(parameters.values)
        # Authlib repeats it in a description that may not hold every letter.
        if (kind := self._data.get("response_type")) not in (None, "code"):
            self._data["response_type"] = "token" if kind == "token" else "other"

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> "defaultdict[str, list[str]]":
        return defaultdict(list, {name: [value] for name, value in self._data.items()})


class _Client(ClientMixin):
    def __init__(self, row: OAuthClient) -> None:
        self.row = row

    def get_client_id(self) -> str:
        return str(self.row.id)

    def get_default_redirect_uri(self) -> str | None:
        return None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return what may be asked for; all the client may have where it asks for nothing."""
        most = scopes_of_client(self.row)
        if not scope:
            return scope_text(most)
        return scope if set(scope.split()) <= most else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return is_registered(self.row, redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        return knows_secret(self.row, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") == (self.row.secret_hash is None)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.row.grant_types


class _Code(AuthorizationCodeMixin):
    code_challenge_method = "S256"

    def __init__(self, row: OAuthCode) -> None:
        self.row = row
        self.code_challenge = row.code_challenge

    def get_redirect_uri(self) -> str:
        return self.row.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.row.grant.scopes)


class _RefreshToken(TokenMixin):
    def __init__(self, row: OAuthRefreshToken) -> None:
        self.row = row

    def check_client(self, client: _Client) -> bool:
        return self.row.grant.client_id == client.row.id

    def get_scope(self) -> str:
        return " ".join(self.row.grant.scopes)


class _CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    @staticmethod
    def validate_authorization_redirect_uri(request: Request, client: _Client) -> str:
        uri: str | None = request.payload.redirect_uri
        if uri is None or not client.check_redirect_uri(uri):
            raise InvalidRequestError("The redirect_uri is not one that the client registered.")
        return uri

    def query_authorization_code(self, code: str, client: _Client) -> _Code | None:
        row = self.server.rows.code
        if row is None or row.grant.client_id != client.row.id or row.grant.revoked_at is not None:
            return None
        # One that was used goes on, whatever its age: who claims it finds out, and ends the family.
        if row.used_at is None and row.expires_at <= clock.now():
            return None
        return _Code(row)

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        """It is claimed by who writes."""

    def authenticate_user(self, authorization_code: _Code) -> UUID | None:
        account_id: UUID | None = authorization_code.row.grant.account_id
        return account_id


class _RefreshGrant(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def validate_token_request(self) -> None:
        super().validate_token_request()
        self.execute_hook("after_validate_token_request", None)

    def authenticate_refresh_token(self, refresh_token: str) -> _RefreshToken | None:
        row = self.server.rows.refresh_token
        if row is None or row.grant.revoked_at is not None:
            return None
        # As with codes: one that was used before goes on to who finds out.
        if row.used_at is None and row.expires_at <= clock.now():
            return None
        return _RefreshToken(row)

    def authenticate_user(self, refresh_token: _RefreshToken) -> UUID | None:
        account_id: UUID | None = refresh_token.row.grant.account_id
        return account_id

    def revoke_old_credential(self, refresh_token: _RefreshToken) -> None:
        """It is claimed by who writes."""


class _ServiceGrant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = SECRET_METHODS

    def validate_token_request(self) -> None:
        super().validate_token_request()
        scope = self.request.client.get_allowed_scope(self.request.payload.scope)
        if scope is None:
            raise InvalidScopeError()
        self.request.scope = scope
        self.execute_hook("after_validate_token_request", None)

    def generate_token(self, **kwargs: Any) -> Any:
        return super().generate_token(**{**kwargs, "scope": self.request.scope})


class _S256(CodeChallenge):
    """PKCE by everybody, and by its one method that hides the verifier."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is required: send code_challenge_method=S256.")
        if CHALLENGE.fullmatch(data.get("code_challenge", "")) is None:
            raise InvalidRequestError("PKCE is required: send a code_challenge of 43 letters.")

    def validate_code_verifier(self, grant: Any, result: object) -> None:
        if VERIFIER.fullmatch(grant.request.form.get("code_verifier", "")) is None:
            raise InvalidRequestError("Send the code_verifier: 43 to 128 letters.")
        super().validate_code_verifier(grant, result)


class _ForThisApi:
    """Refuses tokens for another resource than this API (RFC 8707)."""

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self.check)
        grant.register_hook("after_validate_token_request", self.check)

    def check(self, grant: Any, _: object) -> None:
        ours = {issuer(), issuer() + "/", issuer() + "/graphql"}
        if not set(grant.request.resources) <= ours:
            raise OAuth2Error(error="invalid_target", description="This API is the only resource.")


def _describe_token(*, scope: str, **_: Any) -> dict[str, Any]:
    """Return an answer without its tokens, which are made when everything is claimed."""
    return {"token_type": "Bearer", "scope": scope}
