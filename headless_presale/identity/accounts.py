"""Accounts: people who may sign in."""

from email_validator import EmailNotValidError, validate_email

from headless_presale.identity.models import Account
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

MAX_EMAIL_LENGTH = 254


def fold_email(text: str, *, field: tuple[str, ...] = ("email",)) -> str:
    """Return an address as accounts are found by it: valid, and case-folded.

    Raises:
        InvalidInput: it is not an address.
    """
    try:
        found = validate_email(text.strip()[: MAX_EMAIL_LENGTH + 1], check_deliverability=False)
    except EmailNotValidError:
        raise InvalidInput(reason="this is not an e-mail address", field=field) from None
    return found.normalized.lower()


async def find_account(email: str) -> Account | None:
    """Return the account of an address, or None; anything may be asked."""
    try:
        return await Account.get_or_none(email=fold_email(email))
    except InvalidInput:
        return None


@shielded
async def ensure_account(email: str, *, name: str = "", locale: str = "en") -> Account:
    """Return the account of an address, made if there is none. Safe to repeat and to race.

    A new account cannot sign in yet: it has neither a password nor an identity elsewhere.

    Raises:
        InvalidInput: it is not an address.
    """
    address = fold_email(email)
    async with unit_of_work() as work:
        await work.execute(
            "INSERT INTO account (id, email, name, locale, created_at) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (email) DO NOTHING",
            new_id(),
            address,
            name,
            locale,
            clock.now(),
        )
        return await Account.get(email=address)
