"""What one can do with a shop's pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

import asyncpg

from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.locales import check_languages, read_locale
from headless_presale.kernel.texts import read_description
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.kernel.versions import check_version
from headless_presale.media.errors import MediaInUse, MediaNotFound
from headless_presale.media.models import MediaAsset
from headless_presale.media.rules import WEBP, StoredSize, content_of, key_of, path_of
from headless_presale.media.store import get_store
from headless_presale.media.workshop import in_workshop

if TYPE_CHECKING:
    from headless_presale.media.pictures import Picture

CONTENT_LOCK = "media_content"
"""What an upload and the sweep lock of a picture, by its digest, whichever shops have it."""
MAX_ALT_LENGTH = 512
ORPHANS_AFTER = timedelta(hours=2)
"""Files of a picture without a row are removed when they are older: an upload may be under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPicture:
    """An uploaded file.

    Attributes:
        sha256: of its bytes.
        bytes: how many they are.
        file: open for reading; read from its beginning, not closed.
    """

    shop_id: UUID
    sha256: str
    bytes: int
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class Added:
    """A shop's picture, and whether it is new to the shop."""

    asset: MediaAsset
    is_new: bool


async def add_picture(command: AddPicture) -> Added:
    """Make all sizes of a picture and keep them. The same picture twice is one asset.

    The files come first and the row second: a row's files are always there. Whoever dies between
    them leaves files without a row, which :func:`sweep_orphans` removes. Uploading a picture whose
    files were lost brings them back.

    Raises:
        MediaNotPicture, MediaTooManyPixels, MediaAnimated, MediaDamaged: see ``read_picture``.
        Unavailable: too many pictures are in the works, or the store does not answer.
    """
    known = await _find_asset(command.shop_id, command.sha256)
    if known is not None and await _has_files(known.sha256, sizes_of(known)):
        return Added(known, is_new=False)
    command.file.seek(0)
    # With Pillow, which only those load who are sent pictures.
    from headless_presale.media.pictures import read_picture

    picture = await in_workshop(partial(read_picture, command.file))
    await _keep_files(command.sha256, picture)
    reach("media.files_kept")
    return await _keep_row(command, picture)


@shielded
async def _find_asset(shop_id: UUID, sha256: str) -> MediaAsset | None:
    async with unit_of_work():
        return await MediaAsset.get_or_none(shop_id=shop_id, sha256=sha256)


async def _keep_files(sha256: str, picture: "Picture") -> None:
    store = get_store()
    for made in picture.files:
        await store.put(key_of(sha256, made.size.name), made.content, mime=made.size.mime)


async def _has_files(sha256: str, sizes: Sequence[StoredSize]) -> bool:
    store = get_store()
    for size in sizes:
        if await store.find_details(key_of(sha256, size.name)) is None:
            return False
    return True


@shielded
async def _keep_row(command: AddPicture, picture: "Picture") -> Added:
    sizes = [made.size for made in picture.files]
    sizes.sort(key=lambda size: (size.width * size.height, size.mime))
    async with unit_of_work() as work:
        await work.lock(CONTENT_LOCK, command.sha256)
        if not await _has_files(command.sha256, sizes):
            # The sweep took them for orphans of an earlier attempt; it waits for the lock now.
            await _keep_files(command.sha256, picture)
        row = await work.fetchrow(
            "INSERT INTO media_asset (id, shop_id, sha256, mime, width, height, sizes, bytes, "
            "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9) "
            "ON CONFLICT (shop_id, sha256) DO NOTHING RETURNING id",
            new_id(),
            command.shop_id,
            command.sha256,
            picture.mime,
            picture.width,
            picture.height,
            to_jsonb([size.to_json() for size in sizes]),
            command.bytes,
            clock.now(),
        )
        asset = await MediaAsset.get(shop_id=command.shop_id, sha256=command.sha256)
        if row is not None:
            reach("media.row_written")
            await record_change(
                work,
                action="media.add",
                owner_id=command.shop_id,
                subject_type="MediaAsset",
                subject_id=asset.id,
                subject_label=_label(asset),
                after={"mime": asset.mime, "width": asset.width, "height": asset.height},
            )
    return Added(asset, is_new=row is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMedia:
    """New texts for a picture; None leaves them as they are.

    Attributes:
        alt: what it shows, for those who cannot see it; in the shop's own language.
        translations: locale -> the same in that language; an empty text removes the language,
            one that is not named stays.
        version: what the caller read.
    """

    shop_ids: frozenset[UUID]
    media_id: UUID
    version: int
    alt: str | None = None
    translations: Mapping[str, str] = field(default_factory=dict)


@shielded
async def update_media(command: UpdateMedia) -> MediaAsset:
    """Say what a picture shows. What is equal already changes nothing.

    Raises:
        MediaNotFound: none of these shops has it.
        InvalidInput: a text or a language cannot be used; ``field`` names it.
        VersionConflict: somebody was faster; with both values.
    """
    wanted = {} if command.alt is None else {"alt": _read_alt(command.alt, ("alt",))}
    named = _read_translations(command.translations)
    async with unit_of_work() as work:
        asset = await _lock_asset(command.shop_ids, command.media_id)
        texts = {**asset.translations, **{locale: {"alt": text} for locale, text in named.items()}}
        texts = {locale: found for locale, found in texts.items() if found["alt"]}
        check_languages(texts, ("translations",))
        after = {"alt": asset.alt, **wanted, "translations": texts}
        before = {"alt": asset.alt, "translations": asset.translations}
        check_version(expected=command.version, current=asset.version, yours=after, stored=before)
        if after == before:
            return asset
        asset.alt, asset.translations = str(after["alt"]), texts
        asset.version += 1
        await asset.save(update_fields=["alt", "translations", "version"])
        await record_change(
            work,
            action="media.update",
            owner_id=asset.shop_id,
            subject_type="MediaAsset",
            subject_id=asset.id,
            subject_label=_label(asset),
            before=before,
            after=after,
        )
    return asset


@shielded
async def delete_media(shop_ids: frozenset[UUID], media_id: UUID) -> None:
    """Take a picture out of its shop. Its files go with the next sweep, unless another shop has
    the same picture.

    Raises:
        MediaNotFound: none of these shops has it; also when it was deleted before.
        MediaInUse: products show it.
    """
    async with unit_of_work() as work:
        asset = await _lock_asset(shop_ids, media_id)
        uses = (await count_uses([asset.id])).get(asset.id, 0)
        if uses:
            raise MediaInUse(uses=uses)
        try:
            async with work.connection.transaction():
                await work.execute("DELETE FROM media_asset WHERE id = $1", asset.id)
        except asyncpg.IntegrityConstraintViolationError:
            # A product took it up in this moment.
            raise MediaInUse(uses=1) from None
        await record_change(
            work,
            action="media.delete",
            owner_id=asset.shop_id,
            subject_type="MediaAsset",
            subject_id=asset.id,
            subject_label=_label(asset),
            before={"mime": asset.mime, "width": asset.width, "height": asset.height},
        )


@shielded
async def count_uses(media_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return by how many products each picture is shown; those by none are left out."""
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT asset_id, count(*) AS uses FROM product_media WHERE asset_id = ANY($1) "
            "GROUP BY asset_id",
            list(media_ids),
        )
    return {row["asset_id"]: row["uses"] for row in rows}


async def sweep_orphans(*, older_than: timedelta = ORPHANS_AFTER) -> int:
    """Remove the files of pictures that no shop has; return how many files. Safe to repeat."""
    removed = 0
    async for files in get_store().list_files():
        contents = {found for file in files if (found := content_of(file.key)) is not None}
        kept = await _known_contents(sorted(contents))
        for sha256 in sorted(contents - kept):
            removed += await _remove_orphan(sha256, older_than)
    return removed


@shielded
async def _known_contents(contents: list[str]) -> set[str]:
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT DISTINCT sha256 FROM media_asset WHERE sha256 = ANY($1)", contents
        )
    return {row["sha256"] for row in rows}


@shielded
async def _remove_orphan(sha256: str, older_than: timedelta) -> int:
    removed = 0
    async with unit_of_work() as work:
        # Whoever writes the row of this picture holds the lock, and looks for its files under it.
        await work.lock(CONTENT_LOCK, sha256)
        if await work.fetchrow("SELECT 1 FROM media_asset WHERE sha256 = $1", sha256):
            return 0
        store = get_store()
        async for files in store.list_files(f"{sha256}/"):
            for file in files:
                if clock.now() - file.modified_at >= older_than:
                    await store.delete(file.key)
                    removed += 1
    return removed


def sizes_of(asset: MediaAsset) -> list[StoredSize]:
    """Return the files of a picture, the smallest first."""
    return [StoredSize.from_json(stored) for stored in asset.sizes]


def media_path(asset: MediaAsset) -> str:
    """Return the path at which a picture's largest size is served; see ``ProductMedia.url``."""
    largest = [size for size in sizes_of(asset) if size.mime == WEBP][-1]
    return path_of(asset.sha256, largest.name)


async def _lock_asset(shop_ids: frozenset[UUID], media_id: UUID) -> MediaAsset:
    asset = (
        await MediaAsset.filter(id=media_id, shop_id__in=list(shop_ids)).select_for_update().first()
    )
    if asset is None:
        raise MediaNotFound(field=("media_id",))
    return asset


_read_alt = partial(read_description, longest=MAX_ALT_LENGTH)


def _read_translations(texts: Mapping[str, str]) -> dict[str, str]:
    read: dict[str, str] = {}
    for locale, text in texts.items():
        at = ("translations", locale)
        language = read_locale(locale, at)
        read[language] = _read_alt(text, (*at, "alt"))
    return read


def _label(asset: MediaAsset) -> str:
    """Return how people tell a picture from others: what it shows, else how its content begins."""
    return asset.alt or asset.sha256[:12]
