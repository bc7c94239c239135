"""Pictures of a shop: kept once, described, foreign ones not there, whole or not at all."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.kernel.errors import InvalidInput, Unavailable, VersionConflict
from headless_presale.media import (
    MediaAsset,
    MediaDamaged,
    MediaNotFound,
    MediaStore,
    UpdateMedia,
    add_picture,
    delete_media,
    media_path,
    open_store,
    pictures,
    set_store,
    sizes_of,
    update_media,
    workshop,
)
from headless_presale.media.pictures import Picture, read_picture
from headless_presale.shops import Shop
from tests.support.pictures import jpeg, photo, png
from tests.support.servers import until
from tests.support.shop import make_shop
from tests.support.state import stored_rows
from tests.support.uploads import make_asset, picture_of, stored_keys


async def test_a_picture_is_kept_in_all_sizes(shop: Shop, store: MediaStore) -> None:
    content = photo(orientation=6, width=1_000, height=500)

    added = await add_picture(picture_of(shop.id, content))

    asset = added.asset
    assert added.is_new
    assert (asset.mime, asset.width, asset.height) == ("image/jpeg", 500, 1_000)
    assert (asset.bytes, asset.alt, asset.version) == (len(content), "", 1)
    assert [size.name for size in sizes_of(asset)] == [
        "1-320.webp",
        "1-640.webp",
        "1-1280.jpg",
        "1-1280.webp",
    ]
    assert media_path(asset) == f"/media/{asset.sha256}/1-1280.webp"
    for size in sizes_of(asset):
        kept = await store.find(f"{asset.sha256}/{size.name}")
        assert kept is not None
        assert len(kept) == size.bytes


async def test_the_same_picture_twice_is_one_asset(
    shop: Shop, store: MediaStore, database_admin: asyncpg.Connection
) -> None:
    first = await add_picture(picture_of(shop.id, jpeg()))
    before = await stored_rows(database_admin)

    again = await add_picture(picture_of(shop.id, jpeg()))

    assert (again.asset.id, again.is_new) == (first.asset.id, False)
    assert await stored_rows(database_admin) == before


async def test_six_at_once_are_one_asset(shop: Shop, store: MediaStore) -> None:
    added = await asyncio.gather(*(add_picture(picture_of(shop.id, jpeg())) for _ in range(6)))

    assert len({found.asset.id for found in added}) == 1
    assert sum(found.is_new for found in added) == 1
    assert await MediaAsset.all().count() == 1


async def test_two_shops_share_the_files_and_not_the_asset(shop: Shop, store: MediaStore) -> None:
    other = await make_shop("other")
    ours = await add_picture(picture_of(shop.id, jpeg()))
    keys = await stored_keys(store)

    theirs = await add_picture(picture_of(other.id, jpeg()))

    assert theirs.is_new
    assert theirs.asset.id != ours.asset.id
    assert await stored_keys(store) == keys


async def test_an_addition_is_in_the_log(
    shop: Shop, store: MediaStore, database_admin: asyncpg.Connection
) -> None:
    added = await add_picture(picture_of(shop.id, jpeg()))

    (row,) = await database_admin.fetch("SELECT * FROM audit_entry")
    assert (row["action"], row["owner_id"]) == ("media.add", shop.id)
    assert (row["subject_type"], row["subject_id"]) == ("MediaAsset", added.asset.id)


async def test_a_damaged_picture_leaves_nothing(
    shop: Shop, store: MediaStore, database_admin: asyncpg.Connection
) -> None:
    before = await stored_rows(database_admin)

    with pytest.raises(MediaDamaged):
        await add_picture(picture_of(shop.id, jpeg(1_000, 1_000)[:4_000]))

    assert await stored_rows(database_admin) == before
    assert await stored_keys(store) == []


async def test_files_that_were_lost_come_back_with_the_next_upload(
    shop: Shop, store: MediaStore
) -> None:
    added = await add_picture(picture_of(shop.id, jpeg()))
    keys = await stored_keys(store)
    await store.delete(keys[0])

    again = await add_picture(picture_of(shop.id, jpeg()))

    assert (again.asset.id, again.is_new) == (added.asset.id, False)
    assert await stored_keys(store) == keys


# Texts


async def test_a_picture_is_described_in_several_languages(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    asset = await make_asset(shop)
    own = frozenset({shop.id})

    first = await update_media(
        UpdateMedia(
            shop_ids=own,
            media_id=asset.id,
            version=1,
            alt=" A fox ",
            translations={"zh-cn": "狐狸", "fr": "Un renard"},
        )
    )
    second = await update_media(
        UpdateMedia(shop_ids=own, media_id=asset.id, version=2, translations={"fr": ""})
    )
    same = await update_media(UpdateMedia(shop_ids=own, media_id=asset.id, version=3, alt="A fox"))

    assert (first.alt, first.translations) == (
        "A fox",
        {"zh-CN": {"alt": "狐狸"}, "fr": {"alt": "Un renard"}},
    )
    assert (second.alt, second.translations, second.version) == (
        "A fox",
        {"zh-CN": {"alt": "狐狸"}},
        3,
    )
    assert same.version == 3
    assert await database_admin.fetchval("SELECT count(*) FROM audit_entry") == 2


async def test_of_two_descriptions_at_once_one_is_kept(shop: Shop) -> None:
    asset = await make_asset(shop)
    command = [
        UpdateMedia(
            shop_ids=frozenset({shop.id}), media_id=asset.id, version=1, alt=f"Description {n}"
        )
        for n in range(5)
    ]

    results = await asyncio.gather(*map(update_media, command), return_exceptions=True)

    assert sum(isinstance(result, VersionConflict) for result in results) == 5 - 1
    await asset.refresh_from_db()
    assert asset.version == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"alt": "x" * 513}, ("alt",)),
        ({"alt": "a\u0000b"}, ("alt",)),
        ({"translations": {"!": "x"}}, ("translations", "!")),
        ({"translations": {"fr": "x\ny"}}, ("translations", "fr", "alt")),
        ({"translations": {f"x-{n}": "x" for n in range(41)}}, ("translations",)),
    ],
)
async def test_descriptions_that_cannot_be(
    shop: Shop, changes: dict[str, Any], field: tuple[str, ...]
) -> None:
    asset = await make_asset(shop)

    with pytest.raises(InvalidInput) as caught:
        await update_media(
            UpdateMedia(shop_ids=frozenset({shop.id}), media_id=asset.id, version=1, **changes)
        )

    assert caught.value.field == field
    await asset.refresh_from_db()
    assert (asset.version, asset.alt) == (1, "")


async def test_a_picture_of_somebody_else_is_not_there(shop: Shop) -> None:
    theirs = await make_asset(await make_shop("other"))
    own = frozenset({shop.id})

    for media_id in (theirs.id, uuid4()):
        with pytest.raises(MediaNotFound):
            await update_media(UpdateMedia(shop_ids=own, media_id=media_id, version=1, alt="mine"))
        with pytest.raises(MediaNotFound):
            await delete_media(own, media_id)
    assert await MediaAsset.filter(id=theirs.id, alt="").exists()


# The workshop and the store


class Held:
    """The workshop with its door open and its work held up: a picture waits until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.threads: list[str] = []

    def read(self, file: BinaryIO) -> Picture:
        self.threads.append(threading.current_thread().name)
        assert self.let_go.wait(60)
        return read_picture(file)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    work = Held()
    monkeypatch.setattr(pictures, "read_picture", work.read)
    yield work
    work.let_go.set()


async def test_the_loop_lives_while_pictures_are_made(
    shop: Shop, store: MediaStore, held: Held
) -> None:
    contents = [jpeg(90, 60 + n) for n in range(workshop.THREADS)]
    making = [asyncio.create_task(add_picture(picture_of(shop.id, one))) for one in contents]
    await until(lambda: len(held.threads) == workshop.THREADS)

    # Everybody else is served.
    assert await MediaAsset.all().count() == 0

    held.let_go.set()
    assert all(added.is_new for added in await asyncio.gather(*making))
    assert {name.partition("_")[0] for name in held.threads} == {"pictures"}


async def test_a_full_workshop_asks_to_come_again(
    shop: Shop, store: MediaStore, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop, "MAX_WAITING", 0)
    contents = [jpeg(90, 60 + n) for n in range(5)]
    making = [asyncio.create_task(add_picture(picture_of(shop.id, one))) for one in contents]
    refused = 5 - workshop.THREADS
    await until(lambda: sum(task.done() for task in making) == refused)

    held.let_go.set()
    results = await asyncio.gather(*making, return_exceptions=True)

    assert sum(isinstance(result, Unavailable) for result in results) == refused
    # And there is room again afterwards.
    assert (await add_picture(picture_of(shop.id, png()))).is_new


async def test_a_caller_who_goes_away_leaves_the_workshop_in_order(
    shop: Shop, store: MediaStore, held: Held
) -> None:
    going = asyncio.create_task(add_picture(picture_of(shop.id, jpeg(90, 60))))
    await until(lambda: len(held.threads) == 1)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going

    assert workshop._inside == 1
    held.let_go.set()
    assert (await add_picture(picture_of(shop.id, png()))).is_new
    await until(lambda: workshop._inside == 0)
    assert await MediaAsset.all().count() == 1


async def test_a_store_that_is_away_is_unavailable_and_leaves_no_row(
    shop: Shop, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    folder = tmp_path / "media"
    set_store(open_store(None, folder))
    folder.rmdir()
    folder.write_text("a file where the folder was")
    before = await stored_rows(database_admin)

    with pytest.raises(Unavailable):
        await add_picture(picture_of(shop.id, jpeg()))

    assert await stored_rows(database_admin) == before
    set_store(None)


def test_a_store_is_a_bucket_or_a_folder(tmp_path: Path) -> None:
    for url in ("http://elsewhere/", "file:///etc", "ftp://x"):
        with pytest.raises(ValueError, match="must begin with s3://"):
            open_store(url, tmp_path)
