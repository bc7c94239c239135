"""Customers: they sign in by a code, stay signed in, and sign out."""

from dataclasses import dataclass
from datetime import datetime

from headless_presale import customers
from headless_presale.customers import Customer, SignedIn, UpdateProfile
from headless_presale.kernel.locales import read_locale
from resolvers.context import RequestContext
from resolvers.errors import Answer
from resolvers.mutations import mutate


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeWish:
    """Who wants a code, as a client sent it."""

    shop: str
    email: str
    locale: str | None


async def request_code(context: RequestContext, wish: CodeWish) -> Answer[datetime]:
    """Have a code mailed; answer when it ends, the same for every address."""
    return await mutate(context, _request_code(context, wish))


async def _request_code(context: RequestContext, wish: CodeWish) -> datetime:
    shop = await context.shops.get(wish.shop)
    locale = context.locale if wish.locale is None else read_locale(wish.locale, ("locale",))
    return await customers.request_code(shop.id, wish.email, locale=locale, source=context.source)


async def redeem_code(
    context: RequestContext, *, shop: str, email: str, code: str
) -> Answer[SignedIn]:
    """Sign in with a code."""
    return await mutate(context, _redeem_code(context, shop, email, code))


async def _redeem_code(context: RequestContext, slug: str, email: str, code: str) -> SignedIn:
    shop = await context.shops.get(slug)
    return await customers.redeem_code(shop.id, email, code, source=context.source)


async def refresh(context: RequestContext, refresh_token: str) -> Answer[SignedIn]:
    """Exchange a refresh token for new tokens."""
    refreshed = await mutate(context, customers.refresh_session(refresh_token))
    if refreshed.value is not None:
        await context.shops.check_document(refreshed.value.customer.shop_id)
    return refreshed


async def sign_out(
    context: RequestContext, *, is_everywhere: bool, refresh_token: str | None
) -> Answer[int]:
    """End a sign-in, or all that its customer has; answer how many ended.

    Args:
        refresh_token: of the sign-in that is meant; None: the caller's own.

    Raises:
        Unauthenticated: neither it is given, nor is anybody signed in.
    """
    if refresh_token is not None:
        ending = customers.sign_out_with(refresh_token, is_everywhere=is_everywhere)
    else:
        # What an earlier mutation of the same document ended has to count for this one.
        context.forget_principal()
        principal = await context.authenticate_customer()
        ending = customers.sign_out(principal, is_everywhere=is_everywhere)
    return await mutate(context, ending)


async def update_profile(context: RequestContext, command: UpdateProfile) -> Answer[Customer]:
    """Change the caller's profile."""
    return await mutate(context, customers.update_profile(context.customer, command))
