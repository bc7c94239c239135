"""How a merchant's command is run: on fresh loaders, in his name, its "no" as data."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from headless_presale.kernel.events import acting_as
from resolvers.context import RequestContext
from resolvers.errors import Answer, answer

R = TypeVar("R")


async def told(context: RequestContext, command: Callable[[], Awaitable[R]]) -> Answer[R]:
    """Run a command as the caller; ids are read within it, so that a bad one is data as well.

    Raises:
        ServiceUnavailable: nobody knows whether it was done.
    """
    context.begin_mutation()
    with acting_as(context.merchant_actor):
        return await answer(_called(command), context.locale)


async def _called(command: Callable[[], Awaitable[R]]) -> R:
    return await command()
