"""What is a customer's own: addresses, consents, which mails he wants."""

from datetime import datetime

import strawberry

from headless_presale.customers import (
    AddressEntry,
    ConsentKind,
    ConsentSource,
    Customer,
    CustomerConsent,
    MailChoice,
    NotificationKind,
    SavedAddress,
)
from resolvers import personal
from resolvers.personal import ConsentWish
from schema.described import register_enum
from schema.errors import UserError, user_errors
from schema.inputs import PostalAddressInput
from schema.nodes import (
    After,
    Before,
    Connection,
    First,
    Info,
    Last,
    connect,
    global_id,
    page_request,
)
from schema.orders import PostalAddress
from schema.permissions import customer_only

register_enum(
    ConsentKind,
    description="What one can consent to.",
    values={
        "PRIVACY_POLICY": "How the shop treats what it knows of its customers.",
        "TERMS_OF_SERVICE": "The shop's own terms; a campaign's are accepted with each order.",
        "PERSONALISATION": "To be shown what fits what one did before.",
        "DATA_SHARING": "That others are given what the shop knows.",
    },
)
register_enum(
    ConsentSource,
    description="Where somebody was asked.",
    values={
        "ACCOUNT": "On the pages of his account.",
        "CHECKOUT": "While ordering.",
        "SIGN_IN": "While signing in.",
        "BANNER": "By a banner, such as one about cookies.",
    },
)
register_enum(
    NotificationKind,
    description="Kinds of mails. `ORDERS` and `SECURITY` cannot be turned off; `NEWS` is off until "
    "it is turned on.",
    values={
        "ORDERS": "About one's own orders: confirmations, reminders, refunds.",
        "SECURITY": "About one's account: codes to sign in with, copies of one's data.",
        "CAMPAIGN_OPENINGS": "That a campaign has opened which one asked to be told of.",
        "NEWS": "What else the shop has to tell.",
    },
)


@strawberry.type(name="CustomerAddress", description="An address of one's address book.")
class CustomerAddressType:
    saved: strawberry.Private[SavedAddress]

    @strawberry.field(description="Opaque.")
    def id(self) -> strawberry.ID:
        return global_id("CustomerAddress", self.saved.row.id)

    @strawberry.field(description="Who receives it.")
    def name(self) -> str:
        return self.saved.row.name

    @strawberry.field(description="For the carrier. Null where none was given.")
    def phone(self) -> str | None:
        return self.saved.row.phone

    @strawberry.field(description="Where it is, in the shape that inputs take.")
    def address(self) -> PostalAddress:
        row = self.saved.row
        return PostalAddress(
            country=row.country,
            city=row.city,
            line1=row.line1,
            line2=row.line2,
            region=row.region,
            postal_code=row.postal_code,
        )

    @strawberry.field(description="Whether it is the default; one of them is.")
    def is_default(self) -> bool:
        return self.saved.is_default

    @strawberry.field(description="Rises with each change; `addressUpdate` carries it.")
    def version(self) -> int:
        return self.saved.row.version

    @strawberry.field(description="When it was added.")
    def created_at(self) -> datetime:
        return self.saved.row.created_at

    @strawberry.field(description="When it was changed last.")
    def updated_at(self) -> datetime:
        return self.saved.row.updated_at


@strawberry.type(description="A consent that was given or withdrawn.")
class Consent:
    row: strawberry.Private[CustomerConsent]

    @strawberry.field(description="Opaque.")
    def id(self) -> strawberry.ID:
        return global_id("Consent", self.row.id)

    @strawberry.field(description="To what.")
    def kind(self) -> ConsentKind:
        return self.row.kind

    @strawberry.field(description="False: it was withdrawn.")
    def is_given(self) -> bool:
        return self.row.is_given

    @strawberry.field(description="The version of the text it is to, or was to.")
    def text_version(self) -> str:
        return self.row.text_version

    @strawberry.field(description="Where it was asked for.")
    def source(self) -> ConsentSource:
        return self.row.source

    @strawberry.field(description="The language of the request that said so.")
    def locale(self) -> str:
        return self.row.locale

    @strawberry.field(description="When it was given or withdrawn.")
    def at(self) -> datetime:
        return self.row.at


@strawberry.type(description="Whether mails of a kind are wanted.")
class NotificationChoice:
    choice: strawberry.Private[MailChoice]

    @strawberry.field(description="Which mails.")
    def kind(self) -> NotificationKind:
        return self.choice.kind

    @strawberry.field(description="Whether they are sent.")
    def is_on(self) -> bool:
        return self.choice.is_on

    @strawberry.field(description="They cannot be turned off.")
    def is_mandatory(self) -> bool:
        return self.choice.is_mandatory

    @strawberry.field(description="Null if nothing was chosen yet.")
    def changed_at(self) -> datetime | None:
        return self.choice.changed_at


@strawberry.type
class PersonalFields:
    """Fields of ``Customer``, which is seen by nobody but himself; no type by itself."""

    customer: strawberry.Private[Customer]

    @strawberry.field(
        description="The address book: the default first, then the newest; at most 20."
    )
    async def addresses(self) -> list[CustomerAddressType]:
        saved = await personal.list_addresses(self.customer)
        return [CustomerAddressType(saved=address) for address in saved]

    @strawberry.field(description="The last word on each kind of consent that was ever given.")
    async def consents(self) -> list[Consent]:
        return [Consent(row=row) for row in await personal.list_consents(self.customer)]

    @strawberry.field(description="Every consent and withdrawal, the newest first.")
    async def consent_history(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Consent]:
        request = page_request(first, after, last, before)
        page = await personal.page_of_consents(self.customer, request)
        return connect(page, lambda row: Consent(row=row))

    @strawberry.field(description="Every kind of mails, and whether it is wanted.")
    async def notification_choices(self) -> list[NotificationChoice]:
        choices = await personal.list_mail_choices(self.customer)
        return [NotificationChoice(choice=choice) for choice in choices]


@strawberry.input(description="An address for the book, by the rules of an order's.")
class AddressAddInput:
    name: str = strawberry.field(description="Who receives it: 1 to 200 characters.")
    phone: str | None = strawberry.field(default=None, description="At most 40 characters.")
    address: PostalAddressInput = strawberry.field(description="Where it is.")
    is_default: bool = strawberry.field(
        default=False, description="The first is the default in any case."
    )


@strawberry.input(description="The whole address as it is to be from now on.")
class AddressUpdateInput:
    address_id: strawberry.ID = strawberry.field(description="`CustomerAddress.id`.")
    name: str = strawberry.field(description="Who receives it: 1 to 200 characters.")
    phone: str | None = strawberry.field(default=None, description="At most 40 characters.")
    address: PostalAddressInput = strawberry.field(description="Where it is: all of it.")
    version: int = strawberry.field(description="`CustomerAddress.version` as it was read.")


@strawberry.input(description="An address to remove.")
class AddressRemoveInput:
    address_id: strawberry.ID = strawberry.field(description="`CustomerAddress.id`.")


@strawberry.input(description="An address to be the default.")
class AddressSetDefaultInput:
    address_id: strawberry.ID = strawberry.field(description="`CustomerAddress.id`.")


@strawberry.input(description="What was agreed to.")
class ConsentGiveInput:
    kind: ConsentKind = strawberry.field(description="To what.")
    text_version: str = strawberry.field(
        description="The version of the text that was shown, 1 to 40 characters."
    )
    source: ConsentSource = strawberry.field(
        default=ConsentSource.ACCOUNT, description="Where it was asked for."
    )


@strawberry.input(description="What is agreed to no longer.")
class ConsentWithdrawInput:
    kind: ConsentKind = strawberry.field(description="To what.")
    source: ConsentSource = strawberry.field(
        default=ConsentSource.ACCOUNT, description="Where it was withdrawn."
    )


@strawberry.input(description="A kind of mails to turn on or off.")
class NotificationChoiceSetInput:
    kind: NotificationKind = strawberry.field(description="Which mails.")
    is_on: bool = strawberry.field(description="Whether they are to be sent.")


@strawberry.type
class AddressAddPayload:
    address: CustomerAddressType | None
    user_errors: list[UserError]


@strawberry.type
class AddressUpdatePayload:
    address: CustomerAddressType | None
    user_errors: list[UserError]


@strawberry.type
class AddressRemovePayload:
    address_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type
class AddressSetDefaultPayload:
    address: CustomerAddressType | None
    user_errors: list[UserError]


@strawberry.type
class ConsentGivePayload:
    consent: Consent | None
    user_errors: list[UserError]


@strawberry.type
class ConsentWithdrawPayload:
    consent: Consent | None = strawberry.field(
        description="Null also if none was ever given: there was nothing to withdraw."
    )
    user_errors: list[UserError]


@strawberry.type
class NotificationChoiceSetPayload:
    choice: NotificationChoice | None
    user_errors: list[UserError]


def _address(saved: SavedAddress | None) -> CustomerAddressType | None:
    return None if saved is None else CustomerAddressType(saved=saved)


def _consent(row: CustomerConsent | None) -> Consent | None:
    return None if row is None else Consent(row=row)


@strawberry.type
class PersonalMutation:
    """What a customer changes of his own."""

    @strawberry.mutation(
        description="Add an address to the book, which holds 20.", extensions=customer_only()
    )
    async def address_add(self, info: Info, input: AddressAddInput) -> AddressAddPayload:
        entry = AddressEntry(name=input.name, phone=input.phone, address=input.address.to_address())
        saved = await personal.add_address(info.context, entry, is_default=input.is_default)
        return AddressAddPayload(
            address=_address(saved.value), user_errors=user_errors(saved.refusals)
        )

    @strawberry.mutation(
        description="Replace an address. Orders that were placed keep theirs.",
        extensions=customer_only(),
    )
    async def address_update(self, info: Info, input: AddressUpdateInput) -> AddressUpdatePayload:
        entry = AddressEntry(name=input.name, phone=input.phone, address=input.address.to_address())
        saved = await personal.change_address(
            info.context, input.address_id, entry, version=input.version
        )
        return AddressUpdatePayload(
            address=_address(saved.value), user_errors=user_errors(saved.refusals)
        )

    @strawberry.mutation(
        description="Remove an address. If it was the default, the one preferred before it is.",
        extensions=customer_only(),
    )
    async def address_remove(self, info: Info, input: AddressRemoveInput) -> AddressRemovePayload:
        gone = await personal.remove_address(info.context, input.address_id)
        return AddressRemovePayload(
            address_id=None if gone.value is None else input.address_id,
            user_errors=user_errors(gone.refusals),
        )

    @strawberry.mutation(
        description="Make an address the default. Of two requests the later counts.",
        extensions=customer_only(),
    )
    async def address_set_default(
        self, info: Info, input: AddressSetDefaultInput
    ) -> AddressSetDefaultPayload:
        saved = await personal.set_default_address(info.context, input.address_id)
        return AddressSetDefaultPayload(
            address=_address(saved.value), user_errors=user_errors(saved.refusals)
        )

    @strawberry.mutation(
        description="Record a consent; to the same version of the same text, once.",
        extensions=customer_only(),
    )
    async def consent_give(self, info: Info, input: ConsentGiveInput) -> ConsentGivePayload:
        wish = ConsentWish(kind=input.kind, text_version=input.text_version, source=input.source)
        given = await personal.give_consent(info.context, wish)
        return ConsentGivePayload(
            consent=_consent(given.value), user_errors=user_errors(given.refusals)
        )

    @strawberry.mutation(
        description="Record that a consent is withdrawn. Safe to repeat.",
        extensions=customer_only(),
    )
    async def consent_withdraw(
        self, info: Info, input: ConsentWithdrawInput
    ) -> ConsentWithdrawPayload:
        withdrawn = await personal.withdraw_consent(info.context, input.kind, input.source)
        return ConsentWithdrawPayload(
            consent=_consent(withdrawn.value), user_errors=user_errors(withdrawn.refusals)
        )

    @strawberry.mutation(
        description="Turn a kind of mails on or off, from the next mail on.",
        extensions=customer_only(),
    )
    async def notification_choice_set(
        self, info: Info, input: NotificationChoiceSetInput
    ) -> NotificationChoiceSetPayload:
        chosen = await personal.choose_mail(info.context, input.kind, is_on=input.is_on)
        choice = None if chosen.value is None else NotificationChoice(choice=chosen.value)
        return NotificationChoiceSetPayload(choice=choice, user_errors=user_errors(chosen.refusals))
