"""How often codes may be asked for and tried, and who is counted with whom.

Apart from the limits of staff, so that nobody keeps a merchant out by way of his storefront.
"""

from collections.abc import Sequence
from datetime import timedelta

from headless_presale.customers.errors import TooManySignIns
from headless_presale.identity.errors import TooManyAttempts
from headless_presale.identity.limits import Source
from headless_presale.identity.throttle import Key, Limit, forgive, take_attempt

CODE_TO_ADDRESSEE = Limit(
    name="customer-code-to",
    free=3,
    first_pause=60,
    longest_pause=3_600,
    decay=timedelta(days=1),
)
"""Whatever the shop: a mailbox is not filled by way of many."""
CODE_FROM_ADDRESS = Limit(
    name="customer-code-from",
    free=30,
    first_pause=2,
    longest_pause=900,
    decay=timedelta(hours=1),
)
"""Many buyers share an address on the day of a drop."""
TRY_FROM_ADDRESS = Limit(
    name="customer-try-from",
    free=30,
    first_pause=2,
    longest_pause=900,
    decay=timedelta(hours=1),
)
PROVIDER_FROM_ADDRESS = Limit(
    name="customer-provider-from",
    free=30,
    first_pause=2,
    longest_pause=900,
    decay=timedelta(hours=1),
)
"""What a provider outside vouches for is taken off again."""


def code_keys(email: str, source: Source) -> list[Key]:
    """Return what asking for a code counts under; whether there is an account does not matter."""
    return [Key(CODE_TO_ADDRESSEE, email), Key(CODE_FROM_ADDRESS, source.host)]


def try_keys(source: Source) -> list[Key]:
    """Return what trying a code counts under, beside the code's own five."""
    return [Key(TRY_FROM_ADDRESS, source.host)]


async def forget_requests(email: str) -> None:
    """Remember nothing of the codes that were asked for to an address."""
    await forgive([Key(CODE_TO_ADDRESSEE, email)])


def provider_keys(source: Source) -> list[Key]:
    """Return what signing in at a provider outside counts under."""
    return [Key(PROVIDER_FROM_ADDRESS, source.host)]


async def take(keys: Sequence[Key]) -> None:
    """Count an attempt.

    Raises:
        TooManySignIns: wait first.
    """
    try:
        await take_attempt(keys)
    except TooManyAttempts as error:
        raise TooManySignIns(retry_after_seconds=error.retry_after_seconds) from None
