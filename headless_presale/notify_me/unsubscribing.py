"""Unsubscribing: from a shop, by a link that needs no sign-in, for good unless taken back."""

from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notify_me.people import read_unsubscribe_token


@shielded
async def is_unsubscribed(token: str) -> bool | None:
    """Tell whether the person of a link gets no mails any more; None for a link of nobody."""
    person = read_unsubscribe_token(token)
    if person is None:
        return None
    async with unit_of_work() as work:
        row = await work.fetchrow("SELECT 1 FROM notify_me_unsubscribed WHERE person = $1", person)
    return row is not None


@shielded
async def unsubscribe(token: str) -> bool:
    """Send no more mails about campaigns of this shop. Safe to repeat; False for a foreign link.

    It holds for every campaign, those that the person has yet to ask for included, and for mails
    that are written and not sent.
    """
    person = read_unsubscribe_token(token)
    if person is None:
        return False
    async with unit_of_work() as work:
        await work.execute(
            "INSERT INTO notify_me_unsubscribed (person, created_at) VALUES ($1, $2) "
            "ON CONFLICT (person) DO NOTHING",
            person,
            clock.now(),
        )
        reach("notify_me.unsubscribed")
    return True


@shielded
async def resubscribe(token: str) -> bool:
    """Send mails again: the person has thought better of it. Safe to repeat."""
    person: UUID | None = read_unsubscribe_token(token)
    if person is None:
        return False
    async with unit_of_work() as work:
        await work.execute("DELETE FROM notify_me_unsubscribed WHERE person = $1", person)
        reach("notify_me.taken_back")
    return True
