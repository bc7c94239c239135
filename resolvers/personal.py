"""What is a customer's own: his addresses, what he has consented to, which mails he wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from headless_presale import customers
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
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_input_id
from resolvers.mutations import mutate
from resolvers.paging import CursorCodec, Page, PageRequest, page_by_id

CONSENT_CURSORS = CursorCodec("consents", str, UUID)


@reads
async def list_addresses(customer: Customer) -> Sequence[SavedAddress]:
    """Return the customer's address book."""
    return await customers.list_addresses(customer.id)


async def add_address(
    context: RequestContext, entry: AddressEntry, *, is_default: bool
) -> Answer[SavedAddress]:
    """Add an address."""
    return await mutate(
        context, customers.add_address(context.customer, entry, is_default=is_default)
    )


async def change_address(
    context: RequestContext, address_id: str, entry: AddressEntry, *, version: int
) -> Answer[SavedAddress]:
    """Replace an address."""

    async def change() -> SavedAddress:
        return await customers.change_address(
            context.customer, _address_id(address_id), entry, version=version
        )

    return await mutate(context, change())


async def remove_address(context: RequestContext, address_id: str) -> Answer[UUID]:
    """Take an address out."""

    async def remove() -> UUID:
        return await customers.remove_address(context.customer, _address_id(address_id))

    return await mutate(context, remove())


async def set_default_address(context: RequestContext, address_id: str) -> Answer[SavedAddress]:
    """Make an address the default."""

    async def prefer() -> SavedAddress:
        return await customers.set_default_address(context.customer, _address_id(address_id))

    return await mutate(context, prefer())


def _address_id(text: str) -> UUID:
    return read_input_id(text, "CustomerAddress", ("address_id",))


@reads
async def list_consents(customer: Customer) -> Sequence[CustomerConsent]:
    """Return where each consent stands."""
    return await customers.list_consents(customer.id)


@reads
async def page_of_consents(customer: Customer, request: PageRequest) -> Page[CustomerConsent]:
    """Return what was consented to and withdrawn, the newest first."""
    rows = CustomerConsent.filter(customer_id=customer.id)
    return await page_by_id(rows, request, cursors=CONSENT_CURSORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWish:
    """A consent as a client sent it."""

    kind: ConsentKind
    text_version: str
    source: ConsentSource


async def give_consent(context: RequestContext, wish: ConsentWish) -> Answer[CustomerConsent]:
    """Note a consent."""
    return await mutate(
        context,
        customers.give_consent(
            context.customer,
            wish.kind,
            text_version=wish.text_version,
            source=wish.source,
            locale=context.locale,
        ),
    )


async def withdraw_consent(
    context: RequestContext, kind: ConsentKind, source: ConsentSource
) -> Answer[CustomerConsent | None]:
    """Note that a consent is withdrawn."""
    return await mutate(
        context,
        customers.withdraw_consent(context.customer, kind, source=source, locale=context.locale),
    )


@reads
async def list_mail_choices(customer: Customer) -> Sequence[MailChoice]:
    """Return which mails the customer wants."""
    return await customers.list_mail_choices(customer.id)


async def choose_mail(
    context: RequestContext, kind: NotificationKind, *, is_on: bool
) -> Answer[MailChoice]:
    """Turn a kind of mails on or off."""
    return await mutate(context, customers.choose_mail(context.customer, kind, is_on=is_on))
