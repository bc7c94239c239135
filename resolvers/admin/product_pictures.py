"""Pictures that products are to show: uploaded here, or lying elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from headless_presale.catalog import NewMedia
from headless_presale.kernel.errors import InvalidInput
from headless_presale.media import MediaAsset, MediaNotFound, media_path
from resolvers.context import RequestContext
from resolvers.global_ids import read_input_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureWish:
    """A picture as an input names it; ``alt`` None takes what is said of an uploaded one."""

    url: str | None
    asset_id: str | None
    alt: str | None


async def read_pictures(context: RequestContext, wishes: Sequence[PictureWish]) -> list[NewMedia]:
    """Return pictures as the catalogue takes them.

    Raises:
        InvalidInput: one is named in both ways or in none; ``field`` names it.
        MediaNotFound: none of the caller's shops has an asset.
    """
    ids = [_asset_id(wish, number) for number, wish in enumerate(wishes)]
    assets: dict[UUID, MediaAsset] = {}
    if any(ids):
        rows = MediaAsset.filter(
            id__in=[asset_id for asset_id in ids if asset_id is not None],
            shop_id__in=list(context.principal.shop_ids),
        )
        assets = {asset.id: asset for asset in await rows}
    return [
        _new_media(wish, number, asset_id, assets)
        for number, (wish, asset_id) in enumerate(zip(wishes, ids, strict=True))
    ]


def _asset_id(wish: PictureWish, number: int) -> UUID | None:
    if (wish.url is None) == (wish.asset_id is None):
        raise InvalidInput(
            reason="give either the address of a picture or an asset", field=("media", str(number))
        )
    if wish.asset_id is None:
        return None
    return read_input_id(wish.asset_id, "MediaAsset", ("media", str(number), "assetId"))


def _new_media(
    wish: PictureWish, number: int, asset_id: UUID | None, assets: dict[UUID, MediaAsset]
) -> NewMedia:
    if asset_id is None:
        return NewMedia(url=wish.url or "", alt=wish.alt or "")
    asset = assets.get(asset_id)
    if asset is None:
        raise MediaNotFound(field=("media", str(number), "assetId"))
    alt = asset.alt if wish.alt is None else wish.alt
    return NewMedia(url=media_path(asset), alt=alt, asset_id=asset.id)
