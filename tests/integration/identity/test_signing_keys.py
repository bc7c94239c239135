"""Signing keys: published before they sign, and good for a while after."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.identity.oauth import keys
from headless_presale.identity.oauth.access_tokens import TokenInvalid, verify_access_token
from headless_presale.identity.oauth.keys import (
    ensure_keys,
    forget_keys,
    published_keys,
    rotate_keys,
    signing_key,
    verification_key,
)
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import Unavailable
from tests.conftest import NOON
from tests.integration.identity.tokens import ISSUER, issue
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "clock")


async def rows(admin: asyncpg.Connection) -> list[tuple[str, Any, Any]]:
    found = await admin.fetch("SELECT * FROM signing_key ORDER BY signs_from")
    return [(row["kid"], row["signs_from"], row["retires_at"]) for row in found]


async def test_the_first_use_makes_a_key_and_its_successor(
    database_admin: asyncpg.Connection,
) -> None:
    key = await signing_key()

    first, second = await rows(database_admin)
    assert first == (key.kid, NOON, None)
    assert second[1:] == (NOON + timedelta(days=30), None)
    published = await published_keys()
    assert [jwk["kid"] for jwk in published] == [first[0], second[0]]
    assert {frozenset(jwk) for jwk in published} == {
        frozenset({"kty", "crv", "x", "y", "kid", "alg", "use"})
    }


async def test_private_keys_are_sealed(database_admin: asyncpg.Connection) -> None:
    key = await signing_key()

    stored = await database_admin.fetchval(
        "SELECT private_key FROM signing_key WHERE kid = $1", key.kid
    )
    assert "PRIVATE KEY" not in stored
    assert "PRIVATE KEY" in key.pair.as_pem(private=True).decode()


async def test_many_processes_that_start_at_once_make_one_key(
    database_admin: asyncpg.Connection,
) -> None:
    await asyncio.gather(*(ensure_keys() for _ in range(8)))

    assert len(await rows(database_admin)) == 2


async def test_the_next_key_takes_over_by_itself_and_nobody_notices(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    first = await signing_key()
    published = {jwk["kid"] for jwk in await published_keys()}

    clock.move_to(NOON + timedelta(days=30) - timedelta(seconds=1))
    old_token = await issue()
    clock.advance(timedelta(seconds=1))
    second = await signing_key()

    assert second.kid != first.kid
    assert second.kid in published
    await verify_access_token(old_token, audience=ISSUER, issuer=ISSUER)

    # The periodic job gives the old one its end and publishes the one after.
    await ensure_keys()
    one, two, three = await rows(database_admin)
    assert one == (first.kid, NOON, NOON + timedelta(days=30, hours=1))
    assert two[:2] == (second.kid, NOON + timedelta(days=30))
    assert three[1] == NOON + timedelta(days=60)
    await verify_access_token(old_token, audience=ISSUER, issuer=ISSUER)

    clock.advance(timedelta(hours=1))
    assert await verification_key(first.kid) is None
    await ensure_keys()
    assert [row[0] for row in await rows(database_admin)] == [two[0], three[0]]


async def test_rotating_by_hand_takes_the_published_key_and_keeps_tokens_good(
    database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    first = await signing_key()
    token = await issue()
    _, coming = await rows(database_admin)
    clock.advance(timedelta(minutes=5))

    kid = await rotate_keys()

    assert kid == coming[0] == (await signing_key()).kid
    assert [row[2] for row in await rows(database_admin)] == [
        NOON + timedelta(minutes=5, hours=1),
        None,
        None,
    ]
    await verify_access_token(token, audience=ISSUER, issuer=ISSUER)
    assert first.kid in {jwk["kid"] for jwk in await published_keys()}


async def test_a_compromised_key_and_its_successor_end_at_once(clock: ManualClock) -> None:
    await signing_key()
    token = await issue()
    # Its signature was looked at before, and what it says is remembered.
    await verify_access_token(token, audience=ISSUER, issuer=ISSUER)
    before = {jwk["kid"] for jwk in await published_keys()}
    clock.advance(timedelta(minutes=1))

    kid = await rotate_keys(is_compromised=True)

    assert kid not in before
    assert not before & {jwk["kid"] for jwk in await published_keys()}
    with pytest.raises(TokenInvalid, match="unknown_key"):
        await verify_access_token(token, audience=ISSUER, issuer=ISSUER)


async def test_verifying_needs_no_database() -> None:
    token = await issue()

    async with counted_statements() as sent:
        for _ in range(3):
            await verify_access_token(token, audience=ISSUER, issuer=ISSUER)

    assert sent == []


async def test_a_key_another_process_made_is_found_at_once() -> None:
    await signing_key()
    ring = keys._ring
    await rotate_keys(is_compromised=True)
    elsewhere = (await signing_key()).kid
    # This process has not heard of it.
    keys._ring = ring

    key = await verification_key(elsewhere)

    assert key is not None
    assert key.kid == elsewhere


async def test_invented_key_ids_make_us_look_once_in_five_seconds(clock: ManualClock) -> None:
    await signing_key()

    async with counted_statements() as sent:
        for number in range(20):
            assert await verification_key(f"invented-{number}") is None
        assert len(sent) == 1
        clock.advance(timedelta(seconds=5))
        assert await verification_key("invented") is None
        assert len(sent) == 2


async def test_keys_outlive_a_database_that_is_away(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await issue()
    clock.advance(timedelta(seconds=61))

    async def fail() -> keys.KeyRing:
        raise Unavailable("database")

    monkeypatch.setattr(keys, "_read", fail)
    await verify_access_token(token, audience=ISSUER, issuer=ISSUER)

    # The control: without what is remembered nothing can be verified.
    forget_keys()
    with pytest.raises(Unavailable):
        await verify_access_token(token, audience=ISSUER, issuer=ISSUER)
