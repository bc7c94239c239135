"""What a merchant changes of a shop: its name, its languages, its numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from tortoise.exceptions import IntegrityError

from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.locales import check_languages, read_locale
from headless_presale.kernel.texts import read_name
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.kernel.versions import check_version
from headless_presale.shops.errors import ShopFixed, ShopNotFound, ShopSlugTaken
from headless_presale.shops.models import Shop
from headless_presale.shops.origins import read_origins
from headless_presale.shops.policies import ShopPolicies
from headless_presale.shops.service import (
    MAX_NAME_LENGTH,
    read_currency,
    read_slug,
    read_translation,
)

MAX_EMAIL_LENGTH = 254
SETTINGS = (
    "slug",
    "currency",
    "name",
    "contact_email",
    "timezone",
    "default_locale",
    "translations",
    "notify_double_opt_in",
    "storefront_origins",
    "trusted_documents_only",
)
FIXED_BY_PRODUCTS = ("slug", "currency")
"""Its products' addresses and prices hang on these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateShop:
    """What to change of a shop; None leaves a setting as it is.

    Attributes:
        version: the version that was read; None changes whatever is there now.
        slug, currency: can be changed only while the shop has no product.
        contact_email: where buyers reach the shop; empty for nowhere.
        timezone: a name of the IANA database, such as ``Asia/Shanghai``.
        translations: locale -> ``name`` -> text. A language that is named gets these texts and
            no others, with none of them it is removed; one that is not named stays.
        trusted_documents_only: storefronts may send registered documents alone.
        notify_double_opt_in: whether people confirm by mail before they are told of openings.
        storefront_origins: from which sites' pages browsers may use the shop; empty: from all.
    """

    shop_id: UUID
    version: int | None = None
    slug: str | None = None
    currency: str | None = None
    name: str | None = None
    contact_email: str | None = None
    timezone: str | None = None
    default_locale: str | None = None
    translations: Mapping[str, Mapping[str, str]] | None = None
    notify_double_opt_in: bool | None = None
    storefront_origins: Sequence[str] | None = None
    trusted_documents_only: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePolicies:
    """Numbers to change, by name; see ``POLICY_BOUNDS``. ``version`` as in :class:`UpdateShop`."""

    shop_id: UUID
    version: int | None = None
    changes: Mapping[str, int] = field(default_factory=dict)


@shielded
async def update_shop(command: UpdateShop) -> Shop:
    """Change a shop's settings. What is equal already changes nothing, the version included.

    Raises:
        ShopNotFound: there is no such shop.
        InvalidInput: a setting cannot be used; ``field`` names it.
        VersionConflict: the shop has changed since it was read.
        ShopFixed: a slug or currency on which products hang.
        ShopSlugTaken: the slug is in use.
    """
    wanted = _read_settings(command)
    async with unit_of_work() as work:
        shop = await _lock_shop(command.shop_id)
        stored = {name: getattr(shop, name) for name in SETTINGS}
        if "translations" in wanted:
            named = {**shop.translations, **wanted["translations"]}
            wanted["translations"] = {locale: texts for locale, texts in named.items() if texts}
            check_languages(wanted["translations"], ("translations",))
        _check_version(command.version, shop, yours=wanted, stored=stored)
        changes = {name: value for name, value in wanted.items() if value != stored[name]}
        if not changes:
            return shop
        fixed = [name for name in FIXED_BY_PRODUCTS if name in changes]
        if fixed and await has_product(shop.id):
            raise ShopFixed(field=(fixed[0],), setting=fixed[0])
        try:
            await _write(shop, changes)
        except IntegrityError:
            # The slug is the only thing of a shop that another one can have.
            raise ShopSlugTaken(field=("slug",), slug=shop.slug) from None
        await record_change(
            work,
            action="shop.update",
            owner_id=shop.id,
            subject_type="Shop",
            subject_id=shop.id,
            subject_label=shop.slug,
            before={name: stored[name] for name in changes},
            after=changes,
        )
    return shop


@shielded
async def update_policies(command: UpdatePolicies) -> Shop:
    """Change a shop's numbers. Campaigns that exist keep theirs.

    Raises:
        ShopNotFound, InvalidInput, VersionConflict: as :func:`update_shop`.
    """
    async with unit_of_work() as work:
        shop = await _lock_shop(command.shop_id)
        policies = ShopPolicies.from_json(shop.policies)
        stored = asdict(policies)
        _check_version(command.version, shop, yours=command.changes, stored=stored)
        changed = policies.changed_by(command.changes)
        if changed == policies:
            return shop
        await _write(shop, {"policies": changed.to_json()})
        await record_change(
            work,
            action="shop.policies_update",
            owner_id=shop.id,
            subject_type="Shop",
            subject_id=shop.id,
            subject_label=shop.slug,
            before=stored,
            after=asdict(changed),
        )
    return shop


@shielded
async def has_product(shop_id: UUID) -> bool:
    """Tell whether a shop has a product: its address and its currency are fixed then."""
    async with unit_of_work() as work:
        found = await work.fetchrow("SELECT 1 FROM product WHERE shop_id = $1 LIMIT 1", shop_id)
    return found is not None


def _read_settings(command: UpdateShop) -> dict[str, Any]:
    readers: Mapping[str, Callable[[Any], object]] = {
        "slug": read_slug,
        "currency": read_currency,
        "name": lambda text: read_name(text, ("name",), longest=MAX_NAME_LENGTH),
        "contact_email": _read_email,
        "timezone": _read_timezone,
        "default_locale": lambda tag: read_locale(tag, ("default_locale",)),
        "translations": _read_translations,
        "trusted_documents_only": bool,
        "notify_double_opt_in": bool,
        "storefront_origins": lambda texts: read_origins(texts, ("storefront_origins",)),
    }
    given = {name: getattr(command, name) for name in SETTINGS}
    return {name: readers[name](value) for name, value in given.items() if value is not None}


def _read_translations(texts: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return dict(read_translation(locale, named) for locale, named in texts.items())


def _read_email(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    try:
        # Its length is that of a mail's path (RFC 5321, 4.5.3.1.3).
        if len(text) > MAX_EMAIL_LENGTH:
            raise EmailNotValidError
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise InvalidInput(
            reason="this is not an e-mail address", field=("contact_email",)
        ) from None


def _read_timezone(name: str) -> str:
    if name not in available_timezones():
        raise InvalidInput(
            reason="this is not a time zone such as Asia/Shanghai", field=("timezone",)
        )
    return name


async def _lock_shop(shop_id: UUID) -> Shop:
    """Lock a shop against changes, and against products that are being added to it."""
    shop = await Shop.select_for_update().get_or_none(id=shop_id)
    if shop is None:
        raise ShopNotFound(shop=shop_id, field=("shop_id",))
    return shop


def _check_version(
    expected: int | None, shop: Shop, *, yours: Mapping[str, object], stored: Mapping[str, object]
) -> None:
    if expected is not None:
        check_version(expected=expected, current=shop.version, yours=yours, stored=stored)


async def _write(shop: Shop, changes: Mapping[str, Any]) -> None:
    shop.update_from_dict({**changes, "version": shop.version + 1})
    await shop.save(update_fields=[*changes, "version"])
