"""Customers who come by way of a provider outside."""

from headless_presale import customers
from headless_presale.customers import (
    Departure,
    Return,
    SignedIn,
    SignInProvider,
    list_providers,
)
from headless_presale.shops import Shop
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_input_id
from resolvers.mutations import mutate


@reads
async def providers_of(shop: Shop) -> list[SignInProvider]:
    """Return where customers of a shop may sign in now."""
    return await list_providers(shop.id, only_enabled=True)


async def sign_in_by_wechat(context: RequestContext, *, shop: str, code: str) -> Answer[SignedIn]:
    """Sign in with the code of a mini-program."""
    return await mutate(context, _sign_in_by_wechat(context, shop, code))


async def _sign_in_by_wechat(context: RequestContext, slug: str, code: str) -> SignedIn:
    shop = await context.shops.get(slug)
    return await customers.sign_in_by_wechat(
        shop.id, code, locale=context.locale, source=context.source
    )


async def depart(
    context: RequestContext, *, shop: str, provider: str, redirect_uri: str
) -> Answer[Departure]:
    """Begin a sign-in at an OpenID Connect provider."""
    return await mutate(context, _depart(context, shop, provider, redirect_uri))


async def _depart(
    context: RequestContext, slug: str, provider: str, redirect_uri: str
) -> Departure:
    shop = await context.shops.get(slug)
    return await customers.depart(
        shop.id,
        read_input_id(provider, "SignInProvider", ("provider",)),
        redirect_uri,
        source=context.source,
    )


async def come_back(
    context: RequestContext, *, shop: str, provider: str, back: Return
) -> Answer[SignedIn]:
    """Sign in whom an OpenID Connect provider vouches for."""
    return await mutate(context, _come_back(context, shop, provider, back))


async def _come_back(context: RequestContext, slug: str, provider: str, back: Return) -> SignedIn:
    shop = await context.shops.get(slug)
    return await customers.come_back(
        shop.id,
        read_input_id(provider, "SignInProvider", ("provider",)),
        back,
        locale=context.locale,
        source=context.source,
    )


async def prove_email(context: RequestContext, *, email: str, code: str) -> Answer[SignedIn]:
    """Prove an address as one who is signed in without any."""
    return await mutate(
        context,
        customers.prove_email(context.customer, email, code, source=context.source),
    )
