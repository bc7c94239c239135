"""Stolen refresh tokens. Each attack has a control: with its defence away it succeeds."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from headless_presale.identity import OAuthGrant, find_principal, read_bearer
from headless_presale.identity.models import OAuthRefreshToken
from headless_presale.identity.oauth import server, tokens
from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.shops.models import Shop
from tests.support.oauth import App, Person, let_them_all_look_first, make_app

A_MINUTE = timedelta(minutes=1)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


async def is_let_in(token: str) -> bool:
    claims = await read_bearer(f"Bearer {token}")
    assert claims is not None
    return await find_principal(claims) is not None


async def test_a_token_that_was_used_ends_the_family(
    owner: Person, app: App, clock: ManualClock
) -> None:
    stolen = (await owner.tokens(app))["refresh_token"]
    second = (await app.refresh(stolen)).json()
    clock.advance(A_MINUTE)

    # Whoever comes second with it
    assert error_of(await app.refresh(stolen)) == (400, "invalid_grant")

    # ends it for both: one of them is the thief
    assert error_of(await app.refresh(second["refresh_token"])) == (400, "invalid_grant")
    assert not await is_let_in(second["access_token"])
    assert (await OAuthGrant.get()).revoked_reason == "refresh_token_replayed"
    entry = await AuditEntry.get(action="grant.revoke")
    assert entry.after == {"reason": "refresh_token_replayed"}


async def test_control_a_token_that_is_not_claimed_is_used_for_ever(
    owner: Person, app: App, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def claim(work: UnitOfWork, token: OAuthRefreshToken) -> bool:
        return True

    monkeypatch.setattr(tokens, "_claim_refresh_token", claim)
    stolen = (await owner.tokens(app))["refresh_token"]
    await app.refresh(stolen)
    clock.advance(A_MINUTE)

    assert (await app.refresh(stolen)).status_code == 200


async def test_an_answer_that_was_lost_is_given_again(
    owner: Person, app: App, clock: ManualClock
) -> None:
    first = (await owner.tokens(app))["refresh_token"]
    lost = (await app.refresh(first)).json()
    clock.advance(timedelta(seconds=30))

    again = await app.refresh(first)

    assert again.status_code == 200
    assert (await app.refresh(again.json()["refresh_token"])).status_code == 200
    assert (await OAuthGrant.get()).revoked_at is None
    # What the lost answer carried is worth nothing, and whoever shows it ends the family.
    assert error_of(await app.refresh(lost["refresh_token"])) == (400, "invalid_grant")
    assert (await OAuthGrant.get()).revoked_reason == "refresh_token_replayed"


async def test_after_the_grace_it_is_a_theft(owner: Person, app: App, clock: ManualClock) -> None:
    first = (await owner.tokens(app))["refresh_token"]
    await app.refresh(first)
    clock.advance(timedelta(seconds=31))

    assert error_of(await app.refresh(first)) == (400, "invalid_grant")
    assert (await OAuthGrant.get()).revoked_at is not None


async def test_control_an_endless_grace_lets_the_thief_in(
    owner: Person, app: App, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "LOST_ANSWER_GRACE", timedelta(days=1))
    first = (await owner.tokens(app))["refresh_token"]
    await app.refresh(first)
    clock.advance(timedelta(hours=1))

    assert (await app.refresh(first)).status_code == 200


async def test_once_the_answer_was_used_there_is_no_grace(owner: Person, app: App) -> None:
    # Given an answer that arrived: its token was used within the same second
    first = (await owner.tokens(app))["refresh_token"]
    second = (await app.refresh(first)).json()["refresh_token"]
    third = (await app.refresh(second)).json()["refresh_token"]

    assert error_of(await app.refresh(first)) == (400, "invalid_grant")
    assert error_of(await app.refresh(third)) == (400, "invalid_grant")


async def test_control_grace_without_looking_at_the_child(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def replace(work: UnitOfWork, parent: OAuthRefreshToken) -> bool:
        return True

    monkeypatch.setattr(tokens, "_replace_unused", replace)
    first = (await owner.tokens(app))["refresh_token"]
    second = (await app.refresh(first)).json()["refresh_token"]
    await app.refresh(second)

    assert (await app.refresh(first)).status_code == 200


async def test_a_thief_within_the_grace_is_found_out_with_the_next_use(
    owner: Person, app: App
) -> None:
    first = (await owner.tokens(app))["refresh_token"]
    owners = (await app.refresh(first)).json()
    thiefs = (await app.refresh(first)).json()

    assert error_of(await app.refresh(owners["refresh_token"])) == (400, "invalid_grant")

    assert not await is_let_in(thiefs["access_token"])
    assert error_of(await app.refresh(thiefs["refresh_token"])) == (400, "invalid_grant")


async def test_of_many_at_the_same_moment_one_token_is_left(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (await owner.tokens(app))["refresh_token"]
    let_them_all_look_first(monkeypatch, 6)

    answers = await asyncio.gather(*(app.refresh(first) for _ in range(6)))

    # All are the same client that has had no answer yet; the last one's counts.
    assert [answer.status_code for answer in answers] == [200] * 6
    assert await OAuthRefreshToken.filter(used_at=None, replaced_at=None).count() == 1
    assert (await OAuthGrant.get()).revoked_at is None


async def test_control_who_looks_before_he_claims_leaves_several(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look_then_claim(work: UnitOfWork, token: OAuthRefreshToken) -> bool:
        if token.used_at is not None:
            return False
        await work.execute(
            "UPDATE oauth_refresh_token SET used_at = $2 WHERE token_hash = $1",
            token.token_hash,
            kernel_clock.now(),
        )
        return True

    monkeypatch.setattr(tokens, "_claim_refresh_token", look_then_claim)
    first = (await owner.tokens(app))["refresh_token"]
    let_them_all_look_first(monkeypatch, 6)

    await asyncio.gather(*(app.refresh(first) for _ in range(6)))

    assert await OAuthRefreshToken.filter(used_at=None, replaced_at=None).count() == 6


async def test_another_client_can_neither_use_nor_end_it(
    owner: Person, app: App, http: httpx.AsyncClient, shop: Shop, clock: ManualClock
) -> None:
    token = (await owner.tokens(app))["refresh_token"]
    thief = await make_app(http, shop)

    assert error_of(await thief.refresh(token)) == (400, "invalid_grant")

    second = (await app.refresh(token)).json()
    clock.advance(A_MINUTE)
    assert error_of(await thief.refresh(token)) == (400, "invalid_grant")
    assert await is_let_in(second["access_token"])
    assert (await app.refresh(second["refresh_token"])).status_code == 200


async def test_control_a_token_that_is_anybodys(
    owner: Person,
    app: App,
    http: httpx.AsyncClient,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server._RefreshToken, "check_client", lambda self, client: True)
    token = (await owner.tokens(app))["refresh_token"]

    assert (await (await make_app(http, shop)).refresh(token)).status_code == 200


async def test_what_is_stored_is_no_token(owner: Person, app: App) -> None:
    token = (await owner.tokens(app))["refresh_token"]
    stored = await OAuthRefreshToken.get()

    assert token not in (stored.token_hash, stored.parent_hash)
    assert error_of(await app.refresh(stored.token_hash)) == (400, "invalid_grant")
