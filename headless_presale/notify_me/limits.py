"""How often somebody may be put on a list, and who is counted with whom."""

from collections.abc import Sequence
from datetime import timedelta

from headless_presale.identity.limits import Source, shared_address_limit
from headless_presale.identity.throttle import Key, Limit

ASK_FOR_ADDRESSEE = Limit(
    name="notify-me-to",
    free=10,
    first_pause=3_600,
    longest_pause=86_400,
    decay=timedelta(days=1),
)
"""Ten a day, whatever the shop: a mailbox is not filled by way of many campaigns."""
ASK_FROM_ADDRESS = shared_address_limit("notify-me-from")


def ask_keys(address: str, source: Source) -> Sequence[Key]:
    """Return what asking counts under; whether the address is known does not matter."""
    return [Key(ASK_FOR_ADDRESSEE, address), Key(ASK_FROM_ADDRESS, source.host)]
