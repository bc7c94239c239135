"""Pictures that go: orphans are swept, unused ones deleted, and nothing that somebody has."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from headless_presale.catalog import ProductMedia
from headless_presale.kernel import clock
from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.kernel.ids import new_id
from headless_presale.media import (
    MediaAsset,
    MediaInUse,
    MediaNotFound,
    MediaStore,
    add_picture,
    delete_media,
    media_path,
    service,
    sizes_of,
    sweep_orphans,
)
from headless_presale.shops import Shop
from tests.support.pictures import jpeg, png
from tests.support.shop import make_shop, make_variant
from tests.support.uploads import make_asset, picture_of, stored_keys

NOW = timedelta(0)


async def show(asset: MediaAsset, product_id: Any) -> None:
    """Have a product show a picture."""
    await ProductMedia.create(
        id=new_id(),
        product_id=product_id,
        url=media_path(asset),
        position=0,
        asset_id=asset.id,
    )


# Between file and row


async def test_files_without_a_row_are_swept_when_they_are_old(
    shop: Shop, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an upload that died between its files and its row
    async def die(*_: object) -> None:
        raise ConnectionError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(service, "_keep_row", die)
        with pytest.raises(ConnectionError):
            await add_picture(picture_of(shop.id, jpeg()))
    kept = await add_picture(picture_of(shop.id, png()))
    orphans = len(await stored_keys(store)) - len(sizes_of(kept.asset))
    assert orphans == 3

    # Then nothing is swept while it could still be under way
    assert await sweep_orphans() == 0
    # And everything of it is when it is old, and only that
    with use_clock(ManualClock(clock.now() + service.ORPHANS_AFTER + timedelta(minutes=1))):
        assert await sweep_orphans() == orphans
        assert await sweep_orphans() == 0
    assert await stored_keys(store) == sorted(
        f"{kept.asset.sha256}/{size.name}" for size in sizes_of(kept.asset)
    )


async def test_what_is_not_ours_in_the_store_is_left_alone(shop: Shop, store: MediaStore) -> None:
    await store.put("backup/notes.txt", b"not a picture", mime="text/plain")

    assert await sweep_orphans(older_than=NOW) == 0
    assert await stored_keys(store) == ["backup/notes.txt"]


async def test_a_sweep_during_an_upload_loses_nothing(
    shop: Shop, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an earlier attempt's files, old enough to be swept, and a sweep that comes exactly
    # between the new upload's files and its row
    keep_row = service._keep_row

    async def sweep_first(*args: Any) -> Any:
        assert await sweep_orphans(older_than=NOW) == 3
        return await keep_row(*args)

    monkeypatch.setattr(service, "_keep_row", sweep_first)

    added = await add_picture(picture_of(shop.id, jpeg()))

    assert len(await stored_keys(store)) == len(sizes_of(added.asset)) == 3


async def test_control_without_the_look_under_the_lock_the_files_are_lost(
    shop: Shop, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def believe(*_: object) -> bool:
        return True

    keep_row = service._keep_row

    async def sweep_first(*args: Any) -> Any:
        await sweep_orphans(older_than=NOW)
        return await keep_row(*args)

    monkeypatch.setattr(service, "_keep_row", sweep_first)
    monkeypatch.setattr(service, "_has_files", believe)

    await add_picture(picture_of(shop.id, jpeg()))

    assert await stored_keys(store) == []


async def test_sweeps_and_uploads_at_once_lose_nothing(shop: Shop, store: MediaStore) -> None:
    contents = [png(60, 40 + n) for n in range(6)]

    async def sweep() -> None:
        for _ in range(12):
            await sweep_orphans(older_than=NOW)

    await asyncio.gather(
        sweep(), *(add_picture(picture_of(shop.id, content)) for content in contents)
    )

    wanted = {
        f"{asset.sha256}/{size.name}"
        for asset in await MediaAsset.all()
        for size in sizes_of(asset)
    }
    assert len(wanted) == 6 * 2
    assert wanted <= set(await stored_keys(store))


# Deleting


async def test_an_unused_picture_is_deleted_and_its_files_go_with_the_sweep(
    shop: Shop, store: MediaStore
) -> None:
    asset = (await add_picture(picture_of(shop.id, jpeg()))).asset

    await delete_media(frozenset({shop.id}), asset.id)

    assert await MediaAsset.all().count() == 0
    assert await sweep_orphans(older_than=NOW) == 3
    with pytest.raises(MediaNotFound):
        await delete_media(frozenset({shop.id}), asset.id)


async def test_files_stay_while_another_shop_has_the_picture(shop: Shop, store: MediaStore) -> None:
    other = await make_shop("other")
    ours = (await add_picture(picture_of(shop.id, jpeg()))).asset
    await add_picture(picture_of(other.id, jpeg()))

    await delete_media(frozenset({shop.id}), ours.id)

    assert await sweep_orphans(older_than=NOW) == 0
    assert len(await stored_keys(store)) == 3


async def test_a_picture_that_a_product_shows_stays(shop: Shop) -> None:
    asset, variant = await make_asset(shop), await make_variant(shop)
    await show(asset, variant.product_id)

    with pytest.raises(MediaInUse) as caught:
        await delete_media(frozenset({shop.id}), asset.id)

    assert caught.value.params == {"uses": 1}
    assert await MediaAsset.filter(id=asset.id).exists()


async def test_a_picture_that_is_taken_up_at_this_moment_stays(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a product that takes the picture up after it was found unused
    asset, variant = await make_asset(shop), await make_variant(shop)

    async def nobody(_: object) -> dict[Any, int]:
        return {}

    await show(asset, variant.product_id)
    monkeypatch.setattr(service, "count_uses", nobody)

    # Then the database says no, and that is what is told
    with pytest.raises(MediaInUse):
        await delete_media(frozenset({shop.id}), asset.id)
    assert await MediaAsset.filter(id=asset.id).exists()
