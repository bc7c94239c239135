"""Imports a product file: read, compare, write what differs, report the rest by line.

Repeating an import changes nothing. Products are found by handle, variants by SKU or option
values. What the file does not say stays as it is: variants that vanished from it, pictures, texts
in other languages, and every field whose column it does not have.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import UUID

import asyncpg

from headless_presale.catalog.drafts import ProductDraft, RowError, SkippedProduct
from headless_presale.catalog.errors import UnreadableProductFile
from headless_presale.catalog.events import ProductsChanged
from headless_presale.catalog.import_plan import (
    Conflict,
    ImportPlan,
    MissingVariant,
    plan_product,
)
from headless_presale.catalog.product_rows import load_products, lock_catalog, write_plans
from headless_presale.catalog.reasons import Reason
from headless_presale.catalog.shopify_columns import BadHeader, Layout
from headless_presale.catalog.shopify_csv import Item, ProductCsv
from headless_presale.kernel import clock
from headless_presale.kernel.errors import PresaleError
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

BATCH_SIZE = 100
"""Products that are written, and committed, together. A product that the database refuses does
not take the others of its batch with it: they are written again one by one."""

MAX_ITEMS_READ = 1_000
"""Errors count too: a file of nothing but errors still reports progress."""

_REFUSED = (
    asyncpg.CheckViolationError,
    asyncpg.DataError,
    asyncpg.NotNullViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.UniqueViolationError,
)


class Follower(Protocol):
    """Whoever follows an import, and may end it by raising."""

    async def keep_going(self, work: UnitOfWork) -> None:
        """Look, in each transaction and before it writes, whether to go on."""

    async def conclude(self, work: UnitOfWork, report: "ImportReport") -> None:
        """Note, in the transaction of an atomic import, that everything is written."""


Progress = Callable[[int, int], None]
"""Called with (bytes read, bytes in all), rising, from the event loop; equal at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProducts:
    """A product file to import.

    Attributes:
        path: a file in Shopify's product CSV format.
        content: its bytes, open, where it lies nowhere; the path names it then.
        shop_id: the shop whose catalogue it becomes.
        currency: that shop's currency, which the file's prices are in.
        is_dry_run: compare and report only.
        is_atomic: all or nothing: one row that cannot be used, and nothing is written.
    """

    path: Path
    shop_id: UUID
    currency: str
    content: BinaryIO | None = None
    is_dry_run: bool = False
    is_atomic: bool = False


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What an import did, or with ``is_dry_run`` would do.

    Attributes:
        is_written: whether changes were kept. False after a dry run, and after an atomic import
            with a failed row, whose counts are 0.
        created, updated, unchanged: products.
        skipped: products left out because their own row or all their variants failed.
        variants_created, variants_updated, variants_unchanged: variants of those products.
        media_created, media_updated: pictures of those products.
        failed_rows: rows that could not be used, by line.
        missing_from_file: stored variants that their product's rows do not name; they are kept.
            Not known for products with failed rows.
    """

    is_written: bool
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    variants_created: int = 0
    variants_updated: int = 0
    variants_unchanged: int = 0
    media_created: int = 0
    media_updated: int = 0
    failed_rows: list[RowError] = field(default_factory=list)
    missing_from_file: list[MissingVariant] = field(default_factory=list)

    @property
    def products(self) -> int:
        """Products that were read, whatever became of them."""
        return self.created + self.updated + self.unchanged + self.skipped

    def _count(self, draft: ProductDraft, plan: ImportPlan) -> None:
        self.created += plan.is_new
        self.updated += plan.is_change and not plan.is_new
        self.unchanged += not plan.is_change
        changed, new = len(plan.variants.updates), len(plan.variants.inserts)
        self.variants_created += new
        self.variants_updated += changed
        self.variants_unchanged += len(draft.variants) - changed - new
        self.media_created += len(plan.media.inserts)
        self.media_updated += len(plan.media.updates)
        self.missing_from_file += plan.missing_from_file


@dataclass(slots=True)
class _Batch:
    """What became of a batch; counted only once it is committed."""

    planned: list[tuple[ProductDraft, ImportPlan]] = field(default_factory=list)
    failed_rows: list[RowError] = field(default_factory=list)

    def report_to(self, report: ImportReport) -> None:
        for draft, plan in self.planned:
            report._count(draft, plan)
        report.failed_rows += self.failed_rows
        report.skipped += len(self.failed_rows)


class _NothingWritten(PresaleError):
    """Rolls an atomic import back."""


def _ignore_progress(_done: int, _total: int) -> None:
    """Do nothing."""


async def import_products(
    command: ImportProducts,
    progress: Progress = _ignore_progress,
    follower: Follower | None = None,
) -> ImportReport:
    """Import a product file.

    Without ``is_atomic`` products are committed in batches as the file is read: after a crash,
    what is done is done, and the same import continues it. With it there is one transaction.
    Two imports into one shop take turns.

    Raises:
        UnreadableProductFile: the file is not there, or its header cannot be used.
        Unavailable: the database went away, or another import held the catalogue for too long.
    """
    run = _import_whole if command.is_atomic else _import_in_batches
    report = await run(command, progress, follower)
    report.failed_rows.sort()
    return report


async def _import_in_batches(
    command: ImportProducts, progress: Progress, follower: Follower | None
) -> ImportReport:
    report = ImportReport(is_written=not command.is_dry_run)
    async with _OpenFile(command) as file:
        async for drafts in _batches(file, report, progress):
            await _import_batch_or_each(command, file.layout, drafts, report, follower)
    return report


async def _import_batch_or_each(
    command: ImportProducts,
    layout: Layout,
    drafts: Sequence[ProductDraft],
    report: ImportReport,
    follower: Follower | None,
) -> None:
    try:
        batch = await _import_batch(command, layout, drafts, follower)
    except _REFUSED as error:
        if len(drafts) > 1:
            for draft in drafts:
                await _import_batch_or_each(command, layout, [draft], report, follower)
            return
        reason = Reason("the database refused the product: {detail}", detail=error)
        batch = _Batch(failed_rows=[RowError(drafts[0].line, "", reason)])
    batch.report_to(report)


@shielded
async def _import_whole(
    command: ImportProducts, progress: Progress, follower: Follower | None
) -> ImportReport:
    report = ImportReport(is_written=not command.is_dry_run)
    try:
        async with unit_of_work() as work, _OpenFile(command) as file:
            async for drafts in _batches(file, report, progress):
                batch = await _import_batch(command, file.layout, drafts, follower)
                batch.report_to(report)
            if report.failed_rows:
                raise _NothingWritten
            if follower is not None:
                await follower.conclude(work, report)
    except _NothingWritten:
        return ImportReport(
            is_written=False, skipped=report.skipped, failed_rows=report.failed_rows
        )
    return report


@shielded
async def _import_batch(
    command: ImportProducts,
    layout: Layout,
    drafts: Sequence[ProductDraft],
    follower: Follower | None,
) -> _Batch:
    """Compare and write some products: up to 20 statements, whatever their number."""
    batch = _Batch()
    async with unit_of_work() as work:
        is_locked = not command.is_dry_run
        if is_locked:
            await lock_catalog(work, command.shop_id, is_patient=True)
        if follower is not None:
            await follower.keep_going(work)
        handles = [draft.handle for draft in drafts]
        stored = await load_products(work, command.shop_id, handles, is_locked=is_locked)
        now = clock.now()
        for draft in drafts:
            try:
                plan = plan_product(
                    draft,
                    stored.get(draft.handle),
                    decided=layout.decided,
                    shop_id=command.shop_id,
                    currency=command.currency,
                    now=now,
                )
            except Conflict as conflict:
                column = layout.name_of("option1_value")
                batch.failed_rows.append(RowError(conflict.line, column, conflict.reason))
            else:
                batch.planned.append((draft, plan))
        changes = [plan for _, plan in batch.planned if plan.is_change]
        if changes and not command.is_dry_run:
            await write_plans(work, changes)
            changed = tuple(plan.product_id for plan in changes)
            work.emit(ProductsChanged(shop_id=command.shop_id, product_ids=changed))
    return batch


class _OpenFile:
    """The file of an import, read in a thread: disks block, and so does a long description."""

    def __init__(self, command: ImportProducts) -> None:
        self._command = command

    async def __aenter__(self) -> "_OpenFile":
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._csv.close)

    def _open(self) -> None:
        path = self._command.path
        try:
            if (content := self._command.content) is None:
                source: BinaryIO = path.open("rb")
                self.total_bytes = path.stat().st_size
            else:
                source = content
                self.total_bytes = source.seek(0, os.SEEK_END)
                source.seek(0)
        except OSError as error:
            detail = error.strerror or "it cannot be opened"
            raise UnreadableProductFile(file=path.name, reason=detail) from None
        try:
            self._csv = ProductCsv(source, currency=self._command.currency)
        except BadHeader as error:
            source.close()
            params: dict[str, Any] = dict(error.reason.params)
            raise UnreadableProductFile(
                file=path.name, reason=error.reason.template, **params
            ) from None
        self._items: Iterator[Item] = iter(self._csv)

    @property
    def layout(self) -> Layout:
        return self._csv.layout

    @property
    def bytes_read(self) -> int:
        return self._csv.bytes_read

    async def read(self) -> list[Item]:
        """Return what comes next: at most ``BATCH_SIZE`` products; nothing at the end."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> list[Item]:
        items: list[Item] = []
        products = 0
        while products < BATCH_SIZE and len(items) < MAX_ITEMS_READ:
            item = next(self._items, None)
            if item is None:
                break
            items.append(item)
            products += isinstance(item, ProductDraft)
        return items


async def _batches(
    file: _OpenFile, report: ImportReport, progress: Progress
) -> AsyncIterator[list[ProductDraft]]:
    """Yield the products in batches; errors go straight to the report."""
    while items := await file.read():
        report.failed_rows += [item for item in items if isinstance(item, RowError)]
        report.skipped += sum(isinstance(item, SkippedProduct) for item in items)
        if drafts := [item for item in items if isinstance(item, ProductDraft)]:
            yield drafts
        progress(file.bytes_read, file.total_bytes)
    progress(file.total_bytes, file.total_bytes)
