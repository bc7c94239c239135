"""People who wait for a campaign to open."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from headless_presale.campaigns import (
    CampaignSnapshot,
    ShopRef,
    create_campaign,
    find_snapshot,
    publish_campaign,
)
from headless_presale.customers import Customer, NotificationKind
from headless_presale.customers.models import CustomerMailChoice
from headless_presale.identity.limits import Source
from headless_presale.kernel import clock
from headless_presale.kernel.ids import customer_id_of, new_id
from headless_presale.notifications import ListMailKind, Message, announcing, deliver
from headless_presale.notify_me import CampaignWatcher, NotifyMe, confirm_token, notify_me
from headless_presale.shops.models import Shop
from tests.support.shop import Sale, draft, make_shop, make_variant

TASKS: Mapping[str, Callable[[UUID], Awaitable[object]]] = {
    "ask_to_confirm": announcing.ask_to_confirm,
    "tell_watchers": announcing.tell_watchers,
}
EMAIL = "ann@example.com"
OPENS_IN = timedelta(days=2)
HERE = Source(address="192.0.2.1")


async def scheduled_sale(
    shop: Shop | None = None, *, sku: str = "FOX-1", is_confirmed: bool = False, **options: Any
) -> Sale:
    """Publish a campaign that opens in two days, in a shop of its own unless one is given.

    Args:
        is_confirmed: whether the shop tells people without having them confirm first.
    """
    shop = shop or await make_shop()
    await Shop.filter(id=shop.id).update(notify_double_opt_in=not is_confirmed)
    await make_variant(shop, sku)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    given = {"skus": (sku,), "opens_at": clock.now() + OPENS_IN, **options}
    campaign = await create_campaign(ref, draft(**given))
    await publish_campaign(campaign.id, default_locale="en")
    return Sale(shop, await snapshot_of(campaign.id))


async def snapshot_of(campaign_id: UUID) -> CampaignSnapshot:
    """Return a campaign as it is now."""
    found = await find_snapshot(campaign_id, fresh=True)
    assert found is not None
    return found


def wish(sale: Sale, email: str = EMAIL, **changes: Any) -> NotifyMe:
    """Return the wish of somebody who agreed."""
    given = {"locale": "en", "has_consented": True, "source": "drop page", **changes}
    return NotifyMe(campaign_id=sale.campaign.id, email=email, **given)


async def ask(sale: Sale, email: str = EMAIL, *, at: Source = HERE, **changes: Any) -> bool:
    """Put somebody on the list of a sale."""
    return await notify_me(wish(sale, email, **changes), asked_from=at)


async def put_on_list(
    admin: asyncpg.Connection, sale: Sale, count: int, *, at: datetime, start: int = 0
) -> None:
    """Put people on a list as if they had asked: ``ann1@example.com`` and so on."""
    await admin.execute(
        "INSERT INTO campaign_watcher (id, campaign_id, person, email, locale, source, "
        "consented_at, confirmed_at) SELECT gen_random_uuid(), $1, gen_random_uuid(), "
        "'ann' || n || '@example.com', 'en', '', $2, $2 FROM generate_series($3::int, $4) AS n",
        sale.campaign.id,
        at,
        start + 1,
        start + count,
    )


async def watcher_of(email: str = EMAIL) -> CampaignWatcher:
    """Return the one row of an address."""
    return await CampaignWatcher.get(email=email)


async def confirm_link(email: str = EMAIL) -> str:
    """Return what the confirming mail carries."""
    return confirm_token((await watcher_of(email)).id)


async def mails_written(admin: asyncpg.Connection, kind: ListMailKind) -> list[str]:
    """Run the jobs that decide who is written to; return to whom, in order."""
    await run_jobs(admin)
    rows = await Message.filter(kind=str(kind)).order_by("recipient")
    return [row.recipient for row in rows]


async def turn_off_openings(shop_id: UUID, email: str = EMAIL) -> None:
    """Let an address have an account in which it wants no mails about openings."""
    customer = await Customer.create(
        id=customer_id_of(shop_id, email),
        shop_id=shop_id,
        email=email,
        email_verified_at=clock.now(),
        locale="en",
        created_at=clock.now(),
    )
    await CustomerMailChoice.create(
        id=new_id(),
        customer_id=customer.id,
        kind=NotificationKind.CAMPAIGN_OPENINGS,
        is_on=False,
        changed_at=clock.now(),
    )


async def run_jobs(admin: asyncpg.Connection) -> list[str]:
    """Run the jobs that lists ask for, and those they ask for, but the sending; return of which."""
    done: list[str] = []
    while rows := await admin.fetch(
        "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE status = 'todo' "
        "AND task_name = ANY($1::text[]) RETURNING id, task_name, args",
        [f"notifications:{name}" for name in TASKS],
    ):
        for row in sorted(rows, key=lambda row: int(row["id"])):
            name = row["task_name"].partition(":")[2]
            await TASKS[name](UUID(*orjson.loads(row["args"]).values()))
            done.append(name)
    return done


async def send_all() -> None:
    """Send what is written and neither sent nor refused."""
    for message in await Message.filter(sent_at=None, failed_at=None).order_by("id"):
        await deliver(message.id)
