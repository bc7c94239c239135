"""What one can do with shops."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.locales import negotiate, pick, read_locale
from headless_presale.kernel.money import currency_exponent
from headless_presale.kernel.texts import read_name
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.versions import check_version
from headless_presale.shops.errors import ShopNotFound, ShopSlugTaken
from headless_presale.shops.models import Merchant, Shop

MAX_SLUG_LENGTH = 60
MAX_NAME_LENGTH = 120
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateShop:
    """A shop to open.

    Attributes:
        slug: its address: lower-case letters, digits and single hyphens, at most 60.
        currency: ISO 4217 code that its catalogue is priced in.
        default_locale: language of the texts that have no translation.
        translations: locale -> ``name`` -> text.
        merchant_id: whose it becomes; None makes a merchant of the shop's name.
    """

    slug: str
    name: str
    currency: str
    default_locale: str = "en"
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    merchant_id: UUID | None = None


@shielded
async def create_shop(command: CreateShop) -> Shop:
    """Open a shop.

    Raises:
        InvalidInput: a field cannot be used; ``field`` names it.
        ShopSlugTaken: the slug is in use.
    """
    shop = _new_shop(command)
    async with unit_of_work() as work:
        if not await _insert(work, shop):
            raise ShopSlugTaken(field=("slug",), slug=command.slug)
        await record_change(
            work,
            action="shop.create",
            owner_id=shop.merchant_id,
            subject_type="Shop",
            subject_id=shop.id,
            subject_label=shop.name,
            after={"slug": shop.slug, "name": shop.name, "currency": shop.currency},
        )
    return shop


@shielded
async def ensure_shop(command: CreateShop) -> Shop:
    """Open a shop, or return the one that has this slug, as it is. Safe to repeat and to race.

    Raises:
        InvalidInput: a field cannot be used; ``field`` names it.
    """
    shop = _new_shop(command)
    async with unit_of_work() as work:
        if await _insert(work, shop):
            return shop
        return await Shop.get(slug=command.slug)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameMerchant:
    """A new name for a merchant; ``version`` is what the caller read."""

    merchant_id: UUID
    name: str
    version: int


@shielded
async def rename_merchant(command: RenameMerchant) -> Merchant:
    """Give a merchant another name.

    Raises:
        InvalidInput: the name cannot be used.
        VersionConflict: somebody was faster; with both names.
    """
    name = read_name(command.name, ("name",), longest=MAX_NAME_LENGTH)
    async with unit_of_work() as work:
        merchant = await Merchant.filter(id=command.merchant_id).select_for_update().get()
        check_version(
            expected=command.version,
            current=merchant.version,
            yours={"name": name},
            stored={"name": merchant.name},
        )
        before = {"name": merchant.name}
        merchant.name = name
        merchant.version += 1
        await merchant.save()
        await record_change(
            work,
            action="merchant.update",
            owner_id=merchant.id,
            subject_type="Merchant",
            subject_id=merchant.id,
            subject_label=name,
            before=before,
            after={"name": name},
        )
    return merchant


async def get_shop(slug: str) -> Shop:
    """Return the shop at an address.

    Raises:
        ShopNotFound: there is none.
    """
    shop = await find_shop(slug)
    if shop is None:
        raise ShopNotFound(shop=slug[:MAX_SLUG_LENGTH])
    return shop


async def find_shop(slug: str) -> Shop | None:
    """Return the shop at an address, or None."""
    if not _is_slug(slug):
        return None
    return await Shop.get_or_none(slug=slug)


async def get_shop_by_id(shop_id: UUID) -> Shop:
    """Return a shop.

    Raises:
        ShopNotFound: there is none.
    """
    shop = await Shop.get_or_none(id=shop_id)
    if shop is None:
        raise ShopNotFound(shop=shop_id)
    return shop


def shop_name(shop: Shop, locale: str) -> str:
    """Return the shop's name in the best language there is for ``locale``."""
    return pick(
        shop.translations, locale, {"name": shop.name}, fallback_locale=shop.default_locale
    )["name"]


def mail_locale(shop: Shop, locale: str) -> str:
    """Return the language of a mail: its reader's if we speak it, else the shop's, else English."""
    return negotiate(f"{locale}, {shop.default_locale};q=0.5")


async def _insert(work: UnitOfWork, shop: Shop) -> bool:
    """Write a shop unless its slug is taken, and its merchant where there is none yet."""
    inserted = await work.fetchrow(
        "WITH opened AS ("
        "    INSERT INTO shop (id, slug, name, currency, default_locale, translations, "
        "                      created_at, merchant_id) "
        "    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (slug) DO NOTHING "
        "    RETURNING id, merchant_id, name, created_at"
        "), founded AS ("
        "    INSERT INTO merchant (id, name, created_at) "
        "    SELECT merchant_id, name, created_at FROM opened ON CONFLICT (id) DO NOTHING"
        ") SELECT id FROM opened",
        shop.id,
        shop.slug,
        shop.name,
        shop.currency,
        shop.default_locale,
        to_jsonb(shop.translations),
        shop.created_at,
        shop.merchant_id,
    )
    return inserted is not None


def _is_slug(text: str) -> bool:
    return len(text) <= MAX_SLUG_LENGTH and _SLUG.fullmatch(text) is not None


def _new_shop(command: CreateShop) -> Shop:
    return Shop(
        id=new_id(),
        merchant_id=command.merchant_id or new_id(),
        slug=read_slug(command.slug),
        name=read_name(command.name, ("name",), longest=MAX_NAME_LENGTH),
        currency=read_currency(command.currency),
        default_locale=read_locale(command.default_locale, ("default_locale",)),
        translations={
            locale: texts
            for locale, texts in (
                read_translation(locale, texts) for locale, texts in command.translations.items()
            )
            if texts
        },
        created_at=clock.now(),
    )


def read_slug(text: str) -> str:
    """Return a shop's address, or refuse it."""
    if not _is_slug(text):
        raise InvalidInput(
            field=("slug",),
            reason="a slug is 1 to {most} lower-case letters and digits, in groups joined by "
            "single hyphens",
            most=MAX_SLUG_LENGTH,
        )
    return text


def read_currency(code: str) -> str:
    """Return an ISO 4217 code that money can be kept in, or refuse it."""
    try:
        currency_exponent(code)
    except ValueError:
        raise InvalidInput(
            field=("currency",), reason="this is not an ISO 4217 code such as CNY"
        ) from None
    return code


def read_translation(locale: str, texts: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return a language and a shop's texts in it, or refuse them."""
    at = ("translations", locale)
    language = read_locale(locale, at)
    if texts.keys() - {"name"}:
        raise InvalidInput(field=at, reason="the only text of a shop is its name")
    return language, {
        key: read_name(text, (*at, key), longest=MAX_NAME_LENGTH) for key, text in texts.items()
    }
