"""A browser that asks for a code, and the person who lets it have one."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from authlib.oauth2 import OAuth2Error

from headless_presale.identity.bearer import issuer
from headless_presale.identity.errors import Forbidden
from headless_presale.identity.models import OAuthClient, OAuthCode, OAuthGrant
from headless_presale.identity.oauth.clients import (
    find_client,
    is_first_party,
    is_loopback,
    is_public,
)
from headless_presale.identity.oauth.parameters import ParametersInvalid, read_parameters
from headless_presale.identity.oauth.server import Request, Rows, Server
from headless_presale.identity.scopes import ROLE_SCOPES, Role, Scope, known_scopes
from headless_presale.identity.sessions import Session
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import PresaleError
from headless_presale.kernel.events import Actor, acting_as
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import hash_secret, new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

CODE_LIFETIME = timedelta(seconds=60)


class AuthorizationRefused(PresaleError):
    """A request whose sender is not known, or not where it says: nobody is redirected.

    Attributes:
        error: the code of RFC 6749.
        description: for the application's developer.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


class AuthorizationFailed(PresaleError):
    """A request that its application is told the fault of.

    Attributes:
        location: where the browser goes with the answer.
    """

    def __init__(self, error: str, location: str) -> None:
        super().__init__(error)
        self.error = error
        self.location = location


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What an application asks a person for.

    Attributes:
        scopes: what it wants, within what it may be granted.
    """

    client: OAuthClient
    redirect_uri: str
    scopes: frozenset[Scope]
    state: str | None
    code_challenge: str

    @property
    def is_first_party(self) -> bool:
        """Whether the application is ours."""
        return is_first_party(self.client)

    @property
    def is_on_this_device(self) -> bool:
        """Whether the code goes to the user's own machine, where anything may listen."""
        return is_loopback(self.redirect_uri)

    @property
    def asks_every_time(self) -> bool:
        """Whether what was allowed before does not count.

        A public client at a loopback address may be any program on the machine (RFC 8252, 8.6).
        """
        return not self.is_first_party and is_public(self.client) and self.is_on_this_device

    @property
    def destination(self) -> str:
        """The host that the code is sent to, for people."""
        return urlsplit(self.redirect_uri).netloc

    def error_location(self, error: str, description: str) -> str:
        """Return where the browser goes with a no."""
        return _location(
            self.redirect_uri,
            {"error": error, "error_description": description, "state": self.state},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A merchant whose staff the person belongs to, and what that allows the application.

    Attributes:
        scopes: what would be granted: what the application wants, as far as the role goes.
        is_remembered: whether the person has allowed as much before.
    """

    merchant_id: UUID
    merchant_name: str
    role: Role
    scopes: frozenset[Scope]
    is_remembered: bool


@shielded
async def read_authorization(pairs: Iterable[tuple[str, str]]) -> Authorization:
    """Return what an application asks for.

    Args:
        pairs: the parameters of the address, in order.

    Raises:
        AuthorizationRefused: it is not known to whom an answer could go.
        AuthorizationFailed: the application is told what is wrong.
        Unavailable: nobody can tell at the moment.
    """
    try:
        parameters = read_parameters(pairs)
    except ParametersInvalid as error:
        raise AuthorizationRefused(error.error, error.description) from None
    async with unit_of_work() as work:
        client = await find_client(work, parameters.get("client_id"))
    server = Server(Rows(client=client))
    try:
        grant = server.get_consent_grant(Request("GET", parameters))
    except OAuth2Error as error:
        description = error.get_error_description() or ""
        if not error.redirect_uri:
            raise AuthorizationRefused(error.error, description) from None
        answer = {
            "error": error.error,
            "error_description": description,
            "state": parameters.get("state"),
        }
        raise AuthorizationFailed(error.error, _location(error.redirect_uri, answer)) from None
    if parameters.get("response_mode") not in (None, "query"):
        answer = {"error": "invalid_request", "state": parameters.get("state")}
        raise AuthorizationFailed("invalid_request", _location(grant.redirect_uri, answer))
    assert client is not None
    return Authorization(
        client=client,
        redirect_uri=grant.redirect_uri,
        scopes=known_scopes(grant.request.scope.split()),
        state=parameters.get("state"),
        code_challenge=parameters.get("code_challenge") or "",
    )


_CHOICES = """
SELECT m.id, m.name, s.role, o.scopes AS consented
FROM staff_member s
JOIN merchant m ON m.id = s.merchant_id
JOIN account a ON a.id = s.account_id
LEFT JOIN oauth_consent o
  ON o.account_id = a.id AND o.client_id = $2 AND o.merchant_id = m.id
WHERE s.account_id = $1 AND s.deactivated_at IS NULL AND a.deactivated_at IS NULL
  AND ($3::uuid IS NULL OR m.id = $3)
ORDER BY m.name, m.id
"""


@shielded
async def list_choices(asked: Authorization, account_id: UUID) -> list[Choice]:
    """Return the merchants that a person could let the application act for; none is possible.

    An application of a merchant's acts for that merchant alone.
    """
    async with unit_of_work() as work:
        rows = await work.fetch(_CHOICES, account_id, asked.client.id, asked.client.merchant_id)
    choices = []
    for row in rows:
        scopes = asked.scopes & ROLE_SCOPES[Role(row["role"])]
        if scopes:
            remembered = known_scopes(row["consented"] or ())
            choices.append(
                Choice(
                    merchant_id=row["id"],
                    merchant_name=row["name"],
                    role=Role(row["role"]),
                    scopes=scopes,
                    is_remembered=scopes <= remembered,
                )
            )
    return choices


def can_skip_asking(asked: Authorization, choices: list[Choice]) -> bool:
    """Tell whether the person need not be asked: ours, or allowed before, and nothing to choose."""
    if len(choices) != 1:
        return False
    return asked.is_first_party or (choices[0].is_remembered and not asked.asks_every_time)


@shielded
async def grant_code(asked: Authorization, session: Session, merchant_id: UUID) -> str:
    """Write what the person allows; return where the browser takes the code.

    The grant has a minute like its code; it lives on when the code is redeemed.

    Raises:
        Forbidden: the person does not belong to the merchant, or the application does not, or the
            session has ended.
    """
    code = secrets.token_urlsafe(32)
    at = clock.now()
    async with unit_of_work() as work:
        scopes, email = await _grantable(work, asked, session, merchant_id)
        grant = await OAuthGrant.create(
            id=new_id(),
            client_id=asked.client.id,
            account_id=session.account_id,
            merchant_id=merchant_id,
            scopes=sorted(scopes),
            created_at=at,
            expires_at=at + CODE_LIFETIME,
            authenticated_at=session.authenticated_at,
            factors=list(session.factors),
        )
        reach("oauth.granted")
        await OAuthCode.create(
            code_hash=hash_secret(code),
            grant_id=grant.id,
            redirect_uri=asked.redirect_uri,
            code_challenge=asked.code_challenge,
            created_at=at,
            expires_at=at + CODE_LIFETIME,
        )
        reach("oauth.code_made")
        if not asked.is_first_party:
            await _remember(work, asked, session.account_id, merchant_id, scopes)
            reach("oauth.consent_kept")
        actor = Actor(
            kind="staff",
            id=str(session.account_id),
            label=email,
            client_id=str(asked.client.id),
        )
        with acting_as(actor):
            await record_change(
                work,
                action="grant.issue",
                owner_id=merchant_id,
                subject_type="Grant",
                subject_id=grant.id,
                subject_label=asked.client.name,
                after={"scopes": sorted(scopes)},
            )
    return _location(asked.redirect_uri, {"code": code, "state": asked.state})


async def _grantable(
    work: UnitOfWork, asked: Authorization, session: Session, merchant_id: UUID
) -> tuple[frozenset[Scope], str]:
    # Locked: a membership or a session that ends meanwhile either is seen here or ends this grant
    # too.
    row = await work.fetchrow(
        "SELECT s.role, a.email FROM staff_member s JOIN account a ON a.id = s.account_id "
        "JOIN sign_in_session n ON n.account_id = a.id "
        "WHERE s.account_id = $1 AND s.merchant_id = $2 AND s.deactivated_at IS NULL "
        "AND a.deactivated_at IS NULL AND n.id = $3 AND n.ended_at IS NULL FOR SHARE OF s, n",
        session.account_id,
        merchant_id,
        session.id,
    )
    if row is None or asked.client.merchant_id not in (None, merchant_id):
        raise Forbidden
    scopes = asked.scopes & ROLE_SCOPES[Role(row["role"])]
    if not scopes:
        raise Forbidden
    return scopes, row["email"]


async def _remember(
    work: UnitOfWork,
    asked: Authorization,
    account_id: UUID,
    merchant_id: UUID,
    scopes: frozenset[Scope],
) -> None:
    """Keep what was allowed, with what was before."""
    await work.execute(
        "INSERT INTO oauth_consent AS kept "
        "(id, account_id, client_id, merchant_id, scopes, granted_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (account_id, client_id, merchant_id) DO UPDATE SET "
        "scopes = ARRAY(SELECT DISTINCT unnest(kept.scopes || excluded.scopes) ORDER BY 1), "
        "granted_at = excluded.granted_at",
        new_id(),
        account_id,
        asked.client.id,
        merchant_id,
        sorted(scopes),
        clock.now(),
    )


def _location(redirect_uri: str, answer: dict[str, Any]) -> str:
    """Return the address that carries an answer, and says whose it is (RFC 9207)."""
    said = {name: value for name, value in answer.items() if value is not None}
    query = urlencode({**said, "iss": issuer()})
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"
