"""A shop's pictures."""

from dataclasses import dataclass
from uuid import UUID

from headless_presale.media import (
    MediaAsset,
    UpdateMedia,
    delete_media,
    media_path,
    update_media,
)
from headless_presale.shops import Shop
from resolvers.addresses import address_of
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_input_id
from resolvers.language_lists import Texts, by_language, in_list
from resolvers.paging import CursorCodec, Page, PageRequest, page_by_id

MEDIA_CURSORS: CursorCodec[UUID] = CursorCodec("media", str, UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaForm:
    """What a client of the API says of a picture; None leaves it as it is."""

    alt: str | None
    translations: Texts | None


@reads
async def page_of_media(shop: Shop, request: PageRequest) -> Page[MediaAsset]:
    """Return a shop's pictures, the newest first."""
    return await page_by_id(MediaAsset.filter(shop_id=shop.id), request, cursors=MEDIA_CURSORS)


def url_of(context: RequestContext, asset: MediaAsset) -> str:
    """Return the address of a picture's largest size."""
    return address_of(context, media_path(asset))


async def change(
    context: RequestContext, *, media_id: str, version: int, form: MediaForm
) -> Answer[MediaAsset]:
    """Say what a picture shows."""
    shop_ids = context.principal.shop_ids

    async def run() -> MediaAsset:
        named = by_language(form.translations or ())
        command = UpdateMedia(
            shop_ids=shop_ids,
            media_id=_media_id(media_id),
            version=version,
            alt=form.alt,
            translations={locale: text or "" for locale, text in named.items()},
        )
        return await update_media(command)

    return in_list(await told(context, run), form.translations)


async def delete(context: RequestContext, *, media_id: str) -> Answer[str]:
    """Take a picture out of its shop; return the id it had."""
    shop_ids = context.principal.shop_ids

    async def run() -> str:
        await delete_media(shop_ids, _media_id(media_id))
        return media_id

    return await told(context, run)


def _media_id(text: str) -> UUID:
    return read_input_id(text, "MediaAsset", ("media_id",))
