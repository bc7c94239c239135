"""Asking to be told of an opening, and confirming it by a mailed link.

What is asked is done in the same statements for an address that is new, known or unsubscribed, so
that neither the answer nor its time tells which. Whether a mail goes out is decided by a job.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.campaigns import CampaignNotFound, CampaignStatus, status_at
from headless_presale.identity.limits import Source
from headless_presale.identity.throttle import take_attempt
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.texts import read_description
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.notify_me.errors import NotifyMeClosed
from headless_presale.notify_me.events import NotifyMeAsked, NotifyMeConfirmed
from headless_presale.notify_me.limits import ask_keys
from headless_presale.notify_me.models import CampaignWatcher
from headless_presale.notify_me.people import person_of, read_address, read_confirm_token

MAX_SOURCE_LENGTH = 100

# Shared: the sweep that opens the campaign waits for those who ask in its last moment, so that
# whoever got the answer "we will tell you" is on the list when it is read.
_CAMPAIGN = """
SELECT c.shop_id, c.status, c.opens_at, c.closes_at, c.published_at, s.notify_double_opt_in
FROM campaign c JOIN shop s ON s.id = c.shop_id WHERE c.id = $1 FOR SHARE OF c
"""
# What was agreed first stays as it is: a stranger who knows an address changes nothing of it.
_PUT_ON_LIST = """
INSERT INTO campaign_watcher AS known (id, campaign_id, person, email, locale, source,
                                       consented_at, confirmed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (campaign_id, person) DO UPDATE
SET confirmed_at = coalesce(known.confirmed_at, excluded.confirmed_at) RETURNING id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyMe:
    """A wish to be told when a campaign opens.

    Attributes:
        has_consented: whether the person agreed to be mailed; nothing is kept without it.
        source: where that was, in the storefront's words: ``drop page``. May be empty.
    """

    campaign_id: UUID
    email: str
    locale: str
    has_consented: bool
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Where a campaign stands that somebody waits for."""

    watcher_id: UUID
    campaign_id: UUID
    status: CampaignStatus
    opens_at: datetime


async def notify_me(wish: NotifyMe, *, asked_from: Source) -> bool:
    """Put somebody on the list of a campaign that has not opened. Once; asking again is no more.

    Returns:
        Whether the shop asks everybody to confirm by mail first.

    Raises:
        InvalidInput: no consent, no address, or a source that cannot be kept.
        TooManyAttempts: wait first. An address that is known counts in the same way.
        CampaignNotFound: there is none, or it is not published.
        NotifyMeClosed: it has opened, or is over.
    """
    if not wish.has_consented:
        raise InvalidInput(reason="a mail needs the consent of who gets it", field=("consent",))
    address = read_address(wish.email)
    read_description(wish.source, ("source",), longest=MAX_SOURCE_LENGTH)
    await take_attempt(ask_keys(address, asked_from))
    return await put_on_list(wish, address)


@shielded
async def put_on_list(wish: NotifyMe, address: str) -> bool:
    """Write who waits, and ask for the confirming mail where the shop wants one."""
    at = clock.now()
    async with unit_of_work() as work:
        campaign = await work.fetchrow(_CAMPAIGN, wish.campaign_id)
        if campaign is None or campaign["published_at"] is None:
            raise CampaignNotFound(field=("campaign_id",))
        status = status_at(
            CampaignStatus(campaign["status"]),
            opens_at=campaign["opens_at"],
            closes_at=campaign["closes_at"],
            at=at,
        )
        if status is not CampaignStatus.SCHEDULED:
            raise NotifyMeClosed(status=str(status), field=("campaign_id",))
        needs_confirmation: bool = campaign["notify_double_opt_in"]
        row = await work.fetchrow(
            _PUT_ON_LIST,
            new_id(),
            wish.campaign_id,
            person_of(campaign["shop_id"], address),
            address,
            wish.locale,
            wish.source.strip(),
            at,
            None if needs_confirmation else at,
        )
        reach("notify_me.listed")
        assert row is not None
        if needs_confirmation:
            work.emit(NotifyMeAsked(watcher_id=row["id"]))
    return needs_confirmation


@shielded
async def find_waiting(token: str) -> Waiting | None:
    """Return what the link of a confirming mail is about; None if it leads nowhere."""
    watcher_id = read_confirm_token(token)
    if watcher_id is None:
        return None
    async with unit_of_work() as work:
        return await _read_waiting(work, watcher_id)


@shielded
async def confirm(token: str) -> Waiting | None:
    """Note that the owner of an address wants to be told. Safe to repeat.

    Should the campaign be open by now, he is told at once. What he unsubscribed from before, he
    has asked for again.

    Returns:
        What the link is about; None if it leads nowhere.
    """
    watcher_id = read_confirm_token(token)
    if watcher_id is None:
        return None
    async with unit_of_work() as work:
        waiting = await _read_waiting(work, watcher_id)
        if waiting is None:
            return None
        row = await work.fetchrow(
            "UPDATE campaign_watcher SET confirmed_at = $2 "
            "WHERE id = $1 AND confirmed_at IS NULL RETURNING person",
            watcher_id,
            clock.now(),
        )
        reach("notify_me.confirmed")
        if row is not None:
            await work.execute(
                "DELETE FROM notify_me_unsubscribed WHERE person = $1", row["person"]
            )
            reach("notify_me.wanted_again")
            work.emit(NotifyMeConfirmed(watcher_id=watcher_id, campaign_id=waiting.campaign_id))
    return waiting


async def _read_waiting(work: UnitOfWork, watcher_id: UUID) -> Waiting | None:
    watcher = await CampaignWatcher.get_or_none(id=watcher_id).select_related("campaign")
    if watcher is None:
        return None
    campaign = watcher.campaign
    return Waiting(
        watcher_id=watcher.id,
        campaign_id=campaign.id,
        status=status_at(
            campaign.status,
            opens_at=campaign.opens_at,
            closes_at=campaign.closes_at,
            at=clock.now(),
        ),
        opens_at=campaign.opens_at,
    )
