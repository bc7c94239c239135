"""Customers who come by way of a provider outside."""

from headless_presale import customers
from headless_presale.customers import SignedIn, SignInProvider, list_providers
from headless_presale.identity.limits import Source
from headless_presale.shops import Shop
from resolvers.context import RequestContext
from resolvers.customers import named_shop
from resolvers.errors import Answer, answer, reads


@reads
async def providers_of(shop: Shop) -> list[SignInProvider]:
    """Return where customers of a shop may sign in now."""
    return await list_providers(shop.id, only_enabled=True)


async def sign_in_by_wechat(context: RequestContext, *, shop: str, code: str) -> Answer[SignedIn]:
    """Sign in with the code of a mini-program."""
    context.begin_mutation()
    return await answer(_sign_in_by_wechat(context, shop, code), context.locale)


async def _sign_in_by_wechat(context: RequestContext, slug: str, code: str) -> SignedIn:
    shop = await named_shop(context, slug)
    return await customers.sign_in_by_wechat(
        shop.id, code, locale=context.locale, source=Source(address=context.address)
    )
