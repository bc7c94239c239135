"""Product files that were uploaded, kept where every worker finds them: in the database.

A file is cut into pieces, so that neither side ever holds all of it.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO
from uuid import UUID

from headless_presale.catalog.models import ProductFile
from headless_presale.catalog.states import OPEN
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

PIECE_BYTES = 256_000
MOST_FILES = 10
"""Files that a shop keeps: an eleventh takes the place of the oldest that nothing imports."""
KEPT_FOR = timedelta(days=7)
MAX_NAME_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class AddProductFile:
    """An uploaded file.

    Attributes:
        name: what it is called; for people only.
        sha256: of its bytes.
        bytes: how many they are.
        file: open for reading; read from its beginning, not closed.
    """

    shop_id: UUID
    name: str
    sha256: str
    bytes: int
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class AddedFile:
    """A shop's file, and whether it is new to the shop."""

    file: ProductFile
    is_new: bool


@shielded
async def add_product_file(command: AddProductFile) -> AddedFile:
    """Keep a file for a week. The same file again is the same one, kept for another week."""
    async with unit_of_work() as work:
        await work.lock("product-files", command.shop_id)
        now = clock.now()
        known = await ProductFile.get_or_none(shop_id=command.shop_id, sha256=command.sha256)
        if known is not None:
            known.name, known.uploaded_at = _shown(command.name), now
            await known.save(update_fields=["name", "uploaded_at"])
            return AddedFile(known, is_new=False)
        file = await ProductFile.create(
            id=new_id(),
            shop_id=command.shop_id,
            name=_shown(command.name),
            sha256=command.sha256,
            bytes=command.bytes,
            uploaded_at=now,
        )
        reach("catalog.file_named")
        command.file.seek(0)
        number = 0
        while piece := await asyncio.to_thread(command.file.read, PIECE_BYTES):
            await work.execute(
                "INSERT INTO product_file_piece (file_id, number, content) VALUES ($1, $2, $3)",
                file.id,
                number,
                piece,
            )
            reach("catalog.piece_written")
            number += 1
        await _forget_surplus(work, command.shop_id)
        await record_change(
            work,
            action="product_file.upload",
            owner_id=command.shop_id,
            subject_type="ProductFile",
            subject_id=file.id,
            subject_label=file.name,
            after={"name": file.name, "bytes": file.bytes, "sha256": file.sha256},
        )
    return AddedFile(file, is_new=True)


def _shown(name: str) -> str:
    """Return a file's name without what cannot be shown or stored, and without its folders."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable()).strip()[:MAX_NAME_LENGTH] or "products.csv"


async def _forget_surplus(work: UnitOfWork, shop_id: UUID) -> None:
    await work.execute(
        "DELETE FROM product_file f WHERE shop_id = $1 AND id NOT IN (SELECT id FROM product_file "
        "WHERE shop_id = $1 ORDER BY uploaded_at DESC, id DESC LIMIT $2) AND NOT EXISTS "
        "(SELECT 1 FROM product_import i WHERE i.upload_id = f.id AND i.status = ANY($3::text[]))",
        shop_id,
        MOST_FILES,
        list(OPEN),
    )
    reach("catalog.files_forgotten")


@shielded
async def forget_old_files() -> int:
    """Delete files that are older than a week and that nothing imports; return how many."""
    async with unit_of_work() as work:
        return await work.execute(
            "DELETE FROM product_file f WHERE uploaded_at < $1 AND NOT EXISTS (SELECT 1 "
            "FROM product_import i WHERE i.upload_id = f.id AND i.status = ANY($2::text[]))",
            clock.now() - KEPT_FOR,
            list(OPEN),
        )


async def find_file(
    work: UnitOfWork, file_id: UUID, shop_ids: Collection[UUID]
) -> ProductFile | None:
    """Return a file of these shops; it is not forgotten until this transaction ends."""
    query = ProductFile.filter(id=file_id, shop_id__in=list(shop_ids))
    return await query.select_for_update().first()


@shielded
async def _read_piece(file_id: UUID, number: int) -> bytes | None:
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "SELECT content FROM product_file_piece WHERE file_id = $1 AND number = $2",
            file_id,
            number,
        )
    return None if row is None else bytes(row["content"])


async def copy_file(file_id: UUID, to: BinaryIO) -> int:
    """Write a file to this machine's disk, piece by piece; return how many bytes there are."""
    size = number = 0
    while (piece := await _read_piece(file_id, number)) is not None:
        await asyncio.to_thread(to.write, piece)
        size += len(piece)
        number += 1
    return size
