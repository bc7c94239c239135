"""Customers: they sign in by a code, stay signed in, and sign out."""

from dataclasses import dataclass
from datetime import datetime

from headless_presale import customers
from headless_presale.customers import Customer, SignedIn, UpdateProfile
from headless_presale.identity.limits import Source
from headless_presale.kernel.locales import read_locale
from headless_presale.shops import Shop, ShopNotFound
from resolvers.context import RequestContext
from resolvers.errors import Answer, answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeWish:
    """Who wants a code, as a client sent it."""

    shop: str
    email: str
    locale: str | None


async def request_code(context: RequestContext, wish: CodeWish) -> Answer[datetime]:
    """Have a code mailed; answer when it ends, the same for every address."""
    context.begin_mutation()
    return await answer(_request_code(context, wish), context.locale)


async def _request_code(context: RequestContext, wish: CodeWish) -> datetime:
    shop = await named_shop(context, wish.shop)
    locale = context.locale if wish.locale is None else read_locale(wish.locale, ("locale",))
    return await customers.request_code(
        shop.id, wish.email, locale=locale, source=Source(address=context.address)
    )


async def redeem_code(
    context: RequestContext, *, shop: str, email: str, code: str
) -> Answer[SignedIn]:
    """Sign in with a code."""
    context.begin_mutation()
    return await answer(_redeem_code(context, shop, email, code), context.locale)


async def _redeem_code(context: RequestContext, slug: str, email: str, code: str) -> SignedIn:
    shop = await named_shop(context, slug)
    return await customers.redeem_code(shop.id, email, code, source=Source(address=context.address))


async def refresh(context: RequestContext, refresh_token: str) -> Answer[SignedIn]:
    """Exchange a refresh token for new tokens."""
    context.begin_mutation()
    refreshed = await answer(customers.refresh_session(refresh_token), context.locale)
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
    context.begin_mutation()
    if refresh_token is not None:
        ending = customers.sign_out_with(refresh_token, is_everywhere=is_everywhere)
    else:
        # What an earlier mutation of the same document ended has to count for this one.
        context.forget_principal()
        principal = await context.authenticate_customer()
        ending = customers.sign_out(principal, is_everywhere=is_everywhere)
    return await answer(ending, context.locale)


async def update_profile(context: RequestContext, command: UpdateProfile) -> Answer[Customer]:
    """Change the caller's profile."""
    context.begin_mutation()
    return await answer(customers.update_profile(context.customer, command), context.locale)


async def named_shop(context: RequestContext, slug: str) -> Shop:
    """Return the shop that the input names.

    Raises:
        ShopNotFound: there is none.
    """
    shop = await context.shops.find(slug)
    if shop is None:
        raise ShopNotFound(shop=slug[:60], field=("shop",))
    return shop
