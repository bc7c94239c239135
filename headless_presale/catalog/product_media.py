"""What a merchant does with a product's pictures: add, describe, order, remove."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headless_presale.catalog.editing import begin_edit, product_edit, product_of
from headless_presale.catalog.errors import MediaExists, ProductMediaNotFound
from headless_presale.catalog.inputs import read_alt, read_url
from headless_presale.catalog.models import Product
from headless_presale.catalog.product_plan import ProductPlan, StoredRow
from headless_presale.catalog.rules import MAX_MEDIA
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMedia:
    """A picture to show: one that lies elsewhere, by its address; or one that was uploaded to the
    product's shop, by its asset and the path at which that is served."""

    url: str
    alt: str = ""
    asset_id: UUID | None = None


@shielded
async def add_media(
    shop_ids: Collection[UUID], product_id: UUID, media: Sequence[NewMedia], *, version: int
) -> Product:
    """Show more pictures of a product, behind the others.

    Raises:
        ProductNotFound, VersionConflict: not there, or not as it was read.
        InvalidInput: a picture cannot be used, or there are too many; ``field`` names it.
        MediaExists: the product shows it already.
    """
    async with product_edit(shop_ids, product_id) as edit:
        edit.check(version, yours={}, stored={})
        before = _told(edit.stored.media.values())
        plan_new_media(edit.plan, media, list(edit.stored.media.values()))
        await keep_assets(edit.work, edit.shop_id, media)
        after = [*before, *(row["url"] for row in edit.plan.media.inserts)]
        return await edit.save(
            "product.media_add", before={"media": before}, after={"media": after}
        )


@shielded
async def update_media(
    shop_ids: Collection[UUID], media_id: UUID, *, alt: str, version: int
) -> Product:
    """Say what a picture shows.

    Raises:
        ProductMediaNotFound, VersionConflict: not there, or its product is not as it was read.
        InvalidInput: the text cannot be used.
    """
    text = read_alt(alt, ("alt",))
    async with unit_of_work() as work:
        product_id = await product_of(work, "product_media", media_id, shop_ids)
        if product_id is None:
            raise ProductMediaNotFound(field=("mediaId",))
        edit = await begin_edit(work, shop_ids, product_id)
        row = edit.medium(media_id, ("mediaId",))
        before = {"alt": row.values["alt"]}
        edit.check(version, yours={"alt": text}, stored=before)
        edit.plan.media.patch(row, {"alt": text})
        return await edit.save(
            "product.media_update",
            before=before,
            after={"alt": text},
            subject=("ProductMedia", row.id, row.values["url"]),
        )


@shielded
async def reorder_media(
    shop_ids: Collection[UUID], product_id: UUID, media_ids: Sequence[UUID], *, version: int
) -> Product:
    """Show a product's pictures in this order; those that are not named follow as they are.

    Raises:
        ProductNotFound, ProductMediaNotFound, VersionConflict: not there, or not as it was read.
        InvalidInput: one is named twice.
    """
    if len(set(media_ids)) != len(media_ids):
        raise InvalidInput(reason="one of them is named twice", field=("mediaIds",))
    async with product_edit(shop_ids, product_id) as edit:
        rows = list(edit.stored.media.values())
        named = [
            edit.medium(media_id, ("mediaIds", str(number)))
            for number, media_id in enumerate(media_ids)
        ]
        order = named + [row for row in rows if row.id not in media_ids]
        before, after = {"media": _told(rows)}, {"media": _told(order)}
        edit.check(version, yours=after, stored=before)
        if rows != order:
            for position, row in enumerate(order, start=1):
                edit.plan.media.patch(row, {"position": position})
        return await edit.save("product.media_reorder", before=before, after=after)


@shielded
async def remove_media(
    shop_ids: Collection[UUID], product_id: UUID, media_ids: Sequence[UUID], *, version: int
) -> Product:
    """Show these pictures no longer; variants that showed one show none.

    Raises:
        ProductNotFound, ProductMediaNotFound, VersionConflict: not there, or not as it was read.
    """
    async with product_edit(shop_ids, product_id) as edit:
        edit.check(version, yours={}, stored={})
        rows = list(edit.stored.media.values())
        gone = {
            edit.medium(media_id, ("mediaIds", str(number))).id
            for number, media_id in enumerate(media_ids)
        }
        edit.plan.stale_media += gone
        return await edit.save(
            "product.media_remove",
            before={"media": _told(rows)},
            after={"media": _told(row for row in rows if row.id not in gone)},
        )


def plan_new_media(
    plan: ProductPlan, media: Sequence[NewMedia], stored: Sequence[StoredRow]
) -> None:
    """Plan to show pictures behind those that are stored.

    Raises:
        InvalidInput, MediaExists: see :func:`add_media`.
    """
    if len(stored) + len(media) > MAX_MEDIA:
        raise InvalidInput(
            reason="a product has at most {most} pictures", most=MAX_MEDIA, field=("media",)
        )
    known = {row.values["url"] for row in stored}
    position = max((row.values["position"] for row in stored), default=0)
    for number, draft in enumerate(media):
        at = ("media", str(number))
        url = draft.url if draft.asset_id is not None else read_url(draft.url, (*at, "url"))
        if url in known:
            raise MediaExists(field=(*at, "url"), url=url)
        known.add(url)
        plan.media.inserts.append(
            {
                "id": new_id(),
                "product_id": plan.product_id,
                "url": url,
                "asset_id": draft.asset_id,
                "alt": read_alt(draft.alt, (*at, "alt")),
                "position": position + number + 1,
            }
        )


async def keep_assets(work: UnitOfWork, shop_id: UUID, media: Sequence[NewMedia]) -> None:
    """Hold uploaded pictures in place until they are shown: nobody deletes them meanwhile.

    Raises:
        InvalidInput: the shop has not, or no longer, one of them.
    """
    wanted = {draft.asset_id for draft in media if draft.asset_id is not None}
    if not wanted:
        return
    rows = await work.fetch(
        "SELECT id FROM media_asset WHERE shop_id = $1 AND id = ANY($2::uuid[]) FOR KEY SHARE",
        shop_id,
        list(wanted),
    )
    held = {row["id"] for row in rows}
    for number, draft in enumerate(media):
        if draft.asset_id is not None and draft.asset_id not in held:
            raise InvalidInput(
                reason="the picture is not one of this shop",
                field=("media", str(number), "assetId"),
            )


def _told(rows: Any) -> list[str]:
    return [row.values["url"] for row in rows]
