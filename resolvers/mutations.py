"""How a storefront's mutation is run: on fresh loaders, its "no" as data in the caller's language.

A merchant's are run by ``admin.commands``, in his name besides.
"""

from collections.abc import Awaitable
from typing import TypeVar

from resolvers.context import RequestContext
from resolvers.errors import Answer, answer

R = TypeVar("R")


async def mutate(context: RequestContext, command: Awaitable[R]) -> Answer[R]:
    """Run a command; ids are read within it, so that a bad one is data as well.

    Raises:
        ServiceUnavailable: nobody knows whether it was done; repeat it with the same key.
    """
    context.begin_mutation()
    return await answer(command, context.locale)
