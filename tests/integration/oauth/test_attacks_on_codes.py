"""Attacks on authorization codes. Each has a control: with its defence away it succeeds."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from authlib.oauth2.rfc7636 import CodeChallenge

from headless_presale.identity import ClientKind, OAuthGrant
from headless_presale.identity.models import OAuthClient, OAuthCode
from headless_presale.identity.oauth import server, tokens
from headless_presale.identity.oauth.clients import is_registered
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.shops.models import Shop
from tests.support.oauth import (
    CALLBACK,
    VERIFIER,
    App,
    Person,
    answer_of,
    error_of,
    is_let_in,
    let_them_all_look_first,
    make_app,
)
from tests.support.state import stored_rows

# Replay


async def test_a_code_that_comes_twice_ends_what_came_of_it(owner: Person, app: App) -> None:
    code = await owner.allow(app)
    first = (await app.redeem(code)).json()

    assert error_of(await app.redeem(code)) == (400, "invalid_grant")

    assert not await is_let_in(first["access_token"])
    assert error_of(await app.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert (await OAuthGrant.get()).revoked_reason == "code_replayed"
    entry = await AuditEntry.get(action="grant.revoke")
    assert entry.after == {"reason": "code_replayed"}


async def test_control_a_code_that_is_not_claimed_comes_twice(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def claim(work: UnitOfWork, code: OAuthCode) -> bool:
        return True

    monkeypatch.setattr(tokens, "_claim_code", claim)
    code = await owner.allow(app)

    answers = [await app.redeem(code) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert await is_let_in(answers[1].json()["access_token"])


async def test_a_code_replayed_long_after_still_ends_its_family(
    owner: Person, app: App, clock: ManualClock
) -> None:
    code = await owner.allow(app)
    first = (await app.redeem(code)).json()
    clock.advance(timedelta(minutes=5))

    assert error_of(await app.redeem(code)) == (400, "invalid_grant")
    assert not await is_let_in(first["access_token"])


async def test_who_has_the_code_alone_cannot_end_what_came_of_it(
    owner: Person, app: App, http: httpx.AsyncClient, shop: Shop
) -> None:
    code = await owner.allow(app)
    first = (await app.redeem(code)).json()

    other = await make_app(http, shop)
    assert error_of(await other.redeem(code)) == (400, "invalid_grant")
    assert error_of(await app.redeem(code, code_verifier="x" * 43)) == (400, "invalid_grant")

    assert await is_let_in(first["access_token"])


# Parallel redemption


async def test_of_many_at_the_same_moment_at_most_one_gets_tokens(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await owner.allow(app)
    let_them_all_look_first(monkeypatch, 8)

    answers = await asyncio.gather(*(app.redeem(code) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 7]
    # Seven have shown what one has used: nobody knows which of them is the thief.
    (winner,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert not await is_let_in(winner["access_token"])


async def test_control_who_looks_before_he_claims_gives_twice(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look_then_claim(work: UnitOfWork, code: OAuthCode) -> bool:
        if code.used_at is not None:
            return False
        await work.execute(
            "UPDATE oauth_code SET used_at = $2 WHERE code_hash = $1", code.code_hash, clock.now()
        )
        return True

    monkeypatch.setattr(tokens, "_claim_code", look_then_claim)
    code = await owner.allow(app)
    let_them_all_look_first(monkeypatch, 8)

    answers = await asyncio.gather(*(app.redeem(code) for _ in range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8


# Interception: PKCE


@pytest.mark.parametrize(
    ("verifier", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("short", "invalid_request"),
        ("x" * 129, "invalid_request"),
        ("x" * 42 + "\n", "invalid_request"),
        ("x" * 43, "invalid_grant"),
        (VERIFIER[:-1], "invalid_grant"),
        (VERIFIER + "x", "invalid_grant"),
    ],
)
async def test_a_code_without_its_verifier_is_worth_nothing(
    owner: Person,
    http: httpx.AsyncClient,
    shop: Shop,
    verifier: str | None,
    error: str,
) -> None:
    app = await make_app(http, shop, ClientKind.PUBLIC)
    code = await owner.allow(app)

    assert error_of(await app.redeem(code, code_verifier=verifier)) == (400, error)

    # The thief has used nothing up.
    assert (await app.redeem(code)).status_code == 200


class _NoPkce:
    def __call__(self, grant: Any) -> None:
        """Check nothing."""


async def test_control_without_pkce_a_stolen_code_is_enough(
    owner: Person, http: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_S256", _NoPkce)
    app = await make_app(http, shop, ClientKind.PUBLIC)

    assert (await app.redeem(await owner.allow(app), code_verifier=None)).status_code == 200


DOWNGRADES: list[dict[str, str | None]] = [
    {"code_challenge": None, "code_challenge_method": None},
    {"code_challenge": None},
    {"code_challenge_method": None},
    {"code_challenge_method": "plain"},
    {"code_challenge_method": "plain", "code_challenge": VERIFIER},
    {"code_challenge_method": "s256"},
    {"code_challenge": "x" * 42},
    {"code_challenge": "x" * 128},
]


@pytest.mark.parametrize("kind", [ClientKind.WEB, ClientKind.PUBLIC])
@pytest.mark.parametrize("changes", DOWNGRADES)
async def test_pkce_is_for_everybody_and_by_s256(
    owner: Person,
    http: httpx.AsyncClient,
    shop: Shop,
    changes: dict[str, str | None],
    kind: ClientKind,
) -> None:
    app = await make_app(http, shop, kind)

    page = await owner.browser.open(app.address(**changes))

    assert answer_of(page)["error"] == "invalid_request"
    assert await OAuthCode.all().count() == 0


@pytest.mark.parametrize("changes", DOWNGRADES[:5])
async def test_control_authlibs_own_pkce_would_let_it_pass(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None]
) -> None:
    # Given what the library does by itself: "plain", and nothing at all, are fine
    monkeypatch.setattr(
        server, "_S256", CodeChallenge if changes.get("code_challenge", "x") else _NoPkce
    )

    assert "code" in answer_of(await _allowed(owner, app, changes))


async def _allowed(owner: Person, app: App, changes: dict[str, str | None]) -> Any:
    await owner.browser.open(app.address(**changes))
    return await owner.browser.send("/oauth/authorize", decision="allow")


# Somebody else's code


async def test_a_code_of_another_client_is_worth_nothing(
    owner: Person, app: App, http: httpx.AsyncClient, shop: Shop
) -> None:
    thief = await make_app(http, shop)
    code = await owner.allow(app)

    assert error_of(await thief.redeem(code)) == (400, "invalid_grant")
    assert (await app.redeem(code)).status_code == 200


async def test_control_a_code_that_is_anybodys(
    owner: Person,
    app: App,
    http: httpx.AsyncClient,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        server._CodeGrant,
        "query_authorization_code",
        lambda self, code, client: server._Code(self.server.rows.code),
    )
    thief = await make_app(http, shop)

    assert (await thief.redeem(await owner.allow(app))).status_code == 200


async def test_the_address_of_the_request_has_to_be_named_again(owner: Person, app: App) -> None:
    code = await owner.allow(app)

    for uri in (None, "https://evil.example/", CALLBACK + "/"):
        assert error_of(await app.redeem(code, redirect_uri=uri)) == (400, "invalid_grant")
    assert (await app.redeem(code)).status_code == 200


async def test_control_without_that_any_address_does(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server._Code, "get_redirect_uri", lambda self: None)
    code = await owner.allow(app)

    assert (await app.redeem(code, redirect_uri="https://evil.example/")).status_code == 200


async def test_a_code_lives_for_a_minute(owner: Person, app: App, clock: ManualClock) -> None:
    code = await owner.allow(app)
    clock.advance(timedelta(seconds=60))

    assert error_of(await app.redeem(code)) == (400, "invalid_grant")
    assert (await OAuthGrant.get()).revoked_at is None


async def test_a_code_of_a_grant_that_has_ended_is_worth_nothing(
    owner: Person, app: App, database_admin: asyncpg.Connection
) -> None:
    code = await owner.allow(app)
    await OAuthGrant.all().update(revoked_at=clock.now())
    await signing_key()
    before = await stored_rows(database_admin)

    assert error_of(await app.redeem(code)) == (400, "invalid_grant")
    after = await stored_rows(database_admin)
    assert {**after, "throttle": []} == {**before, "throttle": []}


# Open redirect

ELSEWHERE = [
    "https://evil.example/callback",
    "https://planner.example.evil.example/callback",
    "https://planner.example@evil.example/callback",
    "https://evil.example/https://planner.example/callback",
    "https://planner.example/callback/../../evil",
    "https://planner.example/callback/evil",
    "https://planner.example/callback#evil",
    "https://planner.example/callback?next=https://evil.example",
    "https://planner.example/callback%2Fevil",
    "https://planner.example:444/callback",
    "https://PLANNER.example/callback",
    "http://planner.example/callback",
    "//planner.example/callback",
    "javascript:alert(1)//https://planner.example/callback",
    "http://127.0.0.1/callback",
]


@pytest.mark.parametrize("uri", ELSEWHERE)
async def test_a_code_goes_to_the_registered_address_alone(
    owner: Person, app: App, uri: str
) -> None:
    page = await owner.browser.open(app.address(redirect_uri=uri))

    assert (page.status, page.location) == (400, "")
    assert await OAuthCode.all().count() == 0


def _by_prefix(client: OAuthClient, uri: str) -> bool:
    return any(uri.startswith(registered) for registered in client.redirect_uris)


def _by_host(client: OAuthClient, uri: str) -> bool:
    return "planner.example" in uri


@pytest.mark.parametrize(
    ("rule", "uri"),
    [(_by_prefix, ELSEWHERE[5]), (_by_host, ELSEWHERE[1]), (_by_host, ELSEWHERE[2])],
)
async def test_control_a_laxer_comparison_sends_it_elsewhere(
    owner: Person,
    app: App,
    monkeypatch: pytest.MonkeyPatch,
    rule: Callable[[OAuthClient, str], bool],
    uri: str,
) -> None:
    monkeypatch.setattr(server, "is_registered", rule)

    page = await _allowed(owner, app, {"redirect_uri": uri})

    assert page.links[-1].startswith(uri + "?code=")


@pytest.mark.parametrize(
    ("registered", "asked", "is_fine"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1:3000/cb", "http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1:3000/cb", "http://127.0.0.1/cb", True),
        ("http://[::1]:3000/cb", "http://[::1]:51004/cb", True),
        ("http://127.0.0.1/cb?a=1", "http://127.0.0.1:51004/cb?a=1", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/evil", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004//cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:x/cb", False),
        ("http://127.0.0.1/cb", "http://user@127.0.0.1:51004/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example:51004/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.2:51004/cb", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", False),
        ("http://127.0.0.1/cb", "http://[::1]:51004/cb", False),
        # "localhost" is a name, and names can lead elsewhere: to the letter.
        ("http://localhost/cb", "http://localhost:51004/cb", False),
        ("http://localhost:3000/cb", "http://localhost:3000/cb", True),
        ("https://planner.example/cb", "https://planner.example:8443/cb", False),
    ],
)
def test_a_program_on_the_users_machine_may_take_any_port(
    registered: str, asked: str, is_fine: bool
) -> None:
    client = OAuthClient(redirect_uris=[registered])

    assert is_registered(client, asked) is is_fine
