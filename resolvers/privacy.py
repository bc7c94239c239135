"""What a customer may ask of his data: a copy, and to be forgotten."""

from headless_presale import privacy
from headless_presale.customers import Customer
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import acting_as
from headless_presale.privacy import Erased, Export
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.mutations import mutate


async def erase(context: RequestContext, *, is_confirmed: bool) -> Answer[Erased]:
    """Forget the customer who asks."""
    return await mutate(context, _erase(context, is_confirmed=is_confirmed))


async def _erase(context: RequestContext, *, is_confirmed: bool) -> Erased:
    if not is_confirmed:
        raise InvalidInput(reason="say that it cannot be undone", field=("is_confirmed",))
    with acting_as(context.actor):
        return await privacy.erase_customer(context.customer)


async def export(context: RequestContext, *, locale: str | None) -> Answer[Export]:
    """Have a copy made for the customer who asks."""
    return await mutate(context, privacy.request_export(context.customer, locale=locale))


@reads
async def find_export(context: RequestContext, customer: Customer) -> Export | None:
    """Return the copy that a customer asked for last; None where there is none any more."""
    context.forbid_reuse()
    return await privacy.find_export(customer.id)
