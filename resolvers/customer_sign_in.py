"""Customers who come by way of a provider outside."""

from headless_presale import customers
from headless_presale.customers import (
    Departure,
    Return,
    SignedIn,
    SignInProvider,
    list_providers,
)
from headless_presale.identity.limits import Source
from headless_presale.shops import Shop
from resolvers.context import RequestContext
from resolvers.customers import named_shop
from resolvers.errors import Answer, answer, reads
from resolvers.global_ids import read_input_id


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


async def depart(
    context: RequestContext, *, shop: str, provider: str, redirect_uri: str
) -> Answer[Departure]:
    """Begin a sign-in at an OpenID Connect provider."""
    context.begin_mutation()
    return await answer(_depart(context, shop, provider, redirect_uri), context.locale)


async def _depart(
    context: RequestContext, slug: str, provider: str, redirect_uri: str
) -> Departure:
    shop = await named_shop(context, slug)
    return await customers.depart(
        shop.id,
        read_input_id(provider, "SignInProvider", ("providerId",)),
        redirect_uri,
        source=Source(address=context.address),
    )


async def come_back(
    context: RequestContext, *, shop: str, provider: str, back: Return
) -> Answer[SignedIn]:
    """Sign in whom an OpenID Connect provider vouches for."""
    context.begin_mutation()
    return await answer(_come_back(context, shop, provider, back), context.locale)


async def _come_back(context: RequestContext, slug: str, provider: str, back: Return) -> SignedIn:
    shop = await named_shop(context, slug)
    return await customers.come_back(
        shop.id,
        read_input_id(provider, "SignInProvider", ("providerId",)),
        back,
        locale=context.locale,
        source=Source(address=context.address),
    )


async def prove_email(context: RequestContext, *, email: str, code: str) -> Answer[SignedIn]:
    """Prove an address as one who is signed in without any."""
    context.begin_mutation()
    return await answer(
        customers.prove_email(
            context.customer, email, code, source=Source(address=context.address)
        ),
        context.locale,
    )
