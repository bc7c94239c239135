"""A merchant and his shops."""

from headless_presale.kernel.events import acting_as
from headless_presale.shops import (
    CreateShop,
    Merchant,
    RenameMerchant,
    Shop,
    create_shop,
    rename_merchant,
)
from resolvers.context import RequestContext
from resolvers.errors import Answer, answer, reads


@reads
async def get_merchant(context: RequestContext) -> Merchant:
    """Return the caller's merchant."""
    return await Merchant.get(id=context.principal.merchant_id)


async def rename(context: RequestContext, *, name: str, version: int) -> Answer[Merchant]:
    """Give the merchant another name."""
    context.begin_mutation()
    principal = context.principal
    with acting_as(context.merchant_actor):
        command = RenameMerchant(merchant_id=principal.merchant_id, name=name, version=version)
        return await answer(rename_merchant(command), context.locale)


async def open_shop(
    context: RequestContext, *, slug: str, name: str, currency: str, default_locale: str
) -> Answer[Shop]:
    """Open a shop of the caller's merchant."""
    context.begin_mutation()
    principal = context.principal
    with acting_as(context.merchant_actor):
        command = CreateShop(
            slug=slug,
            name=name,
            currency=currency,
            default_locale=default_locale,
            merchant_id=principal.merchant_id,
        )
        return await answer(create_shop(command), context.locale)
