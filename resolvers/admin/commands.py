"""How a merchant's command is run: on fresh loaders, in his name, its "no" as data."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from headless_presale.kernel.events import acting_as
from resolvers.context import RequestContext
from resolvers.errors import Answer
from resolvers.mutations import mutate

R = TypeVar("R")


async def told(context: RequestContext, command: Callable[[], Awaitable[R]]) -> Answer[R]:
    """Run a command as the caller; ids are read within it, so that a bad one is data as well.

    Raises:
        ServiceUnavailable: nobody knows whether it was done.
    """
    with acting_as(context.merchant_actor):
        return await mutate(context, _called(command))


async def _called(command: Callable[[], Awaitable[R]]) -> R:
    return await command()
