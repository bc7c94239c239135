"""Letting applications in: each code and each refresh token is good for one successor."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from headless_presale.identity import (
    ClientKind,
    Role,
    Scope,
    add_member,
)
from headless_presale.identity.models import OAuthClient, OAuthGrant, OAuthRefreshToken
from headless_presale.identity.oauth.authorization import Authorization, grant_code
from headless_presale.identity.oauth.keys import forget_keys, signing_key
from headless_presale.identity.oauth.parameters import Parameters, TokenRequest
from headless_presale.identity.oauth.tokens import exchange
from headless_presale.identity.sessions import Session, start_session
from headless_presale.kernel import clock
from headless_presale.kernel.ids import hash_secret, new_id
from tests.failpoints.world import Scenario, World
from tests.support.accounts import make_account
from tests.support.oauth import CALLBACK, VERIFIER, challenge_of, register

SCOPES = frozenset({Scope.ORDERS_READ})
TOKEN = "a-refresh-token"


async def _app(world: World, kind: ClientKind = ClientKind.PUBLIC) -> tuple[OAuthClient, str]:
    forget_keys()
    await signing_key()
    made = await register(world.sale.shop.merchant_id, kind, scopes=SCOPES)
    return made.client, made.secret or ""


def _request(client: OAuthClient, **values: str) -> TokenRequest:
    return TokenRequest(Parameters({"client_id": str(client.id), **values}))


# Saying yes


async def _asked(world: World) -> tuple[Authorization, Session, UUID]:
    client, _ = await _app(world)
    merchant_id = world.sale.shop.merchant_id
    account_id = await make_account()
    await add_member(merchant_id, account_id, Role.OWNER)
    started = await start_session(account_id, factors=["pwd"], is_complete=True)
    asked = Authorization(
        client=client,
        redirect_uri=CALLBACK,
        scopes=SCOPES,
        state=None,
        code_challenge=challenge_of(VERIFIER),
    )
    return asked, started.session, merchant_id


async def _say_yes(argument: tuple[Authorization, Session, UUID]) -> str:
    return await grant_code(*argument)


async def _is_whole(world: World, _: object) -> None:
    # Said twice it is two grants, each with its code and its line in the log; one is remembered.
    grants = await world.count("SELECT count(*) FROM oauth_grant")
    assert grants >= 1
    assert await world.count("SELECT count(*) FROM oauth_code") == grants
    assert (
        await world.count("SELECT count(*) FROM audit_entry WHERE action = 'grant.issue'") == grants
    )
    assert await world.count("SELECT count(*) FROM oauth_consent") == 1


# Exchanging a code


async def _with_a_code(world: World) -> TokenRequest:
    asked, session, merchant_id = await _asked(world)
    location = await grant_code(asked, session, merchant_id)
    return _request(
        asked.client,
        grant_type="authorization_code",
        code=location.partition("code=")[2].partition("&")[0],
        redirect_uri=CALLBACK,
        code_verifier=VERIFIER,
    )


async def _is_redeemed_at_most_once(world: World, _: object) -> None:
    # A code that was used and comes again ends what came of it: its answer was lost for good.
    assert await _live_tokens(world) + await _revoked(world) == 1


# Refreshing


async def _with_a_refresh_token(world: World) -> TokenRequest:
    asked, session, merchant_id = await _asked(world)
    grant = await OAuthGrant.create(
        id=new_id(),
        client_id=asked.client.id,
        account_id=session.account_id,
        merchant_id=merchant_id,
        scopes=sorted(SCOPES),
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(days=90),
    )
    await OAuthRefreshToken.create(
        token_hash=hash_secret(TOKEN),
        grant_id=grant.id,
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(days=14),
    )
    return _request(asked.client, grant_type="refresh_token", refresh_token=TOKEN)


async def _with_a_lost_answer(world: World) -> TokenRequest:
    request = await _with_a_refresh_token(world)
    await exchange(request)
    return request


async def _has_successors(world: World, _: object) -> None:
    # One for each time that it was asked for, until the first of them is used.
    assert await _live_tokens(world) >= 1
    assert await _revoked(world) == 0
    assert await world.count("SELECT count(DISTINCT parent_hash) FROM oauth_refresh_token") == 1


# Serving itself


async def _as_a_service(world: World) -> TokenRequest:
    client, secret = await _app(world, ClientKind.SERVICE)
    return _request(client, grant_type="client_credentials", client_secret=secret)


async def _has_one_grant(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM oauth_grant") == 1
    assert await world.count("SELECT count(*) FROM audit_entry WHERE action = 'grant.issue'") == 1


async def _live_tokens(world: World) -> int:
    return await world.count(
        "SELECT count(*) FROM oauth_refresh_token AS t JOIN oauth_grant AS g ON g.id = t.grant_id "
        "WHERE t.used_at IS NULL AND t.replaced_at IS NULL AND g.revoked_at IS NULL"
    )


async def _revoked(world: World) -> int:
    return await world.count("SELECT count(*) FROM oauth_grant WHERE revoked_at IS NOT NULL")


async def _exchange(request: Any) -> object:
    return await exchange(request)


SCENARIOS = [
    Scenario("letting an application in", _asked, _say_yes, _is_whole),
    Scenario("redeeming a code", _with_a_code, _exchange, _is_redeemed_at_most_once),
    Scenario("refreshing", _with_a_refresh_token, _exchange, _has_successors),
    Scenario("refreshing once more", _with_a_lost_answer, _exchange, _has_successors),
    Scenario("a service's token", _as_a_service, _exchange, _has_one_grant),
]
