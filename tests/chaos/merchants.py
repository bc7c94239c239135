"""Merchants: they open campaigns, add batches and call campaigns off while everybody buys.

They use the product's services in this process, on the engines themselves: what breaks between
them and the database is the database, not a wire.
"""

import asyncio
import contextlib
import random
from datetime import date, timedelta
from typing import Any

from headless_presale.campaigns import (
    CampaignDraft,
    ShopRef,
    add_batch,
    cancel_campaign,
    change_capacity,
    create_campaign,
    extend_campaign,
    find_snapshot,
    publish_campaign,
    sweep_openings_and_closings,
)
from headless_presale.kernel import clock
from headless_presale.kernel.errors import DomainError, Unavailable
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.shops import CreateShop, Shop, create_shop
from tests.chaos.buyers import HOLD_SECONDS
from tests.chaos.journal import Journal
from tests.chaos.market import SHOP, Market, OpenCampaign, OpenItem
from tests.chaos.till import Till
from tests.support.shop import make_variant

SKUS = ("FOX-1", "OWL-1")
SHIPS_BY = timedelta(days=90)
LOOK_EVERY_SECONDS = 0.5
CANCEL_REASON = "the maker called it off"
ENOUGH_ON_OFFER = 25
"""Fewer free slots than this, and another campaign opens."""
SHORT_SECONDS = 6
WEBHOOKS: tuple[dict[str, Any], ...] = (
    {},
    {"copies": 2},
    {"copies": 3, "order": "reversed"},
    {"delay_seconds": 1.0},
)
"""How a gateway may tell: twice, late, in another order."""


async def open_shop() -> Shop:
    """Create the shop and what it sells."""
    shop = await create_shop(CreateShop(slug=SHOP, name="Atelier", currency="USD"))
    for index, sku in enumerate(SKUS):
        await make_variant(shop, sku, price_minor=10_000 + 2_500 * index, title=sku)
    return shop


class Merchants:
    """Keeps the market going until told to stop."""

    def __init__(
        self, shop: Shop, market: Market, till: Till, journal: Journal, *, seed: int
    ) -> None:
        self._shop = ShopRef(shop.id, shop.currency, shop.default_locale)
        self._market = market
        self._till = till
        self._journal = journal
        self._dice = random.Random(f"merchants:{seed}")
        self._task: asyncio.Task[None] | None = None

    async def open_first(self, count: int = 2) -> None:
        """Have campaigns open before the first buyer comes."""
        for _ in range(count):
            await self._open_campaign()

    def start(self) -> None:
        """Go about it in the background."""
        self._task = asyncio.create_task(self._trade(), name="merchants")

    async def stop(self) -> None:
        """End with what is being done."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _trade(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                await self._do_something()
            except (Unavailable, DomainError) as error:
                self._journal.note("merchant_refused", error=repr(error))

    async def _do_something(self) -> None:
        if await self._count_on_offer() < ENOUGH_ON_OFFER:
            await self._open_campaign()
            return
        on_sale = [c for c in self._market.on_sale if c.id not in self._market.cancelled]
        chance = self._dice.random()
        if chance < 0.04 and len(on_sale) > 1:
            await self._call_off(self._dice.choice(on_sale))
        elif chance < 0.16 and on_sale:
            item = self._dice.choice(self._dice.choice(on_sale).items)
            by = self._dice.randint(5, 15)
            await add_batch(item.id, capacity=by, ships_by=_ships_by())
            self._journal.note("batch_added", item_id=item.id, by=by)
        elif chance < 0.36 and on_sale:
            await self._change(self._dice.choice(on_sale))
        elif chance < 0.46:
            # A gateway that is away does not keep merchants from anything.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_SECONDS):
                    await self._till.set_webhooks(**self._dice.choice(WEBHOOKS))

    async def _call_off(self, campaign: OpenCampaign) -> None:
        # Noted first: killed half way it may be cancelled or not, and is cancelled again.
        self._market.cancelled.add(campaign.id)
        await cancel_campaign(campaign.id, reason=CANCEL_REASON)
        self._market.campaigns.pop(campaign.id, None)
        self._journal.note("campaign_cancelled", campaign_id=campaign.id)

    async def _change(self, campaign: OpenCampaign) -> None:
        """Change a capacity, up or down, or extend a window."""
        if self._dice.random() < 0.7:
            item = self._dice.choice(campaign.items)
            snapshot = await find_snapshot(campaign.id, fresh=True)
            assert snapshot is not None
            found = snapshot.item(item.id)
            assert found is not None
            capacity = max(1, found.capacity + self._dice.randint(-12, 12))
            await change_capacity(item.id, capacity=capacity)
            self._journal.note("capacity_changed", item_id=item.id, capacity=capacity)
        else:
            await extend_campaign(
                campaign.id,
                closes_at=clock.now() + timedelta(days=self._dice.randint(8, 20)),
                reason="so many asked for it",
                default_locale="en",
            )
            self._journal.note("campaign_extended", campaign_id=campaign.id)

    async def _open_campaign(self) -> None:
        number = len(self._market.campaigns) + len(self._market.cancelled) + 1
        is_short = number % 4 == 3
        handle = f"drop-{number}-{self._dice.getrandbits(32):08x}"
        campaign = await create_campaign(self._shop, self._draft(handle, is_short=is_short))
        await publish_campaign(campaign.id, default_locale=self._shop.default_locale)
        await sweep_openings_and_closings()
        snapshot = await find_snapshot(campaign.id, fresh=True)
        assert snapshot is not None
        assert snapshot.terms is not None
        items = tuple(OpenItem(i.id, i.pool_id, i.limit_per_customer) for i in snapshot.items)
        self._market.campaigns[campaign.id] = OpenCampaign(
            campaign.id, items, snapshot.terms.version, is_short
        )
        self._journal.note("campaign_opened", campaign_id=campaign.id, handle=handle)

    def _draft(self, handle: str, *, is_short: bool) -> CampaignDraft:
        opens_at = clock.now()
        closes_at = opens_at + (timedelta(seconds=SHORT_SECONDS) if is_short else timedelta(days=7))
        has_deposit = is_short or self._dice.random() < 0.5
        plan: dict[str, Any] = {"kind": "FULL"}
        if has_deposit:
            due_after = timedelta(seconds=SHORT_SECONDS) if is_short else timedelta(days=7)
            plan = {
                "kind": "DEPOSIT",
                "balance_opens_at": closes_at,
                "balance_due_at": closes_at + due_after,
                "reminder": timedelta(seconds=2),
                "missed_balance": self._dice.choice(("FORFEIT", "REFUND")),
            }
        return CampaignDraft.model_validate(
            {
                "handle": handle,
                "title": handle,
                "opens_at": opens_at,
                "closes_at": closes_at,
                "hold_seconds": HOLD_SECONDS,
                "payment_plan": plan,
                "items": [
                    {
                        "variant": {"sku": sku},
                        "limit_per_customer": self._dice.choice((None, 4, 6)),
                        "batches": [
                            {"capacity": self._dice.randint(25, 45), "ships_by": _ships_by()}
                        ],
                    }
                    for sku in self._dice.sample(SKUS, self._dice.choice((1, 2)))
                ],
                "terms": {
                    "ships_by": _ships_by(),
                    "refund_policy": {"en": "Refunded until the close."},
                    "cancel_conditions": {"en": "Cancel before the balance opens."},
                },
            }
        )

    @shielded
    async def _count_on_offer(self) -> int:
        pools = [item.pool_id for c in self._market.on_sale for item in c.items]
        async with unit_of_work() as work:
            row = await work.fetchrow(
                "SELECT count(*) AS free FROM slot s JOIN campaign_item i ON i.pool_id = s.pool_id "
                "JOIN campaign c ON c.id = i.campaign_id WHERE s.pool_id = ANY($1::uuid[]) "
                "AND s.order_id IS NULL AND c.status = 'LIVE' AND c.closes_at > now()",
                pools,
            )
        assert row is not None
        return int(row["free"])


def _ships_by() -> date:
    return (clock.now() + SHIPS_BY).date()
