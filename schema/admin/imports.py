"""Imports of product files: asked for here, done by a worker, followed by asking again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import strawberry

from headless_presale.catalog import ImportStatus, ProductImport
from headless_presale.identity import Scope
from headless_presale.shops import Shop
from resolvers.admin import imports
from resolvers.errors import ArgumentInvalid
from schema.errors import UserError, user_errors
from schema.nodes import (
    After,
    Before,
    Connection,
    First,
    Info,
    Last,
    connect,
    global_id,
    page_request,
)
from schema.permissions import requires
from schema.scalars import SafeInt

strawberry.enum(
    ImportStatus,
    name="ProductImportStatus",
    description="Where an import stands. FAILED: the file as a whole could not be imported.",
)

MOST_ROWS = 1_000

FirstRows = Annotated[
    int, strawberry.argument(description=f"So many from the start, at most {MOST_ROWS}.")
]
Skip = Annotated[int, strawberry.argument(description="Leave out so many from the start.")]


@strawberry.type(name="AdminImportRowError", description="Why a row of a file could not be used.")
class ImportRowErrorType:
    stored: strawberry.Private[Mapping[str, Any]]

    @strawberry.field(description="The line the row starts on; the header is line 1.")
    def line(self) -> int:
        return int(self.stored["line"])

    @strawberry.field(description="As the file spells it; empty where the whole row is at fault.")
    def column(self) -> str:
        return str(self.stored["column"])

    @strawberry.field(description="A clause for people, in the language of Accept-Language.")
    def reason(self, info: Info) -> str:
        return imports.reason_in(info.context.locale, self.stored)


@strawberry.type(
    name="AdminMissingVariant", description="A stored variant that the file does not name."
)
class MissingVariantType:
    """It is kept."""

    handle: str
    sku: str | None
    option_values: list[str]


@strawberry.type(name="AdminImportReport", description="What an import did, or would do.")
class ImportReportType:
    """Of the run that came to the end."""

    stored: strawberry.Private[Mapping[str, Any]]

    def _count(self, name: str) -> int:
        return int(self.stored[name])

    @strawberry.field(
        description="False after a dry run, and after an atomic import with a row that could not "
        "be used."
    )
    def is_written(self) -> bool:
        return bool(self.stored["is_written"])

    @strawberry.field(description="Products.")
    def created(self) -> int:
        return self._count("created")

    @strawberry.field(description="Products.")
    def updated(self) -> int:
        return self._count("updated")

    @strawberry.field(
        description="Products that were so already, or that a worker had written before it died."
    )
    def unchanged(self) -> int:
        return self._count("unchanged")

    @strawberry.field(
        description="Products left out because their row, or all their variants, failed."
    )
    def skipped(self) -> int:
        return self._count("skipped")

    @strawberry.field
    def variants_created(self) -> int:
        return self._count("variants_created")

    @strawberry.field
    def variants_updated(self) -> int:
        return self._count("variants_updated")

    @strawberry.field
    def variants_unchanged(self) -> int:
        return self._count("variants_unchanged")

    @strawberry.field
    def media_created(self) -> int:
        return self._count("media_created")

    @strawberry.field
    def media_updated(self) -> int:
        return self._count("media_updated")

    @strawberry.field(description="All of them, also those that are not kept.")
    def failed_row_count(self) -> int:
        return self._count("failed_row_count")

    @strawberry.field(description="By line; the first thousand are kept.")
    def failed_rows(self, first: FirstRows = 100, skip: Skip = 0) -> list[ImportRowErrorType]:
        return [ImportRowErrorType(stored=row) for row in _part(self.stored, first, skip)]

    @strawberry.field(
        description="Stored variants of products in the file that it does not name; they are kept."
    )
    def missing_variant_count(self) -> int:
        return self._count("missing_variant_count")

    @strawberry.field(description="The first thousand are kept.")
    def missing_variants(self, first: FirstRows = 100, skip: Skip = 0) -> list[MissingVariantType]:
        rows = _part(self.stored, first, skip, name="missing_variants")
        return [MissingVariantType(**row) for row in rows]


def _part(
    stored: Mapping[str, Any], first: int, skip: int, *, name: str = "failed_rows"
) -> list[dict[str, Any]]:
    if not 0 <= first <= MOST_ROWS:
        raise ArgumentInvalid(f"'first' must be within 0 and {MOST_ROWS}.")
    if skip < 0:
        raise ArgumentInvalid("'skip' must not be below 0.")
    rows: list[dict[str, Any]] = stored[name]
    return rows[skip : skip + first]


@strawberry.type(name="AdminProductImport", description="A product file that a worker imports.")
class ProductImportType:
    row: strawberry.Private[ProductImport]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("ProductImport", self.row.id)

    @strawberry.field
    def file_name(self) -> str:
        return self.row.file_name

    @strawberry.field
    def status(self) -> ImportStatus:
        return self.row.status

    @strawberry.field(description="Compare and report only.")
    def is_dry_run(self) -> bool:
        return self.row.is_dry_run

    @strawberry.field(description="All or nothing: one row that cannot be used, and none is.")
    def is_atomic(self) -> bool:
        return self.row.is_atomic

    @strawberry.field(description="How far the file is read.")
    def bytes_done(self) -> SafeInt:
        return SafeInt(self.row.bytes_done)

    @strawberry.field
    def bytes_total(self) -> SafeInt:
        return SafeInt(self.row.bytes_total)

    @strawberry.field(description="Once it has succeeded.")
    def report(self) -> ImportReportType | None:
        return None if self.row.report is None else ImportReportType(stored=self.row.report)

    @strawberry.field(description="Why it failed, in the language of Accept-Language.")
    def failure(self, info: Info) -> str | None:
        if self.row.failure is None:
            return None
        return imports.reason_in(info.context.locale, self.row.failure)

    @strawberry.field(description="An e-mail address or a client's name.")
    def requested_by(self) -> str:
        return self.row.requested_by

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def started_at(self) -> datetime | None:
        return self.row.started_at

    @strawberry.field
    def finished_at(self) -> datetime | None:
        return self.row.finished_at


@strawberry.type
class ImportsOfShop:
    """A part of ``AdminShop``."""

    shop: strawberry.Private[Shop]

    @strawberry.field(
        description="Imports of product files, the newest first.",
        extensions=requires(Scope.CATALOG_READ),
    )
    async def product_imports(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ProductImportType]:
        page = await imports.page_of_imports(self.shop, page_request(first, after, last, before))
        return connect(page, lambda row: ProductImportType(row=row))

    @strawberry.field(
        description="An import of a product file; null if it is not of this shop.",
        extensions=requires(Scope.CATALOG_READ),
    )
    async def product_import(self, id: strawberry.ID) -> ProductImportType | None:
        found = await imports.find_import(self.shop, id)
        return None if found is None else ProductImportType(row=found)


@strawberry.input(description="A product file to import.")
class ProductImportStartInput:
    shop_id: strawberry.ID
    file_id: strawberry.ID = strawberry.field(
        description="What `POST /uploads/product-files` answered."
    )
    is_dry_run: bool = strawberry.field(default=False, description="Compare and report only.")
    is_atomic: bool = strawberry.field(
        default=False, description="All or nothing: one row that cannot be used, and none is."
    )


@strawberry.input(description="An import to end.")
class ProductImportCancelInput:
    import_id: strawberry.ID


@strawberry.type
class ProductImportStartPayload:
    product_import: ProductImportType | None
    user_errors: list[UserError]


@strawberry.type
class ProductImportCancelPayload:
    product_import: ProductImportType | None
    user_errors: list[UserError]


@strawberry.type
class ProductImportMutation:
    @strawberry.mutation(
        description="Have an uploaded file imported. A shop has one open import; asking for the "
        "same again answers that one.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_import_start(
        self, info: Info, input: ProductImportStartInput
    ) -> ProductImportStartPayload:
        started = await imports.start(
            info.context,
            shop_id=input.shop_id,
            file_id=input.file_id,
            is_dry_run=input.is_dry_run,
            is_atomic=input.is_atomic,
        )
        row = started.value
        return ProductImportStartPayload(
            product_import=None if row is None else ProductImportType(row=row),
            user_errors=user_errors(started.refusals),
        )

    @strawberry.mutation(
        description="End an import. An atomic one leaves nothing; of another one, what is written "
        "stays.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_import_cancel(
        self, info: Info, input: ProductImportCancelInput
    ) -> ProductImportCancelPayload:
        cancelled = await imports.cancel(info.context, import_id=input.import_id)
        row = cancelled.value
        return ProductImportCancelPayload(
            product_import=None if row is None else ProductImportType(row=row),
            user_errors=user_errors(cancelled.refusals),
        )
