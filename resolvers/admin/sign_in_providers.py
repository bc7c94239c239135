"""Where a shop lets its customers sign in."""

from uuid import UUID

from headless_presale.customers import (
    ProviderChanges,
    ProviderWish,
    SignInProvider,
    create_provider,
    delete_provider,
    list_providers,
    update_provider,
)
from headless_presale.shops import Shop
from resolvers.access import read_shop_id
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_input_id


@reads
async def providers_of(shop: Shop) -> list[SignInProvider]:
    """Return the providers of a shop, those that are switched off as well."""
    return await list_providers(shop.id, only_enabled=False)


async def create(
    context: RequestContext, *, shop_id: str, wish: ProviderWish
) -> Answer[SignInProvider]:
    """Add a provider."""

    async def run() -> SignInProvider:
        return await create_provider(read_shop_id(context, shop_id), wish)

    return await told(context, run)


async def update(
    context: RequestContext, *, provider_id: str, changes: ProviderChanges, version: int
) -> Answer[SignInProvider]:
    """Change a provider."""

    async def run() -> SignInProvider:
        return await update_provider(
            context.principal.shop_ids, _provider_id(provider_id), changes, version=version
        )

    return await told(context, run)


async def delete(
    context: RequestContext, *, provider_id: str, version: int
) -> Answer[SignInProvider]:
    """Remove a provider."""

    async def run() -> SignInProvider:
        return await delete_provider(
            context.principal.shop_ids, _provider_id(provider_id), version=version
        )

    return await told(context, run)


def _provider_id(text: str) -> UUID:
    return read_input_id(text, "SignInProvider", ("providerId",))
