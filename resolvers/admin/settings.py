"""A shop's settings and its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from headless_presale.shops import (
    Shop,
    UpdatePolicies,
    UpdateShop,
    has_product,
    update_policies,
    update_shop,
)
from resolvers.access import read_shop_id
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.language_lists import Texts, by_language, in_list


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopForm:
    """Settings as a client of the API sent them; None leaves one as it is.

    ``names`` are the shop's names in other languages.
    """

    slug: str | None
    currency: str | None
    name: str | None
    contact_email: str | None
    timezone: str | None
    default_locale: str | None
    names: Texts | None
    notify_double_opt_in: bool | None
    storefront_origins: Sequence[str] | None
    trusted_documents_only: bool | None


@reads
async def is_fixed(shop: Shop) -> bool:
    """Tell whether a shop's products hold its address and currency where they are."""
    return await has_product(shop.id)


async def change(
    context: RequestContext, *, shop_id: str, version: int, form: ShopForm
) -> Answer[Shop]:
    """Change a shop's settings."""

    async def run() -> Shop:
        command = UpdateShop(
            shop_id=read_shop_id(context, shop_id),
            version=version,
            slug=form.slug,
            currency=form.currency,
            name=form.name,
            contact_email=form.contact_email,
            timezone=form.timezone,
            default_locale=form.default_locale,
            translations=_names(form.names),
            notify_double_opt_in=form.notify_double_opt_in,
            storefront_origins=form.storefront_origins,
            trusted_documents_only=form.trusted_documents_only,
        )
        return await update_shop(command)

    return in_list(await told(context, run), form.names)


async def change_policies(
    context: RequestContext, *, shop_id: str, version: int, changes: Mapping[str, int]
) -> Answer[Shop]:
    """Change a shop's numbers."""

    async def run() -> Shop:
        own: UUID = read_shop_id(context, shop_id)
        return await update_policies(UpdatePolicies(shop_id=own, version=version, changes=changes))

    return await told(context, run)


def _names(names: Texts | None) -> dict[str, dict[str, str]] | None:
    if names is None:
        return None
    named = by_language(names)
    return {locale: {} if name is None else {"name": name} for locale, name in named.items()}
