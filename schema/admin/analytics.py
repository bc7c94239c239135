"""Charts: slots and money over time."""

from datetime import datetime
from typing import Annotated

import strawberry

from headless_presale.analytics import (
    Funnel,
    LegMoney,
    MoneyByLeg,
    SalesBucket,
    SalesChart,
    SalesInterval,
    SlotFlow,
)
from headless_presale.kernel.money import Money as Amount
from schema.enums import PaymentLeg
from schema.money import Money
from schema.scalars import CurrencyCode, SafeInt

strawberry.enum(
    SalesInterval,
    description="How long a bucket is, by the clock of the shop; a week begins on Monday.",
)

SalesFrom = Annotated[
    datetime,
    strawberry.argument(name="from", description="The first bucket is the one this lies in."),
]
SalesUntil = Annotated[
    datetime,
    strawberry.argument(description="The last bucket is the one that ends here, or has this in."),
]


@strawberry.type(name="Funnel", description="What was made of a campaign, in whole hours.")
class FunnelType:
    """Events are those that storefronts told; orders and payments are from the books."""

    row: strawberry.Private[Funnel]

    @strawberry.field(description="When the first hour begins that `from` lies in.")
    def begins_at(self) -> datetime:
        return self.row.begins_at

    @strawberry.field(description="When the last hour ends that is before `until`.")
    def ends_at(self) -> datetime:
        return self.row.ends_at

    @strawberry.field(description="How often it was shown among others.")
    def exposures(self) -> SafeInt:
        return SafeInt(self.row.exposures)

    @strawberry.field(description="How often its own page was looked at.")
    def views(self) -> SafeInt:
        return SafeInt(self.row.views)

    @strawberry.field(description="How often one of its items was put into a cart.")
    def adds_to_cart(self) -> SafeInt:
        return SafeInt(self.row.adds_to_cart)

    @strawberry.field(description="How often somebody went to pay.")
    def checkouts(self) -> SafeInt:
        return SafeInt(self.row.checkouts)

    @strawberry.field(description="Placed within the time, whatever became of them.")
    def orders(self) -> SafeInt:
        return SafeInt(self.row.orders)

    @strawberry.field(description="Those of them that were paid by now, their deposit at least.")
    def paid(self) -> SafeInt:
        return SafeInt(self.row.paid)


@strawberry.type(name="SlotFlow", description="What slots did within a time.")
class SlotFlowType:
    flow: strawberry.Private[SlotFlow]

    @strawberry.field(description="Taken by orders that were placed.")
    def held(self) -> int:
        return self.flow.held

    @strawberry.field(description="Made a buyer's own by the first payment.")
    def sold(self) -> int:
        return self.flow.sold

    @strawberry.field(description="Given back: the hold ran out, or the order ended.")
    def returned(self) -> int:
        return self.flow.returned

    @strawberry.field(description="Those of the returned that had been sold.")
    def returned_sold(self) -> int:
        return self.flow.returned_sold


@strawberry.type(name="LegMoney", description="Money of one leg of orders.")
class LegMoneyType:
    of: strawberry.Private[LegMoney]
    leg: PaymentLeg

    @strawberry.field(description="What gateways took in.")
    def captured(self) -> Money:
        return Money.of(self.of.captured)

    @strawberry.field(description="What gateways paid back.")
    def refunded(self) -> Money:
        return Money.of(self.of.refunded)

    @strawberry.field(description="Captured less refunded; may be negative.")
    def taken(self) -> Money:
        return Money.of(self.of.taken)


@strawberry.type(description="Money of one currency, as the ledger has it.")
class SalesMoney:
    by_leg: strawberry.Private[MoneyByLeg]
    currency: CurrencyCode

    @strawberry.field(description="What gateways took in.")
    def captured(self) -> Money:
        return self._sum([money.captured for money in self.by_leg.values()])

    @strawberry.field(description="What gateways paid back.")
    def refunded(self) -> Money:
        return self._sum([money.refunded for money in self.by_leg.values()])

    @strawberry.field(description="Captured less refunded; may be negative.")
    def taken(self) -> Money:
        return self._sum([money.taken for money in self.by_leg.values()])

    @strawberry.field(description="The same by what it was paid for; every leg is there.")
    def legs(self) -> list[LegMoneyType]:
        return [LegMoneyType(of=money, leg=leg) for leg, money in self.by_leg.items()]

    def _sum(self, amounts: list[Amount]) -> Money:
        return Money.of(sum(amounts, start=Amount.zero(self.currency)))


@strawberry.type(name="SalesBucket", description="Slots and money within a time.")
class SalesBucketType:
    row: strawberry.Private[SalesBucket]

    @strawberry.field(name="from")
    def begins_at(self) -> datetime:
        return self.row.begins_at

    @strawberry.field(description="Where the next one begins.")
    def until(self) -> datetime:
        return self.row.ends_at

    @strawberry.field
    def slots(self) -> SlotFlowType:
        return SlotFlowType(flow=self.row.slots)

    @strawberry.field(
        description="By currency: in every bucket those that the chart has, and the shop's."
    )
    def money(self) -> list[SalesMoney]:
        return [
            SalesMoney(by_leg=by_leg, currency=CurrencyCode(currency))
            for currency, by_leg in self.row.money.items()
        ]


@strawberry.type(name="SalesChart", description="Sales over time, in the shop's time zone.")
class SalesChartType:
    """Past buckets change only where an order claims slots again that it had given back."""

    row: strawberry.Private[SalesChart]

    @strawberry.field(description="Whose hours, days and weeks these are: `Asia/Shanghai`.")
    def timezone(self) -> str:
        return self.row.zone

    @strawberry.field(description="One after the other without a gap, also where nothing sold.")
    def buckets(self) -> list[SalesBucketType]:
        return [SalesBucketType(row=bucket) for bucket in self.row.buckets]

    @strawberry.field(description="All buckets as one.")
    def total(self) -> SalesBucketType:
        return SalesBucketType(row=self.row.total)
