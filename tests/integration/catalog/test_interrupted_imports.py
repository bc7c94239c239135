"""Imports at work: followed, cancelled, taken over by another worker."""

import asyncio
import tempfile
from contextvars import Context
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from headless_presale.catalog import (
    ImportStatus,
    Product,
    cancel_import,
    import_job,
)
from headless_presale.catalog.import_job import run_import
from headless_presale.catalog.imports import claim_import
from headless_presale.shops import Shop
from tests.integration.catalog.importing import BATCH, ask, done, report_of
from tests.support.product_files import products_csv


async def _after_first_batch(
    monkeypatch: pytest.MonkeyPatch, act: Any, *, is_guarded: bool = True
) -> None:
    """Let something happen when a worker comes to its second batch, before it looks."""
    keep_going = import_job._Follower.keep_going
    batches = 0

    async def look(self: Any, work: Any) -> None:
        nonlocal batches
        batches += 1
        if batches == 2:
            # In a task of its own: not part of the worker's transaction.
            await asyncio.get_running_loop().create_task(act(), context=Context())
        if is_guarded:
            await keep_going(self, work)

    monkeypatch.setattr(import_job._Follower, "keep_going", look)


async def test_a_cancelled_import_stops_before_its_next_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(shop, products_csv(3 * BATCH))
    await _after_first_batch(monkeypatch, lambda: cancel_import([shop.id], asked.id))

    await run_import(asked.id)

    found = await done(asked)
    assert (found.status, found.report) == (ImportStatus.CANCELLED, None)
    assert await Product.all().count() == BATCH


async def test_control_without_looking_a_cancelled_import_writes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(shop, products_csv(3 * BATCH))
    await _after_first_batch(
        monkeypatch, lambda: cancel_import([shop.id], asked.id), is_guarded=False
    )

    await run_import(asked.id)

    assert (await done(asked)).status is ImportStatus.CANCELLED
    assert await Product.all().count() == 3 * BATCH


async def test_a_worker_that_is_killed_leaves_no_file_behind(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    asked = await ask(shop, products_csv(2 * BATCH))
    there: list[Path] = []

    async def look() -> None:
        # What a worker would leave that is killed now
        there.extend(await asyncio.to_thread(lambda: list(tmp_path.iterdir())))

    await _after_first_batch(monkeypatch, look)

    await run_import(asked.id)

    assert (await done(asked)).status is ImportStatus.SUCCEEDED
    assert there == []


async def test_a_cancelled_atomic_import_leaves_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(shop, products_csv(3 * BATCH), is_atomic=True)
    await _after_first_batch(monkeypatch, lambda: cancel_import([shop.id], asked.id))

    await run_import(asked.id)

    assert (await done(asked)).status is ImportStatus.CANCELLED
    assert await Product.all().count() == 0


async def test_an_atomic_import_that_is_cancelled_after_its_last_look_leaves_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(shop, products_csv(3 * BATCH), is_atomic=True)
    # It does not look at all: only what ends it, together with what it wrote, is left.
    await _after_first_batch(
        monkeypatch, lambda: cancel_import([shop.id], asked.id), is_guarded=False
    )

    await run_import(asked.id)

    assert (await done(asked)).status is ImportStatus.CANCELLED
    assert await Product.all().count() == 0


async def test_a_worker_that_was_only_slow_stops_when_another_has_taken_over(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(shop, products_csv(3 * BATCH))
    await _after_first_batch(monkeypatch, lambda: claim_import(asked.id))

    await run_import(asked.id)

    found = await done(asked)
    assert (found.status, found.runs) == (ImportStatus.RUNNING, 2)
    assert await Product.all().count() == BATCH

    # The other one comes to the end, and says what it found.
    monkeypatch.undo()
    await run_import(asked.id)
    report = await report_of(asked)
    assert (report["created"], report["unchanged"]) == (2 * BATCH, BATCH)


async def test_progress_is_told_while_an_atomic_import_runs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, database_admin: asyncpg.Connection
) -> None:
    # Given a file whose second half waits until somebody has seen the first
    asked = await ask(shop, products_csv(4 * BATCH), is_atomic=True)
    monkeypatch.setattr(import_job, "TELL_EVERY_SECONDS", 0.01)
    seen = 0

    async def see() -> None:
        nonlocal seen
        async with asyncio.timeout(30):
            while not seen:
                seen = await database_admin.fetchval("SELECT bytes_done FROM product_import")
                await asyncio.sleep(0.01)

    await _after_first_batch(monkeypatch, see)

    await run_import(asked.id)

    assert 0 < seen <= asked.bytes_total
    assert (await done(asked)).bytes_done == asked.bytes_total
