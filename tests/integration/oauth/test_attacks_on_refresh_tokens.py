"""Stolen refresh tokens. Each attack has a control: with its defence away it succeeds."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from headless_presale.identity import OAuthGrant
from headless_presale.identity.models import OAuthRefreshToken
from headless_presale.identity.oauth import rotation, server
from headless_presale.identity.oauth.rotation import Family
from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.shops.models import Shop
from tests.support.oauth import App, Person, error_of, is_let_in, let_them_all_look_first, make_app

A_MINUTE = timedelta(minutes=1)


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
    async def claim(work: UnitOfWork, family: Family, token: OAuthRefreshToken) -> bool:
        return True

    monkeypatch.setattr(rotation, "_claim_refresh_token", claim)
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
    monkeypatch.setattr(rotation, "LOST_ANSWER_GRACE", timedelta(days=1))
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
    async def was_lost(work: UnitOfWork, family: Family, token: OAuthRefreshToken) -> bool:
        return True

    monkeypatch.setattr(rotation, "_was_answer_lost", was_lost)
    first = (await owner.tokens(app))["refresh_token"]
    second = (await app.refresh(first)).json()["refresh_token"]
    await app.refresh(second)

    assert (await app.refresh(first)).status_code == 200


@pytest.mark.parametrize("is_owner_first", [True, False], ids=["owner first", "thief first"])
async def test_a_thief_within_the_grace_is_found_out_with_the_next_use(
    owner: Person, app: App, is_owner_first: bool
) -> None:
    first = (await owner.tokens(app))["refresh_token"]
    owners = (await app.refresh(first)).json()
    thiefs = (await app.refresh(first)).json()
    one, other = (owners, thiefs) if is_owner_first else (thiefs, owners)

    last = await app.refresh(one["refresh_token"])
    assert last.status_code == 200
    assert error_of(await app.refresh(other["refresh_token"])) == (400, "invalid_grant")

    for tokens_of in (owners, thiefs, last.json()):
        assert not await is_let_in(tokens_of["access_token"])
        assert error_of(await app.refresh(tokens_of["refresh_token"])) == (400, "invalid_grant")


async def test_control_siblings_that_are_not_replaced_go_on_side_by_side(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def replace_none(work: UnitOfWork, family: Family, token: OAuthRefreshToken) -> None:
        """Let the others count."""

    monkeypatch.setattr(rotation, "_replace_siblings", replace_none)
    first = (await owner.tokens(app))["refresh_token"]
    owners = (await app.refresh(first)).json()
    thiefs = (await app.refresh(first)).json()

    assert (await app.refresh(owners["refresh_token"])).status_code == 200
    assert (await app.refresh(thiefs["refresh_token"])).status_code == 200


async def test_of_many_answers_the_first_that_is_used_counts(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (await owner.tokens(app))["refresh_token"]
    with monkeypatch.context() as patch:
        let_them_all_look_first(patch, 6)
        answers = await asyncio.gather(*(app.refresh(first) for _ in range(6)))

    # All are the same client that has had no answer yet.
    assert [answer.status_code for answer in answers] == [200] * 6
    arrived = answers[2].json()["refresh_token"]
    assert (await app.refresh(arrived)).status_code == 200
    assert await OAuthRefreshToken.filter(used_at=None, replaced_at=None).count() == 1
    assert (await OAuthGrant.get()).revoked_at is None


NO_GRACE = timedelta(seconds=-1)


async def test_without_a_grace_one_of_many_gets_tokens(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "LOST_ANSWER_GRACE", NO_GRACE)
    first = (await owner.tokens(app))["refresh_token"]
    let_them_all_look_first(monkeypatch, 6)

    answers = await asyncio.gather(*(app.refresh(first) for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 5]
    assert (await OAuthGrant.get()).revoked_at is not None


async def test_control_who_looks_before_he_claims_gives_to_all(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look_then_claim(work: UnitOfWork, family: Family, token: OAuthRefreshToken) -> bool:
        if token.used_at is not None:
            return False
        await work.execute(
            "UPDATE oauth_refresh_token SET used_at = $2 WHERE token_hash = $1",
            token.token_hash,
            kernel_clock.now(),
        )
        return True

    monkeypatch.setattr(rotation, "_claim_refresh_token", look_then_claim)
    monkeypatch.setattr(rotation, "LOST_ANSWER_GRACE", NO_GRACE)
    first = (await owner.tokens(app))["refresh_token"]
    let_them_all_look_first(monkeypatch, 6)

    answers = await asyncio.gather(*(app.refresh(first) for _ in range(6)))

    assert [answer.status_code for answer in answers] == [200] * 6


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
