"""Which campaigns somebody waits for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notify_me.people import person_of, read_address

MOST_SHOWN = 100

_OF_PERSON = f"""
SELECT w.campaign_id, w.consented_at, w.confirmed_at
FROM campaign_watcher w JOIN campaign c ON c.id = w.campaign_id
WHERE w.person = $1 AND w.told_at IS NULL AND w.email IS NOT NULL
  AND c.published_at IS NOT NULL AND c.status IN ('SCHEDULED', 'LIVE') AND c.opens_at > $2
  AND NOT EXISTS (SELECT 1 FROM notify_me_unsubscribed u WHERE u.person = w.person)
ORDER BY c.opens_at, c.id LIMIT {MOST_SHOWN}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A campaign that opens later, and since when somebody waits for it.

    Attributes:
        is_confirmed: False: the link of a mail has to be opened first.
    """

    campaign_id: UUID
    asked_at: datetime
    is_confirmed: bool


@shielded
async def list_awaited(shop_id: UUID, email: str) -> list[Awaited]:
    """Return what the owner of an address waits for, the next opening first; at most 100.

    Empty for whoever unsubscribed: he is told of none.

    Raises:
        InvalidInput: this is no address.
    """
    async with unit_of_work() as work:
        rows = await work.fetch(_OF_PERSON, person_of(shop_id, read_address(email)), clock.now())
    return [
        Awaited(
            campaign_id=row["campaign_id"],
            asked_at=row["consented_at"],
            is_confirmed=row["confirmed_at"] is not None,
        )
        for row in rows
    ]
