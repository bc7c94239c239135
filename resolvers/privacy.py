"""What a customer may ask of his data: to be forgotten."""

from headless_presale import privacy
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import acting_as
from headless_presale.privacy import Erased
from resolvers.context import RequestContext
from resolvers.errors import Answer, answer


async def erase(context: RequestContext, *, is_confirmed: bool) -> Answer[Erased]:
    """Forget the customer who asks."""
    context.begin_mutation()
    return await answer(_erase(context, is_confirmed=is_confirmed), context.locale)


async def _erase(context: RequestContext, *, is_confirmed: bool) -> Erased:
    if not is_confirmed:
        raise InvalidInput(reason="say that it cannot be undone", field=("is_confirmed",))
    with acting_as(context.actor):
        return await privacy.erase_customer(context.customer)
