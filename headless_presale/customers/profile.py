"""Who changes what is a customer's own: he himself, as long as his sign-in stands."""

from dataclasses import dataclass
from datetime import datetime

from headless_presale.customers.errors import SessionEnded
from headless_presale.customers.models import Customer
from headless_presale.customers.sessions import CustomerPrincipal
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.locales import read_locale
from headless_presale.kernel.texts import check_text
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.versions import check_version

LONGEST_NAME = 120
LONGEST_PHONE = 40

_LOCK = """
SELECT g.created_at FROM customer c JOIN customer_grant g ON g.customer_id = c.id
WHERE c.id = $1 AND g.id = $2 AND g.revoked_at IS NULL AND g.expires_at > $3
FOR NO KEY UPDATE OF c
"""


async def lock_customer(work: UnitOfWork, principal: CustomerPrincipal) -> datetime:
    """Let one change of a customer's follow the other; return when he signed in.

    Raises:
        SessionEnded: he has signed out, or been erased, since the request began.
    """
    row = await work.fetchrow(_LOCK, principal.customer.id, principal.grant_id, clock.now())
    if row is None:
        raise SessionEnded()
    signed_in_at: datetime = row["created_at"]
    return signed_in_at


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateProfile:
    """What a customer changes of his profile; None leaves a part as it is.

    Attributes:
        version: the version that was read.
        name, phone: an empty text takes it away.
        locale: the language of his mails.
    """

    version: int
    name: str | None = None
    phone: str | None = None
    locale: str | None = None

    def given(self) -> dict[str, str]:
        """Return what is to be set.

        Raises:
            InvalidInput: a text is too long or cannot be kept, or this is no language.
        """
        given: dict[str, str] = {}
        for name, text, longest in (
            ("name", self.name, LONGEST_NAME),
            ("phone", self.phone, LONGEST_PHONE),
        ):
            if text is not None:
                check_text(text.strip(), (name,), longest=longest, is_required=False)
                given[name] = text.strip()
        if self.locale is not None:
            given["locale"] = read_locale(self.locale, ("locale",))
        return given


@shielded
async def update_profile(principal: CustomerPrincipal, command: UpdateProfile) -> Customer:
    """Change a customer's profile. What is equal already changes nothing, the version included.

    Raises:
        InvalidInput: a part cannot be used; ``field`` names it.
        SessionEnded: he has signed out since the request began.
        VersionConflict: the profile has changed since it was read.
    """
    given = command.given()
    async with unit_of_work() as work:
        await lock_customer(work, principal)
        customer = await Customer.get(id=principal.customer.id)
        stored = {name: getattr(customer, name) for name in given}
        check_version(
            expected=command.version, current=customer.version, yours=given, stored=stored
        )
        if given == stored:
            return customer
        customer.update_from_dict({**given, "version": customer.version + 1})
        await customer.save(update_fields=[*given, "version"])
        reach("customers.profile_changed")
    return customer
