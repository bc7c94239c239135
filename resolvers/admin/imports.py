"""Imports of product files, as their merchant starts, follows and ends them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from headless_presale.catalog import (
    ProductImport,
    StartImport,
    cancel_import,
    start_import,
)
from headless_presale.shops import Shop
from resolvers.access import read_shop_id
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_argument_id, read_input_id
from resolvers.import_reasons import IMPORT_REASONS
from resolvers.paging import CursorCodec, Page, PageRequest, page_by_id

IMPORT_CURSORS: CursorCodec[UUID] = CursorCodec("product-imports", str, UUID)


@reads
async def page_of_imports(shop: Shop, request: PageRequest) -> Page[ProductImport]:
    """Return a shop's imports, the newest first."""
    rows = ProductImport.filter(shop_id=shop.id)
    return await page_by_id(rows, request, cursors=IMPORT_CURSORS)


@reads
async def find_import(shop: Shop, import_id: str) -> ProductImport | None:
    """Return an import of a shop; None if the shop has none of this id.

    Raises:
        ArgumentInvalid: ``ID_INVALID``.
    """
    uuid = read_argument_id(import_id, "ProductImport")
    return await ProductImport.get_or_none(id=uuid, shop_id=shop.id)


async def start(
    context: RequestContext, *, shop_id: str, file_id: str, is_dry_run: bool, is_atomic: bool
) -> Answer[ProductImport]:
    """Ask for an uploaded file to be imported."""

    async def run() -> ProductImport:
        command = StartImport(
            shop_id=read_shop_id(context, shop_id),
            file_id=read_input_id(file_id, "ProductFile", ("fileId",)),
            requested_by=context.principal.label,
            is_dry_run=is_dry_run,
            is_atomic=is_atomic,
        )
        return await start_import(command)

    return await told(context, run)


async def cancel(context: RequestContext, *, import_id: str) -> Answer[ProductImport]:
    """End an import that is open."""

    async def run() -> ProductImport:
        uuid = read_input_id(import_id, "ProductImport", ("importId",))
        return await cancel_import(context.principal.shop_ids, uuid)

    return await told(context, run)


def reason_in(locale: str, stored: Mapping[str, Any]) -> str:
    """Return a reason of a report, or why there is none, in a language.

    Args:
        stored: ``template`` and ``params``.
    """
    template: str = stored["template"]
    said = IMPORT_REASONS.get(template, template) if locale == "zh-CN" else template
    return said.format(**stored["params"]) if stored["params"] else said
