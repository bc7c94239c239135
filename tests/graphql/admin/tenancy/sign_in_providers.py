"""Where a house lets its customers sign in, and what the mutations about it are asked with."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from headless_presale.customers import ProviderKind, ProviderWish, create_provider
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal

if TYPE_CHECKING:
    from tests.graphql.admin.tenancy.world import House

Example = Callable[["House"], dict[str, Any]]


async def furnish(shop: Shop, mark: str) -> dict[str, str]:
    """Give a house an OpenID Connect provider."""
    wish = ProviderWish(
        kind=ProviderKind.OIDC,
        name=f"Provider of {mark}",
        client_id=f"client-of-{mark}",
        issuer=f"https://login.{mark}.example.com",
        redirect_uris=[f"https://{mark}.example.com/back"],
    )
    provider = await create_provider(shop.id, wish)
    return {"sign-in provider": seal("SignInProvider", provider.id)}


MUTATIONS: Mapping[str, tuple[Example, ...]] = {
    "signInProviderCreate": (
        lambda house: {
            "shopId": house.ids["shop"],
            "kind": "WECHAT",
            "name": "WeChat",
            "clientId": f"wx-{house.mark}",
            "secret": "a secret",
        },
    ),
    "signInProviderUpdate": (
        lambda house: {
            "providerId": house.ids["sign-in provider"],
            "version": 1,
            "isEnabled": False,
        },
    ),
    "signInProviderDelete": (
        lambda house: {"providerId": house.ids["sign-in provider"], "version": 1},
    ),
}
