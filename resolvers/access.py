"""Who is let in, and which rows are his.

Every id of a merchant's request is looked up together with the shops of the caller. A row of
somebody else is answered as one that does not exist.
"""

from collections.abc import Sequence
from uuid import UUID

from headless_presale import customers, identity
from headless_presale.customers import CustomerClaims
from headless_presale.identity import AccessClaims, Scope
from headless_presale.shops import Shop, ShopNotFound, find_shop
from resolvers.context import RequestContext
from resolvers.errors import Forbidden, TokenExpired, Unauthenticated, reads
from resolvers.global_ids import read_input_id


@reads
async def read_token(authorization: str | None) -> AccessClaims | CustomerClaims | None:
    """Return what an ``Authorization`` header says, verified; None where there is none.

    Raises:
        TokenExpired: it carries one of ours whose time is over.
        Unauthenticated: it carries no token of ours that is valid now.
    """
    try:
        return await customers.read_any_bearer(authorization)
    except identity.TokenExpired as error:
        raise TokenExpired(error.reason, error="invalid_token") from None
    except identity.Unauthenticated as error:
        raise Unauthenticated(error.reason, error="invalid_token") from None


async def require(
    context: RequestContext, scopes: Sequence[Scope], *, all_shops: bool = False
) -> None:
    """Let the caller pass, or not.

    Args:
        scopes: all of them are needed.
        all_shops: for what concerns the merchant as a whole: a caller who is limited to some of
            the shops does not pass.

    Raises:
        Unauthenticated: nobody is known to be there.
        Forbidden: a scope is missing, or shops are.
    """
    principal = await context.authenticate()
    if missing := principal.lacks(*scopes):
        raise Forbidden(missing)
    if all_shops and not principal.has_all_shops:
        raise Forbidden(scopes, because="access to all shops of the merchant")


@reads
async def find_own_shop(context: RequestContext, slug: str) -> Shop | None:
    """Return a shop that the caller may touch, by its slug; None for every other."""
    shop = await find_shop(slug)
    return shop if shop is not None and shop.id in context.principal.shop_ids else None


@reads
async def list_own_shops(context: RequestContext) -> list[Shop]:
    """Return the shops that the caller may touch, oldest first."""
    return await Shop.filter(id__in=list(context.principal.shop_ids)).order_by("created_at", "id")


def is_own_shop(context: RequestContext, shop_id: UUID) -> bool:
    """Tell whether the caller may touch a shop."""
    return shop_id in context.principal.shop_ids


def read_shop_id(context: RequestContext, text: str, field: tuple[str, ...] = ("shop_id",)) -> UUID:
    """Return the shop that a mutation's input names.

    Raises:
        InvalidInput: this is not the id of a shop.
        ShopNotFound: there is none, or not for this caller.
    """
    shop_id = read_input_id(text, "Shop", field)
    if not is_own_shop(context, shop_id):
        raise ShopNotFound(shop=text, field=field)
    return shop_id
