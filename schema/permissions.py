"""What a field requires: in the SDL for those who read it, before the resolver for those who ask.

``@strawberry.mutation(extensions=requires(Scope.CAMPAIGNS_WRITE))`` prints
``@requires(scopes: ["campaigns:write"])`` and lets nobody in without it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from graphql import OperationType
from strawberry.extensions import FieldExtension
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField

from headless_presale.identity import Scope
from resolvers.access import require


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="Needs an access token that carries every one of these scopes; with an empty list, "
    "any valid one. With `allShops`, of a caller who is not limited to some of the shops.",
)
class Requires:
    scopes: list[str]
    all_shops: bool | None = strawberry.UNSET


class ScopesRequired(FieldExtension):
    """Authenticates and authorises before the field is resolved."""

    def __init__(self, scopes: tuple[Scope, ...], *, all_shops: bool) -> None:
        self.scopes = scopes
        self.all_shops = all_shops

    def apply(self, field: StrawberryField) -> None:
        said = Requires(
            scopes=[str(scope) for scope in self.scopes],
            all_shops=self.all_shops or strawberry.UNSET,
        )
        field.directives = [*field.directives, said]

    async def resolve_async(
        self,
        next_: Callable[..., Awaitable[Any]],
        source: Any,
        info: strawberry.Info,
        **kwargs: Any,
    ) -> Any:
        if info.path.prev is None and info.operation.operation is OperationType.MUTATION:
            # What an earlier mutation of the same document took away counts for this one.
            info.context.forget_principal()
        await require(info.context, self.scopes, all_shops=self.all_shops)
        return await next_(source, info, **kwargs)


def requires(*scopes: Scope, all_shops: bool = False) -> list[FieldExtension]:
    """Return the extensions of a field that needs all of these scopes; none: any valid token.

    Args:
        all_shops: for what concerns the merchant as a whole, such as its staff.
    """
    return [ScopesRequired(scopes, all_shops=all_shops)]
