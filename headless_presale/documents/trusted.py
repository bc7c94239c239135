"""What one can do with the documents of a shop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from headless_presale.documents.errors import DocumentNotFound, TooManyDocuments
from headless_presale.documents.manifests import ManifestDocument
from headless_presale.documents.models import TrustedDocument
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.shops import Shop, ShopNotFound

MAX_DOCUMENTS = 2_000
"""Of one shop: a storefront has hundreds at most, and each process keeps all their hashes."""


@dataclass(frozen=True, slots=True)
class BoundShop:
    """A shop that answers registered documents alone.

    ``version`` rises with each change of them.
    """

    merchant_id: UUID
    version: int


@shielded
async def register_documents(shop_id: UUID, documents: Sequence[ManifestDocument]) -> int:
    """Register documents of a shop; return how many of them are new. Safe to repeat.

    Raises:
        ShopNotFound: there is no such shop.
        TooManyDocuments: it would have more than it may; none of them is registered.
    """
    async with unit_of_work() as work:
        shop = await _lock_shop(shop_id)
        known = {row.digest async for row in TrustedDocument.filter(shop_id=shop_id).only("digest")}
        new = [document for document in documents if document.digest not in known]
        if len(known) + len(new) > MAX_DOCUMENTS:
            raise TooManyDocuments(MAX_DOCUMENTS)
        if not new:
            return 0
        at = clock.now()
        await TrustedDocument.bulk_create(
            [
                TrustedDocument(
                    id=new_id(),
                    shop_id=shop_id,
                    digest=document.digest,
                    name=document.name,
                    text=document.text,
                    created_at=at,
                )
                for document in new
            ]
        )
        await _note(work, shop, "shop.documents_import", before={}, after={"count": len(new)})
    return len(new)


@shielded
async def remove_document(shop_id: UUID, digest: str) -> None:
    """Take a document of a shop out of the register.

    Raises:
        ShopNotFound: there is no such shop.
        DocumentNotFound: it has no such document.
    """
    async with unit_of_work() as work:
        shop = await _lock_shop(shop_id)
        document = await TrustedDocument.get_or_none(shop_id=shop_id, digest=digest)
        if document is None:
            raise DocumentNotFound(digest)
        await document.delete()
        before = {"digest": digest, "name": document.name}
        await _note(work, shop, "shop.document_remove", before=before, after={})


async def list_documents(shop_id: UUID) -> list[TrustedDocument]:
    """Return the documents of a shop by name, without their texts."""
    rows = TrustedDocument.filter(shop_id=shop_id).order_by("name", "digest")
    return await rows.only("id", "digest", "name", "created_at")


@shielded
async def list_bound_shops() -> Mapping[UUID, BoundShop]:
    """Return the shops that answer registered documents alone."""
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT id, merchant_id, documents_version FROM shop WHERE trusted_documents_only"
        )
    return {row["id"]: BoundShop(row["merchant_id"], row["documents_version"]) for row in rows}


@shielded
async def list_digests(shop_id: UUID) -> frozenset[str]:
    """Return the hashes of a shop's documents."""
    async with unit_of_work() as work:
        rows = await work.fetch("SELECT digest FROM trusted_document WHERE shop_id = $1", shop_id)
    return frozenset(row["digest"] for row in rows)


@shielded
async def find_text(digest: str) -> str | None:
    """Return the text of a document that some shop has registered, or None."""
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "SELECT text FROM trusted_document WHERE digest = $1 LIMIT 1", digest
        )
    return None if row is None else str(row["text"])


async def _lock_shop(shop_id: UUID) -> Shop:
    shop = await Shop.select_for_update().get_or_none(id=shop_id)
    if shop is None:
        raise ShopNotFound(shop=shop_id)
    return shop


async def _note(
    work: UnitOfWork,
    shop: Shop,
    action: str,
    *,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    """Have other processes read the register anew, and the log tell of it."""
    shop.documents_version += 1
    await shop.save(update_fields=["documents_version"])
    await record_change(
        work,
        action=action,
        owner_id=shop.id,
        subject_type="Shop",
        subject_id=shop.id,
        subject_label=shop.slug,
        before=before,
        after=after,
    )
