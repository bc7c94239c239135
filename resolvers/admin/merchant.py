"""A merchant and his shops."""

from headless_presale.shops import (
    CreateShop,
    Merchant,
    RenameMerchant,
    Shop,
    create_shop,
    rename_merchant,
)
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads


@reads
async def get_merchant(context: RequestContext) -> Merchant:
    """Return the caller's merchant."""
    return await Merchant.get(id=context.principal.merchant_id)


async def rename(context: RequestContext, *, name: str, version: int) -> Answer[Merchant]:
    """Give the merchant another name."""
    command = RenameMerchant(merchant_id=context.principal.merchant_id, name=name, version=version)
    return await told(context, lambda: rename_merchant(command))


async def open_shop(
    context: RequestContext, *, slug: str, name: str, currency: str, default_locale: str
) -> Answer[Shop]:
    """Open a shop of the caller's merchant."""
    command = CreateShop(
        slug=slug,
        name=name,
        currency=currency,
        default_locale=default_locale,
        merchant_id=context.principal.merchant_id,
    )
    return await told(context, lambda: create_shop(command))
