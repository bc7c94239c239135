"""A shop's settings and its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.locales import canonical_locale
from headless_presale.shops import (
    Shop,
    UpdatePolicies,
    UpdateShop,
    has_product,
    update_policies,
    update_shop,
)
from resolvers.access import read_shop_id
from resolvers.context import RequestContext
from resolvers.errors import Answer, Refusal, answer, reads


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopForm:
    """Settings as a client of the API sent them; None leaves one as it is.

    ``names`` are pairs of a language and the shop's name in it; a name that is None removes it.
    """

    slug: str | None
    currency: str | None
    name: str | None
    contact_email: str | None
    timezone: str | None
    default_locale: str | None
    names: Sequence[tuple[str, str | None]] | None


@reads
async def is_fixed(shop: Shop) -> bool:
    """Tell whether a shop's products hold its address and currency where they are."""
    return await has_product(shop.id)


async def change(
    context: RequestContext, *, shop_id: str, version: int, form: ShopForm
) -> Answer[Shop]:
    """Change a shop's settings."""
    context.begin_mutation()

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
            translations=_texts(form.names) if form.names is not None else None,
        )
        return await update_shop(command)

    with acting_as(context.merchant_actor):
        changed = await answer(run(), context.locale)
    return replace(changed, refusals=tuple(_in_list(r, form) for r in changed.refusals))


async def change_policies(
    context: RequestContext, *, shop_id: str, version: int, changes: Mapping[str, int]
) -> Answer[Shop]:
    """Change a shop's numbers."""
    context.begin_mutation()

    async def run() -> Shop:
        own: UUID = read_shop_id(context, shop_id)
        return await update_policies(UpdatePolicies(shop_id=own, version=version, changes=changes))

    with acting_as(context.merchant_actor):
        return await answer(run(), context.locale)


def _texts(names: Sequence[tuple[str, str | None]]) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    for position, (locale, name) in enumerate(names):
        if canonical_locale(locale) in map(canonical_locale, texts):
            at = ("translations", str(position), "locale")
            raise InvalidInput(reason="each language is named once", field=at)
        texts[locale] = {} if name is None else {"name": name}
    return texts


def _in_list(refusal: Refusal, form: ShopForm) -> Refusal:
    """Point at a text by its place in the input's list, where the domain says its language."""
    match refusal.field:
        case ("translations", locale, *rest) if not locale.isdigit():
            locales = [locale for locale, _ in form.names or ()]
            place = (str(locales.index(locale)), *(rest or ["locale"]))
            return replace(refusal, field=("translations", *place))
        case _:
            return refusal
