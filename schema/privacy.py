"""What one may ask of what is known of one."""

from datetime import datetime

import strawberry

from headless_presale.privacy import Erased
from resolvers import privacy
from schema.errors import UserError, user_errors
from schema.nodes import Info, global_id
from schema.permissions import customer_only


@strawberry.type(
    name="Erasure",
    description="That somebody was forgotten. Nothing leads from an address to it.",
)
class ErasureType:
    erased: strawberry.Private[Erased]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Erasure", self.erased.id)

    @strawberry.field
    def at(self) -> datetime:
        return self.erased.at

    @strawberry.field(description="Orders that stay, of nobody.")
    def orders(self) -> int:
        return self.erased.orders


def wrap(erased: Erased | None) -> ErasureType | None:
    """Return an erasure as clients see it."""
    return None if erased is None else ErasureType(erased=erased)


@strawberry.input(description="Being forgotten.")
class CustomerEraseInput:
    is_confirmed: bool = strawberry.field(
        description="True, once the customer has been told that it cannot be undone."
    )


@strawberry.type
class CustomerErasePayload:
    erasure: ErasureType | None
    user_errors: list[UserError]


@strawberry.type
class OwnPrivacyMutation:
    """What a customer does about what is known of him."""

    @strawberry.mutation(
        description="Forget the customer who is signed in: account, addresses, consents, mails, "
        "and who he is on every order. Unpaid orders are called off; the others stay with their "
        "amounts. Needs a sign-in of the last ten minutes, and that no order is under way: see "
        "`ErasureBlockedError`. Every sign-in ends.",
        extensions=customer_only(),
    )
    async def customer_erase(self, info: Info, input: CustomerEraseInput) -> CustomerErasePayload:
        erased = await privacy.erase(info.context, is_confirmed=input.is_confirmed)
        return CustomerErasePayload(
            erasure=wrap(erased.value), user_errors=user_errors(erased.refusals)
        )
