"""``doctor``: a shop that is well, one that is late, one that is wrong."""

import os
from datetime import date, timedelta
from pathlib import Path
from secrets import token_hex

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.audits import DATABASE_AUDITS
from headless_presale.audits.secrets import SENTENCE as SECRETS
from headless_presale.audits.setup import LINKED
from headless_presale.checkout import drain, place_order
from headless_presale.orders import OrderView
from headless_presale.slots.admission import keys_of
from tests.conftest import with_database
from tests.support.commands import run
from tests.support.oidc_issuer import running_issuer
from tests.support.shop import TERMS, Sale, open_sale, order_for
from tests.support.state import everything


@pytest.fixture
async def placed(database: str, redis: Redis) -> tuple[Sale, OrderView]:
    """Open a sale of ten slots by the real clock and order two of them."""
    ships_by = date.today() + timedelta(days=90)
    sale = await open_sale(
        item={"batches": [{"capacity": 10, "ships_by": ships_by}]},
        terms={**TERMS, "ships_by": ships_by},
    )
    order = await place_order(order_for(sale, quantity=2))
    await drain()
    return sale, order


async def examine(database_url: str, redis_url: str, **settings: str) -> tuple[int, list[str]]:
    """Run the command as an operator does; return its exit code and its lines."""
    environment = {
        **{name: value for name, value in os.environ.items() if "PRESALE" not in name},
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "NO_COLOR": "1",
        **settings,
    }
    done = await run(environment, "doctor")
    return done.returncode, [*done.stdout.splitlines(), *done.stderr.splitlines()]


def marked(lines: list[str], mark: str) -> list[str]:
    """Return the lines that begin with a mark, without it."""
    return [line.strip().removeprefix(mark).strip() for line in lines if mark in line[:4]]


async def test_a_shop_that_is_well_is_told_so_line_by_line_and_left_as_it_is(
    placed: tuple[Sale, OrderView],
    database: str,
    redis_url: str,
    redis: Redis,
    database_admin: asyncpg.Connection,
) -> None:
    before = await everything(database_admin, redis)

    code, lines = await examine(database, redis_url)

    assert code == 0, lines
    assert marked(lines, "✗") == marked(lines, "–") == []
    assert set(marked(lines, "✓")) >= {"Redis answers", *DATABASE_AUDITS}
    assert [line for line in lines if line and not line.startswith(" ")] == [
        "Secrets",
        "Engines",
        "The books",
        "Redis beside the database",
        "At rest, once no orders come in and the worker has worked",
    ]
    assert await everything(database_admin, redis) == before


async def test_a_shop_that_is_late_is_no_failure(
    placed: tuple[Sale, OrderView],
    database: str,
    redis_url: str,
    database_admin: asyncpg.Connection,
) -> None:
    order = placed[1]
    await database_admin.execute(
        "UPDATE sales_order SET hold_expires_at = hold_expires_at - $1::interval",
        timedelta(hours=1),
    )

    code, lines = await examine(database, redis_url)

    assert code == 0, lines
    assert marked(lines, "–") == ["not yet: no hold is past its time"]
    assert f"      {order.id}" in lines


async def test_what_is_wrong_is_named_and_fails(
    placed: tuple[Sale, OrderView],
    database: str,
    redis_url: str,
    redis: Redis,
    database_admin: asyncpg.Connection,
) -> None:
    sale, order = placed
    await database_admin.execute("DELETE FROM event WHERE type = 'order.placed'")
    await redis.zadd(keys_of(sale.pool_id)["free"], {"1": 1})

    code, lines = await examine(database, redis_url)

    assert code == 1
    assert marked(lines, "✗") == [
        "every order has its first event",
        "Redis offers no number that an order owns",
    ]
    assert f"      {order.id}" in lines
    assert f"      {sale.pool_id} 1" in lines


async def test_an_engine_that_is_gone_fails(placed: tuple[Sale, OrderView], database: str) -> None:
    code, lines = await examine(database, "redis://127.0.0.1:1/0")

    assert code == 1
    assert marked(lines, "✗") == ["Redis answers"]
    assert set(marked(lines, "✓")) == {SECRETS, "PostgreSQL answers 18", *DATABASE_AUDITS}


async def test_a_database_that_is_not_migrated_says_what_to_do(
    database: str, redis: Redis, redis_url: str, database_admin: asyncpg.Connection
) -> None:
    await database_admin.execute("DROP DATABASE IF EXISTS presale_not_migrated")
    await database_admin.execute("CREATE DATABASE presale_not_migrated")

    code, lines = await examine(with_database(database, "presale_not_migrated"), redis_url)

    await database_admin.execute("DROP DATABASE presale_not_migrated")
    assert code == 1
    assert marked(lines, "✗") == ["the database is migrated"]
    assert "      run: headless-presale migrate" in lines


async def test_a_sign_in_provider_that_is_somebody_else_is_told(
    database: str, redis: Redis, redis_url: str
) -> None:
    async with running_issuer() as issuer:
        settings = {"PRESALE_OIDC_ISSUER": issuer.url, "PRESALE_OIDC_CLIENT_ID": "presale"}
        code, lines = await examine(database, redis_url, **settings)
        assert code == 0
        assert "the sign-in provider answers and is who it should be" in marked(lines, "✓")

        issuer.discovery_lies = {"issuer": f"{issuer.url}/"}
        code, lines = await examine(database, redis_url, **settings)

    assert code == 1
    assert marked(lines, "✗") == ["the sign-in provider answers and is who it should be"]
    assert any("letter by letter" in line for line in lines)


async def test_a_weak_secret_is_refused_where_others_reach_us_and_never_shown(
    database: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    weak, strong = "presale-secret-2026", token_hex(32)
    kept = tmp_path / "secret_key"
    kept.write_text(f"{weak}\n")
    file = {"PRESALE_SECRET_KEY_FILE": str(kept)}

    here = await examine(database, redis_url, **file)
    live = await examine(database, redis_url, **file, PRESALE_MODE="production")
    public = await examine(database, redis_url, **file, PRESALE_PUBLIC_URL="https://shop.example")
    assert f"not yet: {LINKED}" in marked(public[1], "–")
    kept.write_text(f"{strong}\n")
    well = await examine(database, redis_url, **file, PRESALE_MODE="production")

    assert here[0] == 0
    assert marked(here[1], "–") == [f"not yet: {SECRETS}"]
    for code, lines in (live, public):
        assert code == 1
        assert marked(lines, "✗") == [SECRETS]
        assert any("PRESALE_SECRET_KEY has 19 characters" in line for line in lines)
        # The rest is looked at all the same.
        assert "Redis answers" in marked(lines, "✓")
    assert well[0] == 0, well[1]
    said = "\n".join((*here[1], *live[1], *public[1], *well[1]))
    assert weak not in said
    assert strong not in said


async def test_a_secret_that_is_given_twice_is_one_sentence(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    code, lines = await examine(
        database,
        redis_url,
        PRESALE_SECRET_KEY="canary-of-a-secret",
        PRESALE_SECRET_KEY_FILE=str(tmp_path / "secret_key"),
    )

    assert code == 1
    assert lines == [
        "PRESALE_SECRET_KEY and PRESALE_SECRET_KEY_FILE are both set: take one of them"
    ]
