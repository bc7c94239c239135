"""An import that is done at once, by whoever asks, and not as a job: from the command line."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from headless_presale.catalog.import_job import COUNTS
from headless_presale.catalog.importer import (
    ImportProducts,
    ImportReport,
    Progress,
    import_products,
)
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work


async def import_recorded(command: ImportProducts, progress: Progress) -> ImportReport:
    """Import a product file, with entries in the shop's log: that it began, what came of it.

    The first is written before any product, so that an import that was killed half way has one.

    Raises:
        UnreadableProductFile, Unavailable: as ``import_products``.
    """
    import_id = new_id()
    asked = {"is_dry_run": command.is_dry_run, "is_atomic": command.is_atomic}
    await _record(command, "start", import_id, {"file": command.path.name, **asked})
    report = await import_products(command, progress)
    counts = {name: getattr(report, name) for name in COUNTS}
    failed = {"failed_row_count": len(report.failed_rows)}
    await _record(
        command, "finish", import_id, {"is_written": report.is_written, **counts, **failed}
    )
    return report


@shielded
async def _record(
    command: ImportProducts, verb: str, import_id: UUID, after: Mapping[str, Any]
) -> None:
    async with unit_of_work() as work:
        await record_change(
            work,
            action=f"product_import.{verb}",
            owner_id=command.shop_id,
            subject_type="ProductImport",
            subject_id=import_id,
            subject_label=command.path.name,
            after=after,
        )
