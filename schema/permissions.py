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
        _look_again_in_a_mutation(info)
        await require(info.context, self.scopes, all_shops=self.all_shops)
        return await next_(source, info, **kwargs)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="customer",
    description="Needs an access token of a customer of the shop: see `signInCodeRedeem`.",
)
class CustomerOnly:
    """Has no arguments."""


class CustomerRequired(FieldExtension):
    """Lets a signed-in customer pass before the field is resolved."""

    def apply(self, field: StrawberryField) -> None:
        field.directives = [*field.directives, CustomerOnly()]

    async def resolve_async(
        self,
        next_: Callable[..., Awaitable[Any]],
        source: Any,
        info: strawberry.Info,
        **kwargs: Any,
    ) -> Any:
        _look_again_in_a_mutation(info)
        await info.context.authenticate_customer()
        return await next_(source, info, **kwargs)


def _look_again_in_a_mutation(info: strawberry.Info) -> None:
    """Have what an earlier mutation of the same document took away count for this one."""
    if info.path.prev is None and info.operation.operation is OperationType.MUTATION:
        info.context.forget_principal()


def customer_only() -> list[FieldExtension]:
    """Return the extensions of a field that is for a signed-in customer."""
    return [CustomerRequired()]


def requires(*scopes: Scope, all_shops: bool = False) -> list[FieldExtension]:
    """Return the extensions of a field that needs all of these scopes; none: any valid token.

    Args:
        all_shops: for what concerns the merchant as a whole, such as its staff.
    """
    return [ScopesRequired(scopes, all_shops=all_shops)]
