"""The pictures of a house, and what their mutations are asked with."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.support.uploads import make_asset

if TYPE_CHECKING:
    from tests.graphql.admin.tenancy.world import House

Example = Callable[["House"], dict[str, Any]]


async def furnish(shop: Shop, mark: str) -> dict[str, str]:
    """Give a house a picture that nothing shows."""
    asset = await make_asset(shop, alt=f"Picture of {mark}")
    return {"media asset": seal("MediaAsset", asset.id)}


MUTATIONS: Mapping[str, tuple[Example, ...]] = {
    "mediaUpdate": (
        lambda house: {
            "mediaId": house.ids["media asset"],
            "version": 1,
            "alt": "A cup",
            "translations": [{"locale": "zh-CN", "alt": "杯子"}],
        },
    ),
    "mediaDelete": (lambda house: {"mediaId": house.ids["media asset"]},),
}
