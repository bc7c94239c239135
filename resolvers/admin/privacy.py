"""What a merchant does about a person's data."""

from headless_presale import privacy
from headless_presale.privacy import Erased
from resolvers.access import read_shop_id
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer


async def erase(
    context: RequestContext, *, shop_id: str, email: str, is_delivered: bool
) -> Answer[Erased]:
    """Forget whoever has an address in one of the caller's shops."""

    async def command() -> Erased:
        shop = read_shop_id(context, shop_id)
        return await privacy.erase_person(shop, email, is_delivered=is_delivered)

    return await told(context, command)
