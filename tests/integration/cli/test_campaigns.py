"""Commands that change a campaign while it sells, each as a process of its own."""

import subprocess
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.checkout import place_order
from tests.support.commands import run
from tests.support.shop import TERMS, Sale, deposit_plan, open_sale, order_for
from tests.support.state import stored_rows

pytestmark = pytest.mark.usefixtures("database", "redis")

SHOP = ("--shop", "moonlit-forge")


async def _run(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return await run(environment, "campaigns", *words, *SHOP)


async def _open() -> Sale:
    """Open a sale by the machine's clock, which the commands go by."""
    closes_at = datetime.now(UTC) + timedelta(days=8)
    ships_by = date(2099, 6, 30)
    return await open_sale(
        payment_plan=deposit_plan(closes_at),
        item={"batches": [{"capacity": 10, "ships_by": ships_by}]},
        terms={**TERMS, "ships_by": ships_by},
    )


async def test_a_cap_is_set_from_the_command_line(
    environment: dict[str, str], database_admin: asyncpg.Connection
) -> None:
    sale = await _open()
    await place_order(order_for(sale, quantity=4))

    lowered = await _run(environment, "set-cap", "nebula-fox", "--sku", "FOX-1", "--capacity", "6")

    assert (lowered.returncode, lowered.stdout) == (0, "FOX-1 has 6 slots.\n")
    assert await database_admin.fetchval("SELECT count(*) FROM slot") == 6
    event = await database_admin.fetchrow("SELECT type, actor FROM event ORDER BY id DESC LIMIT 1")
    assert event is not None
    assert tuple(event) == ("campaign.capacity_changed", "cli")

    before = await stored_rows(database_admin)
    for sku, capacity, sentence in (
        ("FOX-1", "3", "4 slots are sold or held"),
        ("FOX-1", "0", "capacity must be within 1..1000000"),
        ("OWL-1", "6", "the campaign item was not found"),
    ):
        refused = await _run(
            environment, "set-cap", "nebula-fox", "--sku", sku, "--capacity", capacity
        )
        assert (refused.returncode, refused.stderr.strip()) == (1, sentence)
    assert await stored_rows(database_admin) == before


async def test_a_batch_is_added_from_the_command_line(
    environment: dict[str, str], database_admin: asyncpg.Connection, redis: Redis
) -> None:
    await _open()
    batch = ("--sku", "FOX-1", "--capacity", "5", "--ships-by")

    added = await _run(environment, "add-batch", "nebula-fox", *batch, "2099-09-01")

    assert (added.returncode, added.stdout) == (
        0,
        "Added slots 11 to 15, shipped by 2099-09-01.\n",
    )
    assert await database_admin.fetchval("SELECT count(*) FROM slot") == 15
    before = await stored_rows(database_admin)
    early = await _run(environment, "add-batch", "nebula-fox", *batch, "2020-01-01")
    assert (early.returncode, early.stderr.strip()) == (
        1,
        "the batch ships before the campaign opens",
    )
    assert (await _run(environment, "add-batch", "nebula-fox", *batch, "soon")).returncode == 2
    assert await stored_rows(database_admin) == before


async def test_a_campaign_is_extended_from_the_command_line(
    environment: dict[str, str], database_admin: asyncpg.Connection
) -> None:
    sale = await _open()
    why = ("--reason", "the factory has room", "--closes-at")
    closes_at = (sale.campaign.closes_at + timedelta(days=1)).replace(microsecond=0)

    from_now = await _run(environment, "extend", "nebula-fox", *why, "P7D")
    assert from_now.returncode == 0, from_now.stderr
    moved = (
        await database_admin.fetchval("SELECT closes_at FROM campaign") - sale.campaign.closes_at
    )
    assert timedelta() < moved < timedelta(hours=1)
    extended = await _run(environment, "extend", "nebula-fox", *why, closes_at.isoformat())

    assert (extended.returncode, extended.stdout) == (
        0,
        f"Extended: it closes at {closes_at:%Y-%m-%d %H:%M} UTC.\n",
    )
    assert await database_admin.fetchval("SELECT closes_at FROM campaign") == closes_at
    before = await stored_rows(database_admin)
    for moment, code, sentence in (
        (closes_at, 1, "the new close is not later than the present one"),
        (closes_at + timedelta(days=30), 1, "BALANCE_WINDOW_EARLY"),
        (closes_at.replace(tzinfo=None), 2, "has no offset"),
    ):
        refused = await _run(environment, "extend", "nebula-fox", *why, moment.isoformat())
        assert refused.returncode == code
        assert sentence in refused.stderr
    unread = await _run(environment, "extend", "nebula-fox", *why, "P8")
    assert (unread.returncode, "is no ISO 8601" in unread.stderr) == (2, True)
    unknown = await _run(environment, "extend", "no-such", *why, closes_at.isoformat())
    assert (unknown.returncode, unknown.stderr.strip()) == (1, "the campaign was not found")
    assert await stored_rows(database_admin) == before
