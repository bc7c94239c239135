"""What one may ask of what is known of one."""

from datetime import datetime

import strawberry

from headless_presale.privacy import Erased, Export
from resolvers import privacy
from schema.errors import UserError, user_errors
from schema.nodes import Info, global_id
from schema.permissions import customer_only


@strawberry.type(
    name="Erasure",
    description="That somebody was erased. Nothing leads from an address to it.",
)
class ErasureType:
    erased: strawberry.Private[Erased]

    @strawberry.field(description="Opaque: something to quote, which leads to nobody.")
    def id(self) -> strawberry.ID:
        return global_id("Erasure", self.erased.id)

    @strawberry.field(description="When it was done.")
    def at(self) -> datetime:
        return self.erased.at

    @strawberry.field(description="How many orders are kept without the person.")
    def orders(self) -> int:
        return self.erased.orders


def wrap(erased: Erased | None) -> ErasureType | None:
    """Return an erasure as clients see it."""
    return None if erased is None else ErasureType(erased=erased)


@strawberry.input(description="A confirmed wish to be erased.")
class CustomerEraseInput:
    is_confirmed: bool = strawberry.field(
        description="True, once the customer has been told that it cannot be undone."
    )


@strawberry.type
class CustomerErasePayload:
    erasure: ErasureType | None
    user_errors: list[UserError]


@strawberry.type(
    name="PersonalDataExport",
    description="A copy of what the shop knows of a customer, as JSON; gone a day later.",
)
class PersonalDataExportType:
    export: strawberry.Private[Export]

    @strawberry.field(description="Opaque.")
    def id(self) -> strawberry.ID:
        return global_id("PersonalDataExport", self.export.id)

    @strawberry.field(description="When it was asked for.")
    def asked_at(self) -> datetime:
        return self.export.asked_at

    @strawberry.field(description="Null while it is being written.")
    def ready_at(self) -> datetime | None:
        return self.export.ready_at

    @strawberry.field(description="When the link ends: 24 hours from when it is ready.")
    def expires_at(self) -> datetime:
        return self.export.expires_at

    @strawberry.field(
        description="Where it is downloaded, by whoever holds the link: keep it secret. It is in "
        "the mail as well. Null until it is ready."
    )
    def url(self) -> str | None:
        return self.export.url


@strawberry.input(description="A copy of one's data.")
class PersonalDataExportInput:
    locale: str | None = strawberry.field(
        default=None, description="Of the mail, such as zh-CN; else that of the profile."
    )


@strawberry.type
class PersonalDataExportPayload:
    export: PersonalDataExportType | None
    user_errors: list[UserError]


def wrap_export(export: Export | None) -> PersonalDataExportType | None:
    """Return a copy as clients see it."""
    return None if export is None else PersonalDataExportType(export=export)


@strawberry.type
class OwnPrivacyMutation:
    """What a customer does about what is known of him."""

    @strawberry.mutation(
        description="Erase the customer who is signed in: account, addresses, consents, mails, "
        "and who he is on every order. Unpaid orders are cancelled; the others stay with their "
        "amounts. Needs a sign-in of the last ten minutes, and that no order is under way: see "
        "`ErasureBlockedError`. Every sign-in ends.",
        extensions=customer_only(),
    )
    async def customer_erase(self, info: Info, input: CustomerEraseInput) -> CustomerErasePayload:
        erased = await privacy.erase(info.context, is_confirmed=input.is_confirmed)
        return CustomerErasePayload(
            erasure=wrap(erased.value), user_errors=user_errors(erased.refusals)
        )

    @strawberry.mutation(
        description="Have a copy made of all that the shop knows of the customer who is signed in. "
        "A link is mailed when it is ready, and ends after 24 hours; it ends earlier when another "
        "copy is. One an hour: see `ExportTooSoonError`.",
        extensions=customer_only(),
    )
    async def personal_data_export(
        self, info: Info, input: PersonalDataExportInput
    ) -> PersonalDataExportPayload:
        asked = await privacy.export(info.context, locale=input.locale)
        return PersonalDataExportPayload(
            export=wrap_export(asked.value), user_errors=user_errors(asked.refusals)
        )
