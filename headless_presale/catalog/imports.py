"""Imports of product files that a worker does: asked for, followed, ended.

A worker that dies leaves an import running; the next one begins it anew, which is harmless because
an import writes only what differs. Each run has its number, and whoever is not the last one stops
before it writes: a worker that was only slow does no harm either.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headless_presale.catalog.errors import ImportNotFound, ImportUnderWay, ProductFileNotFound
from headless_presale.catalog.models import ProductImport
from headless_presale.catalog.product_files import find_file
from headless_presale.catalog.states import IMPORT_LIFECYCLE, OPEN, ImportStatus
from headless_presale.catalog.variants import currency_of
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work


@dataclass(frozen=True, slots=True, kw_only=True)
class StartImport:
    """An import to ask for.

    Attributes:
        file_id: a file that was uploaded for this shop.
        requested_by: who asks, as people call him.
        is_dry_run, is_atomic: as in ``ImportProducts``.
    """

    shop_id: UUID
    file_id: UUID
    requested_by: str
    is_dry_run: bool = False
    is_atomic: bool = False


@shielded
async def start_import(command: StartImport) -> ProductImport:
    """Ask for a file to be imported. Asking for what is open already returns that.

    Raises:
        ProductFileNotFound: the shop has no such file.
        ImportUnderWay: the shop has another import that is open.
    """
    async with unit_of_work() as work:
        await work.lock("product-imports", command.shop_id)
        file = await find_file(work, command.file_id, [command.shop_id])
        if file is None:
            raise ProductFileNotFound(field=("fileId",))
        open_one = await ProductImport.filter(
            shop_id=command.shop_id, status__in=list(OPEN)
        ).first()
        if open_one is not None:
            wanted = (file.id, command.is_dry_run, command.is_atomic)
            if wanted == (open_one.upload_id, open_one.is_dry_run, open_one.is_atomic):
                return open_one
            raise ImportUnderWay(field=("shopId",), file=open_one.file_name)
        made = await ProductImport.create(
            id=new_id(),
            shop_id=command.shop_id,
            upload_id=file.id,
            file_name=file.name,
            currency=await currency_of(work, command.shop_id),
            status=ImportStatus.QUEUED,
            is_dry_run=command.is_dry_run,
            is_atomic=command.is_atomic,
            bytes_total=file.bytes,
            requested_by=command.requested_by,
            created_at=clock.now(),
        )
        reach("catalog.import_asked_for")
        await defer(
            "catalog:import_products",
            lock=f"catalog:import:{command.shop_id}",
            import_id=str(made.id),
        )
        after = {
            "file": file.name,
            "is_dry_run": command.is_dry_run,
            "is_atomic": command.is_atomic,
        }
        await _record(work, "product_import.start", made, before={}, after=after)
    return made


@shielded
async def cancel_import(shop_ids: Collection[UUID], import_id: UUID) -> ProductImport:
    """End an import that is open. Repeating changes nothing.

    An atomic one leaves nothing; otherwise what is written stays, and nothing follows it.

    Raises:
        ImportNotFound: none of the shops has it.
        TransitionNotAllowed: it has come to its end.
    """
    async with unit_of_work() as work:
        query = ProductImport.filter(id=import_id, shop_id__in=list(shop_ids))
        found = await query.select_for_update().first()
        if found is None:
            raise ImportNotFound(field=("importId",))
        if found.status is ImportStatus.CANCELLED:
            return found
        IMPORT_LIFECYCLE.check(found.status, ImportStatus.CANCELLED)
        before = found.status
        found.status, found.finished_at = ImportStatus.CANCELLED, clock.now()
        found.version += 1
        await found.save(update_fields=["status", "finished_at", "version"])
        reach("catalog.import_cancelled")
        await _record(
            work,
            "product_import.cancel",
            found,
            before={"status": before},
            after={"status": found.status},
        )
    return found


@dataclass(frozen=True, slots=True)
class ImportRun:
    """One attempt of a worker at an import; ``number`` counts them from 1."""

    id: UUID
    number: int
    shop_id: UUID
    upload_id: UUID
    currency: str
    is_dry_run: bool
    is_atomic: bool
    bytes_total: int


@shielded
async def claim_import(import_id: UUID) -> ImportRun | None:
    """Begin an import, or begin it anew; None where it has come to its end."""
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "UPDATE product_import SET status = 'RUNNING', runs = runs + 1, bytes_done = 0, "
            "version = version + 1, started_at = coalesce(started_at, $2) "
            "WHERE id = $1 AND status = ANY($3::text[]) RETURNING id, runs AS number, shop_id, "
            "upload_id, currency, is_dry_run, is_atomic, bytes_total",
            import_id,
            clock.now(),
            list(OPEN),
        )
        reach("catalog.import_claimed")
    return None if row is None else ImportRun(**row)


async def is_current(work: UnitOfWork, run: ImportRun, *, is_held: bool) -> bool:
    """Tell whether a run is the last one of an import that nobody has ended.

    Args:
        is_held: let nobody end it until this transaction does.
    """
    row = await work.fetchrow(
        "SELECT 1 FROM product_import WHERE id = $1 AND runs = $2 AND status = 'RUNNING'"
        f"{' FOR SHARE' if is_held else ''}",
        run.id,
        run.number,
    )
    return row is not None


@shielded
async def note_progress(run: ImportRun, bytes_done: int) -> None:
    """Say how far a run has come."""
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE product_import SET bytes_done = least($3, bytes_total) "
            "WHERE id = $1 AND runs = $2 AND status = 'RUNNING'",
            run.id,
            run.number,
            bytes_done,
        )


@shielded
async def end_import(
    run: ImportRun,
    status: ImportStatus,
    *,
    report: str | None = None,
    failure: str | None = None,
) -> bool:
    """Note how a run ended; False where it was not the last one, or somebody was faster.

    Args:
        report, failure: JSON texts.
    """
    async with unit_of_work() as work:
        ended = await work.execute(
            "UPDATE product_import SET status = $3::varchar, report = $4::jsonb, "
            "failure = $5::jsonb, finished_at = $6, version = version + 1, "
            "bytes_done = CASE WHEN $3::varchar = 'SUCCEEDED' THEN bytes_total ELSE bytes_done END "
            "WHERE id = $1 AND runs = $2 AND status = 'RUNNING'",
            run.id,
            run.number,
            str(status),
            report,
            failure,
            clock.now(),
        )
        reach("catalog.import_ended")
    return ended > 0


async def _record(
    work: UnitOfWork,
    action: str,
    made: ProductImport,
    *,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    await record_change(
        work,
        action=action,
        owner_id=made.shop_id,
        subject_type="ProductImport",
        subject_id=made.id,
        subject_label=made.file_name,
        before=before,
        after=after,
    )
