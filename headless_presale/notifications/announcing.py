"""Mails to those who wait for a campaign: one that has them confirm, one when it opens.

An opening asks for one job. That job writes to so many at a time and asks for itself again, behind
the mails it has asked for: the queue holds a few hundred jobs, however long the list is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from headless_presale.campaigns import (
    CampaignOpened,
    CampaignSnapshot,
    CampaignStatus,
    ItemSnapshot,
    find_snapshot,
    is_sellable,
)
from headless_presale.identity import issuer
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import current_work, shielded, unit_of_work
from headless_presale.notifications.formats import one_line
from headless_presale.notifications.models import ListMailKind, Message
from headless_presale.notifications.writing import Letter, write_message, write_messages
from headless_presale.notify_me import (
    NotifyMeAsked,
    NotifyMeConfirmed,
    WatcherState,
    claim_watchers,
    confirm_token,
    find_watcher,
    find_watchers,
    is_awaited,
    unsubscribe_token,
)
from headless_presale.shops import Shop, get_shop_by_id, mail_locale, shop_name

QUEUE = "announcements"
AT_ONCE = 500
"""How many are written to in one transaction."""
SENT_AT_ONCE = 25
"""How many of their mails one job sends."""
ASK_AGAIN_AFTER = timedelta(days=1)
"""How long it takes until a confirming mail that was lost can be asked for again."""
MOST_ITEMS = 5
"""How many of a campaign's items a mail lists."""

CampaignLink = Callable[[str, str, UUID], str]

_campaign_link: CampaignLink | None = None


def set_campaign_link(link: CampaignLink | None) -> None:
    """Install what makes a campaign's address in a storefront of slug, handle and id."""
    global _campaign_link
    _campaign_link = link


async def on_campaign_opened(event: CampaignOpened) -> None:
    """Have those told who wait for it, if anybody does."""
    if await is_awaited(current_work(), event.campaign_id):
        await _ask_to_tell(event.campaign_id)


async def on_notify_me_asked(event: NotifyMeAsked) -> None:
    """Have the address confirmed. A job decides whether: who asked cannot tell by the time."""
    await defer("notifications:ask_to_confirm", watcher_id=str(event.watcher_id))


async def on_notify_me_confirmed(event: NotifyMeConfirmed) -> None:
    """Tell at once who confirms when the campaign has opened already."""
    state = await find_watcher(event.watcher_id)
    if state is not None and state.status is CampaignStatus.LIVE:
        await _ask_to_tell(event.campaign_id)


async def _ask_to_tell(campaign_id: UUID) -> None:
    await defer(
        "notifications:tell_watchers",
        queue=QUEUE,
        priority=-1,
        queueing_lock=f"notifications:tell:{campaign_id}",
        campaign_id=str(campaign_id),
    )


@shielded
async def ask_to_confirm(watcher_id: UUID) -> None:
    """Write the confirming mail, if it is still to be confirmed; one a day, however often asked.

    Nobody who unsubscribed from the shop gets one, whoever typed the address.
    """
    state = await find_watcher(watcher_id)
    if state is None or state.confirmed_at is not None or state.is_unsubscribed:
        return
    campaign = await find_snapshot(state.campaign_id, fresh=True)
    if campaign is None or campaign.status(clock.now()) is not CampaignStatus.SCHEDULED:
        return
    shop = await get_shop_by_id(campaign.shop_id)
    watcher = state.watcher
    locale = mail_locale(shop, watcher.locale)
    at = clock.now()
    async with unit_of_work() as work:
        # One row for each person: the mail of another day makes room.
        await work.execute(
            "DELETE FROM message WHERE kind = $1 AND subject_id = $2 AND created_at <= $3 "
            "AND (sent_at IS NOT NULL OR failed_at IS NOT NULL)",
            ListMailKind.NOTIFY_ME_CONFIRM,
            watcher.id,
            at - ASK_AGAIN_AFTER,
        )
        reach("notify_me.mail_made_room")
        await write_message(
            ListMailKind.NOTIFY_ME_CONFIRM,
            watcher.id,
            recipient=watcher.email,
            locale=locale,
            context={
                **_shared_facts(campaign, shop, locale),
                "watcher_id": str(watcher.id),
                "person": str(watcher.person),
                "opens_at": campaign.opens_at.isoformat(),
            },
        )


@shielded
async def tell_watchers(campaign_id: UUID) -> int:
    """Write to some of those who wait for a campaign that is open; return to how many.

    Each is written to once: the note of it, the mail and its job are one transaction. A campaign
    that is cancelled or over tells nobody any more. Safe to repeat and to race.
    """
    campaign = await find_snapshot(campaign_id, fresh=True)
    if campaign is None or not is_sellable(campaign):
        return 0
    shop = await get_shop_by_id(campaign.shop_id)
    facts: dict[str, dict[str, Any]] = {}
    async with unit_of_work() as work:
        claimed = await claim_watchers(work, campaign_id, shop_id=shop.id, limit=AT_ONCE)
        letters = []
        for watcher in claimed.watchers:
            locale = mail_locale(shop, watcher.locale)
            if locale not in facts:
                facts[locale] = opening_facts(campaign, shop, locale)
            ids = {"watcher_id": str(watcher.id), "person": str(watcher.person)}
            letters.append(
                Letter(
                    subject_id=watcher.id,
                    recipient=watcher.email,
                    locale=locale,
                    context={**facts[locale], **ids},
                )
            )
        if letters:
            await write_messages(
                ListMailKind.CAMPAIGN_OPENED, letters, queue=QUEUE, sent_at_once=SENT_AT_ONCE
            )
        if not claimed.is_last:
            await _ask_to_tell(campaign_id)
    return len(letters)


async def find_obstacles(messages: Sequence[Message]) -> Mapping[UUID, str]:
    """Return which mails to people on lists are not to be sent now that they could be, and why.

    A list is long and mails are slow: meanwhile one unsubscribes, or the campaign is called off.
    """
    watchers = {
        message.id: UUID(message.context["watcher_id"])
        for message in messages
        if message.kind in list(ListMailKind)
    }
    if not watchers:
        return {}
    states = await find_watchers(watchers.values())
    found = {
        message.id: _obstacle(ListMailKind(message.kind), states.get(watchers[message.id]))
        for message in messages
        if message.id in watchers
    }
    return {id_: obstacle for id_, obstacle in found.items() if obstacle is not None}


def _obstacle(kind: ListMailKind, state: WatcherState | None) -> str | None:
    if state is None:
        return "nobody waits any more"
    if state.is_unsubscribed:
        return "unsubscribed"
    is_opening = kind is ListMailKind.CAMPAIGN_OPENED
    if not is_opening and state.confirmed_at is not None:
        return "confirmed already"
    if state.status is not (CampaignStatus.LIVE if is_opening else CampaignStatus.SCHEDULED):
        return f"the campaign is {state.status}"
    return None


def list_mail_link(message: Message) -> str | None:
    """Return where the button of a mail to somebody on a list leads; None where nowhere."""
    facts = message.context
    if message.kind == ListMailKind.NOTIFY_ME_CONFIRM:
        return f"{issuer()}/notify-me/confirm?token={confirm_token(UUID(facts['watcher_id']))}"
    if _campaign_link is None:
        return None
    return _campaign_link(facts["shop"], facts["handle"], UUID(facts["campaign_id"]))


def unsubscribe_link(message: Message) -> str:
    """Return where whoever gets a mail of a list leaves it. The token is stored nowhere."""
    token = unsubscribe_token(UUID(message.context["person"]))
    return f"{issuer()}/notify-me/unsubscribe?token={token}"


def opening_facts(campaign: CampaignSnapshot, shop: Shop, locale: str) -> dict[str, Any]:
    """Return what the mail of an opening states in a language, beside to whom it goes."""
    listed = campaign.items[:MOST_ITEMS]
    return {
        **_shared_facts(campaign, shop, locale),
        "currency": campaign.currency,
        "closes_at": campaign.closes_at.isoformat(),
        "items": [_item_facts(campaign, item, locale) for item in listed],
        "more_items": len(campaign.items) - len(listed),
    }


def _shared_facts(campaign: CampaignSnapshot, shop: Shop, locale: str) -> dict[str, Any]:
    texts = campaign.texts(locale, default_locale=shop.default_locale)
    return {
        "shop": shop.slug,
        "shop_name": one_line(shop_name(shop, locale)),
        "campaign_id": str(campaign.id),
        "handle": campaign.handle,
        "campaign_title": one_line(texts["title"]),
    }


def _item_facts(campaign: CampaignSnapshot, item: ItemSnapshot, locale: str) -> dict[str, Any]:
    # What the first slot costs as the campaign opens.
    first = item.quote(opens_at=campaign.opens_at, at=campaign.opens_at, number=1)
    return {
        "title": one_line(item.title(locale)),
        "price_minor": first.unit_price.amount_minor,
        "list_price_minor": item.list_price.amount_minor,
        "ends_at": first.ends_at.isoformat() if first.ends_at else None,
        "ends_after_number": first.ends_after_number,
    }
