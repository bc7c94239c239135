"""Doing an import as a worker does it: from the uploaded file to the report."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from headless_presale.catalog.errors import UnreadableProductFile
from headless_presale.catalog.importer import ImportProducts, ImportReport, import_products
from headless_presale.catalog.imports import (
    ImportRun,
    claim_import,
    end_import,
    is_current,
    note_progress,
)
from headless_presale.catalog.product_files import copy_file
from headless_presale.catalog.reasons import Reason, as_reason
from headless_presale.catalog.states import ImportStatus
from headless_presale.catalog.variants import currency_of
from headless_presale.kernel.errors import PresaleError, Unavailable
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.unit_of_work import UnitOfWork

MOST_RUNS = 5
"""A file at which worker after worker dies is given up."""
TELL_EVERY_SECONDS = 1.0
MOST_KEPT = 1_000
"""Failed rows, and variants missing from the file, that a report names; it counts them all."""
COUNTS = (
    "created",
    "updated",
    "unchanged",
    "skipped",
    "variants_created",
    "variants_updated",
    "variants_unchanged",
    "media_created",
    "media_updated",
)

log = structlog.get_logger(__name__)


class ImportStopped(PresaleError):
    """Somebody has ended the import, or another worker has taken it over."""


class ImportFailed(PresaleError):
    """The import cannot be done; nothing of this transaction is kept."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason)


class _Follower:
    """Lets a run write only while it is the last one of an import that is open."""

    def __init__(self, run: ImportRun) -> None:
        self.run = run
        self.is_concluded = False

    async def keep_going(self, work: UnitOfWork) -> None:
        """Stop before anything is written that nobody wants any more.

        What is written in batches holds the import meanwhile: who ends it waits for a batch. An
        atomic one would hold it for minutes; it looks, and looks again when it is concluded.
        """
        run = self.run
        if not await is_current(work, run, is_held=not run.is_atomic):
            raise ImportStopped
        currency = await currency_of(work, run.shop_id)
        if currency != run.currency:
            reason = Reason(
                "the shop prices in {currency} now; start the import again", currency=currency
            )
            raise ImportFailed(reason)

    async def conclude(self, work: UnitOfWork, report: ImportReport) -> None:
        """End an atomic import together with what it has written, or with none of it."""
        if not await end_import(self.run, ImportStatus.SUCCEEDED, report=report_json(report)):
            raise ImportStopped
        self.is_concluded = True


async def run_import(import_id: UUID) -> None:
    """Do an import. Safe to repeat: one that has come to its end is left alone.

    Raises:
        Unavailable: an engine is away; do it again.
    """
    run = await claim_import(import_id)
    if run is None:
        return
    if run.number > MOST_RUNS:
        reason = Reason("it was begun {count} times and never came to its end", count=MOST_RUNS)
        await _fail(run, reason)
        return
    try:
        await _do(run)
    except ImportStopped:
        log.info("catalog.import_stopped", import_id=str(run.id), run=run.number)
    except ImportFailed as error:
        await _fail(run, error.reason)
    except UnreadableProductFile as error:
        params = {k: v for k, v in error.params.items() if k not in ("file", "reason")}
        await _fail(run, Reason(error.reason, **params))
    except Unavailable:
        raise
    except Exception:
        log.exception("catalog.import_broke", import_id=str(run.id), run=run.number)
        await _fail(run, Reason("something went wrong on our side; nothing more is written"))


async def _do(run: ImportRun) -> None:
    # It has no name on the disk, so a worker that is killed leaves nothing behind.
    with tempfile.TemporaryFile() as content:
        if await copy_file(run.upload_id, content) != run.bytes_total:
            raise ImportFailed(Reason("the file is no longer here; upload it again"))
        follower = _Follower(run)
        async with _telling(run) as progress:
            report = await import_products(
                ImportProducts(
                    path=Path("products.csv"),
                    content=content,
                    shop_id=run.shop_id,
                    currency=run.currency,
                    is_dry_run=run.is_dry_run,
                    is_atomic=run.is_atomic,
                ),
                progress.note,
                follower,
            )
        if not follower.is_concluded:
            await end_import(run, ImportStatus.SUCCEEDED, report=report_json(report))


class _Progress:
    """How far a run has come, and how much of that was told."""

    def __init__(self) -> None:
        self.done = 0

    def note(self, done: int, total: int) -> None:
        """Take what the importer says."""
        self.done = done


@contextlib.asynccontextmanager
async def _telling(run: ImportRun) -> AsyncIterator[_Progress]:
    """Let a task beside the import tell once a second how far it is.

    In its own transactions: what an atomic import writes is seen by nobody until its end.
    """
    progress = _Progress()

    async def tell() -> None:
        told = 0
        while True:
            await asyncio.sleep(TELL_EVERY_SECONDS)
            if progress.done > told:
                told = progress.done
                # Only a number on a screen: the next one follows in a second.
                with contextlib.suppress(Unavailable):
                    await note_progress(run, told)

    teller = asyncio.create_task(tell())
    try:
        yield progress
    finally:
        teller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await teller


async def _fail(run: ImportRun, reason: Reason) -> None:
    log.info("catalog.import_failed", import_id=str(run.id), reason=str(reason))
    await end_import(run, ImportStatus.FAILED, failure=to_jsonb(_stored(reason)))


def _stored(clause: str) -> Mapping[str, Any]:
    reason = as_reason(clause)
    return {"template": reason.template, "params": dict(reason.params)}


def report_json(report: ImportReport) -> str:
    """Return a report as it is stored; its rows in order, each reason with its values apart."""
    return to_jsonb(
        {
            "is_written": report.is_written,
            **{name: getattr(report, name) for name in COUNTS},
            "failed_row_count": len(report.failed_rows),
            "failed_rows": [
                {"line": row.line, "column": row.column, **_stored(row.reason)}
                for row in sorted(report.failed_rows)[:MOST_KEPT]
            ],
            "missing_variant_count": len(report.missing_from_file),
            "missing_variants": [
                {
                    "handle": missing.handle,
                    "sku": missing.sku,
                    "option_values": list(missing.option_values),
                }
                for missing in report.missing_from_file[:MOST_KEPT]
            ],
        }
    )
