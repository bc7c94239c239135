"""How often codes may be asked for and tried, and who is counted with whom.

Apart from the limits of staff, so that nobody keeps a merchant out by way of his storefront.
"""

from datetime import timedelta

from headless_presale.identity.limits import Source, shared_address_limit
from headless_presale.identity.throttle import Key, Limit, forgive

CODE_TO_ADDRESSEE = Limit(
    name="customer-code-to",
    free=3,
    first_pause=60,
    longest_pause=3_600,
    decay=timedelta(days=1),
)
"""Whatever the shop: a mailbox is not filled by way of many."""
CODE_FROM_ADDRESS = shared_address_limit("customer-code-from")
TRY_FROM_ADDRESS = shared_address_limit("customer-try-from")
PROVIDER_FROM_ADDRESS = shared_address_limit("customer-provider-from")
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


async def forgive_code(email: str, source: Source) -> None:
    """Note that a code was right: of the address nothing is remembered, of the client no try."""
    asked_to, asked_from = code_keys(email, source)
    await forgive([asked_to], [asked_from, *try_keys(source)])
