"""Uploading a picture, and dying at it: one row whose files are all there."""

from uuid import UUID

from headless_presale.media import MediaAsset, add_picture, get_store, key_of, sizes_of
from tests.failpoints.world import Scenario, World
from tests.support.pictures import jpeg
from tests.support.uploads import picture_of

File = tuple[UUID, bytes]
"""A shop and what is uploaded to it."""


async def _a_picture(world: World) -> File:
    return world.sale.shop.id, jpeg()


async def _upload(file: File) -> None:
    await add_picture(picture_of(*file))


async def _is_kept_once(world: World, file: File) -> None:
    asset = await MediaAsset.get(shop_id=file[0])
    for size in sizes_of(asset):
        content = await get_store().find(key_of(asset.sha256, size.name))
        assert content is not None
        assert len(content) == size.bytes
    assert await world.count("SELECT count(*) FROM audit_entry WHERE action = 'media.add'") == 1


SCENARIOS = [Scenario("uploading a picture", _a_picture, _upload, _is_kept_once)]
