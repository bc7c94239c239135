"""A cart as its holder sees it: priced now, with what has changed since he looked."""

from datetime import datetime

import strawberry

from headless_presale.carts import PriceChange, PricedUnits, QuotedCart, QuotedLine
from schema.campaigns import CampaignItemType
from schema.enums import PriceChangeReason, PriceReason, Unavailability
from schema.money import Money
from schema.nodes import Info, global_id


@strawberry.type(name="CartUnits", description="Units of a line that cost the same.")
class CartUnitsType:
    units: strawberry.Private[PricedUnits]

    @strawberry.field(description="How many.")
    def quantity(self) -> int:
        return self.units.quantity

    @strawberry.field(description="What each costs.")
    def unit_price(self) -> Money:
        return Money.of(self.units.unit_price)

    @strawberry.field(description="Why it costs that.")
    def price_reason(self) -> PriceReason:
        return self.units.reason

    @strawberry.field(description="The name of the tier the price comes from.")
    def tier(self) -> str | None:
        return self.units.tier

    @strawberry.field(description="What comes with each.")
    def gift(self) -> str | None:
        return self.units.gift


@strawberry.type(
    name="CartPriceChange",
    description="A line costs something else than it was shown at. `cartPricesAccept` says that "
    "the buyer knows.",
)
class CartPriceChangeType:
    change: strawberry.Private[PriceChange]

    @strawberry.field(description="What all of its units were shown at.")
    def before(self) -> Money:
        return Money.of(self.change.before)

    @strawberry.field(description="What they cost now: the line's total.")
    def after(self) -> Money:
        return Money.of(self.change.after)

    @strawberry.field(description="Of the first unit that costs something else.")
    def reason(self) -> PriceChangeReason:
        return self.change.reason

    @strawberry.field(description="The tier of that unit when it was shown.")
    def tier_before(self) -> str | None:
        return self.change.tier_before

    @strawberry.field(description="The tier of that unit now.")
    def tier_after(self) -> str | None:
        return self.change.tier_after


@strawberry.type(name="CartLine", description="So many of one campaign item.")
class CartLineType:
    """Stays when it can no longer be had, until it is taken out."""

    line: strawberry.Private[QuotedLine]

    @strawberry.field(description="`CampaignItem.id`, which names the line as well.")
    def campaign_item_id(self) -> strawberry.ID:
        return global_id("CampaignItem", self.line.stored.item_id)

    @strawberry.field(description="Null if the shop has withdrawn it.")
    async def campaign_item(self, info: Info) -> CampaignItemType | None:
        campaign, item = self.line.campaign, self.line.item
        if campaign is None or item is None:
            return None
        shop = await info.context.loaders.shops.load(campaign.shop_id)
        return None if shop is None else CampaignItemType(item=item, snapshot=campaign, shop=shop)

    @strawberry.field(description="1 to 100.")
    def quantity(self) -> int:
        return self.line.stored.quantity

    @strawberry.field(
        description="What the first unit costs; others may lie in another tier, see `units`. Null "
        "where there is no price any more."
    )
    def unit_price(self) -> Money | None:
        return Money.of_optional(self.line.unit_price)

    @strawberry.field(description="What all units cost together.")
    def line_total(self) -> Money | None:
        return Money.of_optional(self.line.total)

    @strawberry.field(description="The units by price, in the order in which they will be sold.")
    def units(self) -> list[CartUnitsType]:
        return [CartUnitsType(units=units) for units in self.line.units]

    @strawberry.field(description="Null where it costs what it was shown at.")
    def price_change(self) -> CartPriceChangeType | None:
        change = self.line.change
        return None if change is None else CartPriceChangeType(change=change)

    @strawberry.field(description="Whether it can be ordered now.")
    def is_available(self) -> bool:
        return self.line.unavailability is None

    @strawberry.field(description="Why not, where it cannot.")
    def unavailable_reason(self) -> Unavailability | None:
        return self.line.unavailability


@strawberry.type(name="Cart", description="What somebody means to buy; nothing is held for it.")
class CartType:
    """Not a Node: without its token, or its customer's, nobody finds it again."""

    cart: strawberry.Private[QuotedCart]

    @strawberry.field(description="Opaque; opened with `cartToken`, or by its customer.")
    def id(self) -> strawberry.ID:
        return global_id("Cart", self.cart.stored.id)

    @strawberry.field(description="At most 20, in the order in which they came.")
    def lines(self) -> list[CartLineType]:
        return [CartLineType(line=line) for line in self.cart.lines]

    @strawberry.field(
        description="Of the lines that can be ordered now. `orderPlace` orders all lines or none: "
        "while one cannot be had it refuses, so take that out first; then this is its "
        "`expectedTotalMinor`. Lines of several campaigns are several orders."
    )
    def total(self) -> Money:
        return Money.of(self.cart.total)

    @strawberry.field(description="All units of all lines.")
    def item_count(self) -> int:
        return sum(line.stored.quantity for line in self.cart.lines)

    @strawberry.field(description="30 days after its last change.")
    def expires_at(self) -> datetime:
        return self.cart.stored.expires_at
