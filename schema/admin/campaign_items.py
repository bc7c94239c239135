"""Items of a campaign as their merchant sees them: prices, batches, how far they have sold."""

from datetime import date

import strawberry

from headless_presale.campaigns import (
    TITLE_SEPARATOR,
    CampaignItem,
    ProductionBatch,
)
from headless_presale.campaigns.rules import tiers_from_json
from headless_presale.kernel.money import BPS
from headless_presale.kernel.money import Money as Amount
from headless_presale.orders import Tally
from headless_presale.pricing import QuantityTier, TimeTier
from headless_presale.slots import SlotPool
from schema.money import Money
from schema.nodes import (
    Info,
    global_id,
)


@strawberry.type(description="How far a campaign, or an item of it, has sold: by its orders.")
class SalesProgress:
    """Exact as of the moment it was read; storefronts follow the live counters."""

    capacity: int
    tally: strawberry.Private[Tally]

    @strawberry.field(description="Slots that are paid for, at least in part.")
    def sold(self) -> int:
        return self.tally.sold

    @strawberry.field(description="Slots that wait for a first payment.")
    def held(self) -> int:
        return self.tally.held

    @strawberry.field(description="Neither sold nor held.")
    def left(self) -> int:
        return max(0, self.capacity - self.tally.sold - self.tally.held)

    @strawberry.field(description="The share that is sold, in basis points.")
    def sold_bps(self) -> int:
        return self.tally.sold * BPS // self.capacity if self.capacity else 0

    @strawberry.field(description="Orders that hold or own these slots.")
    def orders(self) -> int:
        return self.tally.orders


@strawberry.type(description="A price for some time after the tier before it.")
class CampaignTimeTier:
    tier: strawberry.Private[TimeTier]

    @strawberry.field
    def name(self) -> str:
        return self.tier.name

    @strawberry.field(description="How long it lasts.")
    def seconds(self) -> int:
        return int(self.tier.duration.total_seconds())

    @strawberry.field(description="Share of the presale price: 9000 is 90 %.")
    def price_bps(self) -> int:
        return self.tier.price_bps


@strawberry.type(description="A price, a gift or both for the first slot numbers.")
class CampaignQuantityTier:
    tier: strawberry.Private[QuantityTier]

    @strawberry.field
    def name(self) -> str:
        return self.tier.name

    @strawberry.field(description="The last slot number it holds for.")
    def up_to(self) -> int:
        return self.tier.up_to

    @strawberry.field(description="Share of the presale price; null sets none of its own.")
    def price_bps(self) -> int | None:
        return self.tier.price_bps

    @strawberry.field
    def gift(self) -> str | None:
        return self.tier.gift


@strawberry.type(description="A wave of production, with the numbers it has.")
class AdminBatch:
    batch: strawberry.Private[ProductionBatch]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("ProductionBatch", self.batch.id)

    @strawberry.field(description="Fewer than the range has numbers where the cap was lowered.")
    def capacity(self) -> int:
        return self.batch.capacity

    @strawberry.field
    def first_number(self) -> int:
        return self.batch.first_number

    @strawberry.field
    def last_number(self) -> int:
        return self.batch.last_number

    @strawberry.field
    def ships_by(self) -> date:
        return self.batch.ships_by


@strawberry.type(name="AdminSlotPool", description="The slots behind an item.")
class AdminSlotPool:
    pool: strawberry.Private[SlotPool]

    @strawberry.field
    def capacity(self) -> int:
        return self.pool.capacity

    @strawberry.field(description="False once the campaign was called off.")
    def is_open(self) -> bool:
        return self.pool.is_open


@strawberry.type(name="AdminCampaignItem", description="A variant within a campaign.")
class AdminCampaignItemType:
    item: strawberry.Private[CampaignItem]
    currency: strawberry.Private[str]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("CampaignItem", self.item.id)

    @strawberry.field
    def variant_id(self) -> strawberry.ID:
        return global_id("ProductVariant", self.item.variant_id)

    @strawberry.field
    async def sku(self) -> str | None:
        return (await self.item.variant).sku

    @strawberry.field(description="The product's title and the option values.")
    async def title(self) -> str:
        variant = await self.item.variant
        return TITLE_SEPARATOR.join([(await variant.product).title, *variant.option_values])

    @strawberry.field(description="The campaign's price before any tier.")
    def price(self) -> Money:
        return Money.of(Amount(self.item.price_minor, self.currency))

    @strawberry.field(description="The catalogue's price when the campaign was made.")
    def list_price(self) -> Money:
        return Money.of(Amount(self.item.list_price_minor, self.currency))

    @strawberry.field(description="How many one customer may own; null for any number.")
    def limit_per_customer(self) -> int | None:
        return self.item.limit_per_customer

    @strawberry.field
    def time_tiers(self) -> list[CampaignTimeTier]:
        return [CampaignTimeTier(tier=t) for t in tiers_from_json(self.item.price_tiers).time]

    @strawberry.field
    def quantity_tiers(self) -> list[CampaignQuantityTier]:
        tiers = tiers_from_json(self.item.price_tiers).quantity
        return [CampaignQuantityTier(tier=t) for t in tiers]

    @strawberry.field
    async def batches(self, info: Info) -> list[AdminBatch]:
        rows = await info.context.loaders.batches_of.load(self.item.id)
        return [AdminBatch(batch=row) for row in rows]

    @strawberry.field
    async def pool(self, info: Info) -> AdminSlotPool | None:
        pool = await info.context.loaders.pools.load(self.item.pool_id)
        return None if pool is None else AdminSlotPool(pool=pool)

    @strawberry.field
    async def progress(self, info: Info) -> SalesProgress:
        loaders = info.context.loaders
        pool = await loaders.pools.load(self.item.pool_id)
        tally = await loaders.item_tallies.load(self.item.id)
        return SalesProgress(capacity=pool.capacity if pool else 0, tally=tally or Tally())
