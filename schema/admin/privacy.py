"""What a merchant does about a person's data."""

import strawberry

from headless_presale.identity import Scope
from resolvers.admin import privacy
from schema.errors import UserError, user_errors
from schema.nodes import Info
from schema.permissions import requires
from schema.privacy import ErasureType, wrap


@strawberry.input(description="Whom to erase.")
class PersonalDataEraseInput:
    shop_id: strawberry.ID
    email: str = strawberry.field(description="With or without an account.")
    is_delivered: bool = strawberry.field(
        default=False,
        description="Whether everything the person paid in full was delivered. Otherwise it counts "
        "as delivered 30 days after the last promised date.",
    )


@strawberry.type
class PersonalDataErasePayload:
    erasure: ErasureType | None
    user_errors: list[UserError]


@strawberry.type
class PrivacyMutation:
    """What a merchant does about a person's data."""

    @strawberry.mutation(
        description="Erase a person who asks for it: see `customerErase`. It cannot be undone. The "
        "log says that it was done, not to whom.",
        extensions=requires(Scope.CUSTOMERS_WRITE),
    )
    async def personal_data_erase(
        self, info: Info, input: PersonalDataEraseInput
    ) -> PersonalDataErasePayload:
        erased = await privacy.erase(
            info.context,
            shop_id=input.shop_id,
            email=input.email,
            is_delivered=input.is_delivered,
        )
        return PersonalDataErasePayload(
            erasure=wrap(erased.value), user_errors=user_errors(erased.refusals)
        )
