"""What a customer has consented to, and what he wants to be told by mail."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.customers.errors import NotificationMandatory
from headless_presale.customers.models import CustomerConsent, CustomerMailChoice
from headless_presale.customers.profile import lock_customer
from headless_presale.customers.sessions import CustomerPrincipal
from headless_presale.customers.states import (
    MANDATORY,
    ON_UNLESS_TURNED_OFF,
    ConsentKind,
    ConsentSource,
    NotificationKind,
)
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.texts import check_text
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

MOST_CONSENTS = 500
"""Beyond, one can only withdraw: what is written here stays."""

_STANDING = """
SELECT DISTINCT ON (kind) * FROM customer_consent WHERE customer_id = $1
ORDER BY kind, at DESC, id DESC
"""


@shielded
async def list_consents(customer_id: UUID) -> list[CustomerConsent]:
    """Return where each consent stands that was ever given: the last word of each kind."""
    async with unit_of_work() as work:
        return await _standing(work, customer_id)


async def _standing(work: UnitOfWork, customer_id: UUID) -> list[CustomerConsent]:
    rows = await work.fetch(_STANDING, customer_id)
    return [CustomerConsent._init_from_db(**dict(row)) for row in rows]


@shielded
async def give_consent(
    principal: CustomerPrincipal,
    kind: ConsentKind,
    *,
    text_version: str,
    source: ConsentSource,
    locale: str,
) -> CustomerConsent:
    """Note a consent to a version of a text, 1 to 40 characters. Saying it again changes nothing.

    Raises:
        InvalidInput: no version, or consents without end.
        SessionEnded: see ``lock_customer``.
    """
    check_text(text_version, ("text_version",), longest=40)
    async with unit_of_work() as work:
        standing = await _lock(work, principal, kind)
        if (
            standing is not None
            and standing.is_given
            and standing.text_version == text_version.strip()
        ):
            return standing
        if await CustomerConsent.filter(customer_id=principal.customer.id).count() >= MOST_CONSENTS:
            raise InvalidInput(reason="at most {most} consents", most=MOST_CONSENTS)
        return await _write(
            principal,
            kind,
            is_given=True,
            text_version=text_version.strip(),
            source=source,
            locale=locale,
        )


@shielded
async def withdraw_consent(
    principal: CustomerPrincipal, kind: ConsentKind, *, source: ConsentSource, locale: str
) -> CustomerConsent | None:
    """Note that a consent is withdrawn; None where there never was one. Safe to repeat.

    Raises:
        SessionEnded: see ``lock_customer``.
    """
    async with unit_of_work() as work:
        standing = await _lock(work, principal, kind)
        if standing is None or not standing.is_given:
            return standing
        return await _write(
            principal,
            kind,
            is_given=False,
            text_version=standing.text_version,
            source=source,
            locale=locale,
        )


async def _lock(
    work: UnitOfWork, principal: CustomerPrincipal, kind: ConsentKind
) -> CustomerConsent | None:
    await lock_customer(work, principal)
    standing = await _standing(work, principal.customer.id)
    return next((consent for consent in standing if consent.kind is kind), None)


async def _write(
    principal: CustomerPrincipal,
    kind: ConsentKind,
    *,
    is_given: bool,
    text_version: str,
    source: ConsentSource,
    locale: str,
) -> CustomerConsent:
    consent = await CustomerConsent.create(
        id=new_id(),
        customer_id=principal.customer.id,
        kind=kind,
        is_given=is_given,
        text_version=text_version,
        source=source,
        locale=locale,
        at=clock.now(),
    )
    reach("customers.consent_written")
    return consent


@dataclass(frozen=True, slots=True)
class MailChoice:
    """Whether mails of a kind are wanted. ``changed_at`` is None where nobody has chosen."""

    kind: NotificationKind
    is_on: bool
    changed_at: datetime | None

    @property
    def is_mandatory(self) -> bool:
        return self.kind in MANDATORY


@shielded
async def list_mail_choices(customer_id: UUID) -> list[MailChoice]:
    """Return the choice of every kind there is."""
    async with unit_of_work():
        rows = await CustomerMailChoice.filter(customer_id=customer_id)
    chosen = {row.kind: MailChoice(row.kind, row.is_on, row.changed_at) for row in rows}
    return [
        chosen.get(kind, MailChoice(kind, kind in ON_UNLESS_TURNED_OFF, None))
        for kind in NotificationKind
    ]


_CHOOSE = """
INSERT INTO customer_mail_choice AS kept (id, customer_id, kind, is_on, changed_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (customer_id, kind)
DO UPDATE SET is_on = excluded.is_on, changed_at = excluded.changed_at
WHERE kept.is_on <> excluded.is_on
"""


@shielded
async def choose_mail(
    principal: CustomerPrincipal, kind: NotificationKind, *, is_on: bool
) -> MailChoice:
    """Turn a kind of mails on or off. Safe to repeat; of two the later counts.

    Raises:
        NotificationMandatory: these cannot be turned off.
        SessionEnded: see ``lock_customer``.
    """
    if kind in MANDATORY:
        if not is_on:
            raise NotificationMandatory(field=("is_on",))
        return MailChoice(kind, is_on=True, changed_at=None)
    async with unit_of_work() as work:
        await lock_customer(work, principal)
        await work.execute(_CHOOSE, new_id(), principal.customer.id, str(kind), is_on, clock.now())
        reach("customers.mail_chosen")
        row = await CustomerMailChoice.get(customer_id=principal.customer.id, kind=kind)
    return MailChoice(kind, row.is_on, row.changed_at)


async def find_opted_out(
    work: UnitOfWork, shop_id: UUID, emails: Collection[str], kind: NotificationKind
) -> frozenset[str]:
    """Return which of these addresses, case-folded, want no mails of a kind from a shop.

    Whoever writes such mails asks here when it sends them, in one statement for a batch. An
    address without an account has made no choice: the kind's default counts.
    """
    rows = await work.fetch(
        "SELECT wanted.email FROM unnest($2::text[]) AS wanted(email) "
        "LEFT JOIN customer c ON c.shop_id = $1 AND c.email = wanted.email "
        "LEFT JOIN customer_mail_choice m ON m.customer_id = c.id AND m.kind = $3 "
        "WHERE NOT coalesce(m.is_on, $4)",
        shop_id,
        list(emails),
        str(kind),
        kind in ON_UNLESS_TURNED_OFF,
    )
    return frozenset(row["email"] for row in rows)
