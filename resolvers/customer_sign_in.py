"""Customers who come by way of a provider outside."""

from headless_presale import customers
from headless_presale.customers import (
    AuthorizationRequest,
    AuthorizationResponse,
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


async def start_oidc_sign_in(
    context: RequestContext, *, shop: str, provider: str, redirect_uri: str
) -> Answer[AuthorizationRequest]:
    """Begin a sign-in at an OpenID Connect provider."""
    return await mutate(context, _start_oidc_sign_in(context, shop, provider, redirect_uri))


async def _start_oidc_sign_in(
    context: RequestContext, slug: str, provider: str, redirect_uri: str
) -> AuthorizationRequest:
    shop = await context.shops.get(slug)
    return await customers.start_oidc_sign_in(
        shop.id,
        read_input_id(provider, "SignInProvider", ("providerId",)),
        redirect_uri,
        source=context.source,
    )


async def complete_oidc_sign_in(
    context: RequestContext, *, shop: str, provider: str, back: AuthorizationResponse
) -> Answer[SignedIn]:
    """Sign in whom an OpenID Connect provider vouches for."""
    return await mutate(context, _complete_oidc_sign_in(context, shop, provider, back))


async def _complete_oidc_sign_in(
    context: RequestContext, slug: str, provider: str, back: AuthorizationResponse
) -> SignedIn:
    shop = await context.shops.get(slug)
    return await customers.complete_oidc_sign_in(
        shop.id,
        read_input_id(provider, "SignInProvider", ("providerId",)),
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
