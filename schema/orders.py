"""An order as the holder of its token sees it."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from headless_presale.kernel.events import EventRecord
from headless_presale.orders import Due, LineView, OrderView
from resolvers import orders
from resolvers.order_texts import amount_of
from resolvers.orders import EVENT_CURSORS
from schema.campaigns import CampaignItemType, CampaignType, Terms
from schema.enums import OrderStatus, PaymentLeg, PriceReason
from schema.money import Money
from schema.nodes import (
    After,
    Before,
    Connection,
    First,
    Info,
    Last,
    connect,
    global_id,
    page_request,
)
from schema.payments import PaymentType

OrderId = Annotated[strawberry.ID, strawberry.argument(description="`Order.id`.")]
OrderToken = Annotated[
    str | None,
    strawberry.argument(
        description="`orderToken` of the payload that placed it. A customer who is signed in needs "
        "none for his own order."
    ),
]


@strawberry.type(description="Slots of one item at one frozen price.")
class OrderLine:
    """A price that changes within an order splits it into lines."""

    line: strawberry.Private[LineView]
    campaign_id: strawberry.Private[UUID]

    @strawberry.field(description="Opaque.")
    def id(self) -> strawberry.ID:
        return global_id("OrderLine", self.line.id)

    @strawberry.field(
        description="`CampaignItem.id`: `node(id:)` finds it while its campaign is public."
    )
    def campaign_item_id(self) -> strawberry.ID:
        return global_id("CampaignItem", self.line.item_id)

    @strawberry.field(
        description="The item as it is now: its pictures, its product. Null once the shop has "
        "taken it back."
    )
    async def campaign_item(self, info: Info) -> CampaignItemType | None:
        campaign = await info.context.loaders.campaigns.load(self.campaign_id)
        item = None if campaign is None else campaign.item(self.line.item_id)
        if campaign is None or item is None:
            return None
        shop = await info.context.loaders.shops.load(campaign.shop_id)
        return None if shop is None else CampaignItemType(item=item, snapshot=campaign, shop=shop)

    @strawberry.field(
        description="As it was called when the order was placed, in the order's language."
    )
    def title(self) -> str:
        return self.line.title

    @strawberry.field(description="How many units.")
    def quantity(self) -> int:
        return self.line.quantity

    @strawberry.field(description="The numbers this order was given.")
    def slot_numbers(self) -> list[int]:
        return list(self.line.numbers)

    @strawberry.field(description="What each cost when the order was placed; it never changes.")
    def unit_price(self) -> Money:
        return Money.of(self.line.unit_price)

    @strawberry.field(description="What the line costs: `unitPrice` times `quantity`.")
    def total(self) -> Money:
        return Money.of(self.line.total)

    @strawberry.field(description="Why a unit cost that.")
    def price_reason(self) -> PriceReason:
        return PriceReason(self.line.price_reason["reason"])

    @strawberry.field(
        description="The name of the tier that the price came from. Null for the campaign's own "
        "price."
    )
    def tier(self) -> str | None:
        tier: str | None = self.line.price_reason["tier"]
        return tier

    @strawberry.field(description="What comes with each unit.")
    def gift(self) -> str | None:
        gift: str | None = self.line.price_reason["gift"]
        return gift

    @strawberry.field(description="The day by which the whole line is promised to ship.")
    def ships_by(self) -> date | None:
        return self.line.ships_by


@strawberry.type(description="A part of the price and the window it is paid in.")
class PaymentDue:
    """What `paymentStart` takes as `leg`, once it has opened."""

    leg: PaymentLeg = strawberry.field(description="What `paymentStart` takes as `leg`.")
    amount: Money = strawberry.field(description="What is to be paid.")
    opens_at: datetime | None = strawberry.field(description="Null: it can be paid at once.")
    due_at: datetime | None = strawberry.field(
        description="Unpaid by then, the hold ends or the balance is missed. Null where there is "
        "no such day."
    )

    @classmethod
    def of(cls, due: Due) -> "PaymentDue":
        """Wrap what is due."""
        return cls(
            leg=due.leg, amount=Money.of(due.amount), opens_at=due.opens_at, due_at=due.due_at
        )


@strawberry.type(description="What cancelling would do at this moment.")
class Cancellation:
    """By the policy the order was placed under."""

    is_allowed: bool = strawberry.field(description="Whether `orderCancel` would cancel it.")
    refund: Money = strawberry.field(description="What would go back of what was paid.")


@strawberry.type(description="Something that happened to an order.")
class OrderEvent:
    """A row of the order's history."""

    event: strawberry.Private[EventRecord]

    @property
    def _payload(self) -> dict[str, Any]:
        return self.event.payload

    @strawberry.field(description="Where `orderTracking` goes on from.")
    def cursor(self) -> str:
        return EVENT_CURSORS.encode(self.event.id)

    @strawberry.field(description="Such as `order.placed`, `payment.captured`, `order.cancelled`.")
    def type(self) -> str:
        return self.event.type

    @strawberry.field(description="When it happened.")
    def at(self) -> datetime:
        return self.event.created_at

    @strawberry.field(description="Who did it: `buyer`, `shop`, `system`, `gateway:sandbox`.")
    def actor(self) -> str:
        return orders.actor_for_buyer(self.event)

    @strawberry.field(description="Where the order went from here, where it moved.")
    def status(self) -> OrderStatus | None:
        target = self._payload.get("target")
        return None if target is None else OrderStatus(target)

    @strawberry.field(description="Which part of the order a payment is for.")
    def leg(self) -> PaymentLeg | None:
        leg = self._payload.get("leg")
        return None if leg is None else PaymentLeg(leg)

    @strawberry.field(description="The money it was about.")
    def amount(self) -> Money | None:
        return Money.of_optional(amount_of(self._payload))

    @strawberry.field(description="Why, in words or as a code, where somebody said so.")
    def reason(self) -> str | None:
        return self._payload.get("reason") or self._payload.get("failure_code") or None


@strawberry.type(description="Who bought.")
class Buyer:
    """As given at checkout."""

    email: str = strawberry.field(description="Where messages about the order go.")
    name: str = strawberry.field(description="As given at checkout.")
    phone: str | None = strawberry.field(description="Null where none was given.")


@strawberry.type(description="Where it ships to.")
class PostalAddress:
    """As it is written on the parcel."""

    country: str = strawberry.field(description="ISO 3166-1, two capital letters, such as CN.")
    city: str = strawberry.field(description="Town or city.")
    line1: str = strawberry.field(description="Street and number.")
    line2: str | None = strawberry.field(description="A second line, such as a flat or a company.")
    region: str | None = strawberry.field(
        description="State, province or county, as it is written there."
    )
    postal_code: str | None = strawberry.field(description="As the country writes it.")


@strawberry.type
class OrderFacts:
    """What buyer and merchant see of an order alike; no type of the schema by itself."""

    order: strawberry.Private[OrderView]

    @strawberry.field(description="Opaque; opened with `orderToken`, or by its customer.")
    def id(self) -> strawberry.ID:
        return global_id("Order", self.order.id)

    @strawberry.field(description="What people read to each other: `7K3D-9QXA`.")
    def number(self) -> str:
        return self.order.number

    @strawberry.field(description="Where it stands.")
    def status(self) -> OrderStatus:
        return self.order.status

    @strawberry.field(description="When it was placed.")
    def placed_at(self) -> datetime:
        return self.order.placed_at

    @strawberry.field(description="What all of it costs.")
    def total(self) -> Money:
        return Money.of(self.order.total)

    @strawberry.field(description="0 on full payment. Deposit and balance add up to the total.")
    def deposit(self) -> Money:
        return Money.of(self.order.deposit)

    @strawberry.field(description="All of the total on full payment.")
    def balance(self) -> Money:
        return Money.of(self.order.balance)

    @strawberry.field(description="What can be paid at this moment.")
    def due_now(self, info: Info) -> list[PaymentDue]:
        return [PaymentDue.of(due) for due in orders.dues_of(info.context, self.order).now]

    @strawberry.field(description="What falls due later, and when.")
    def due_later(self, info: Info) -> list[PaymentDue]:
        return [PaymentDue.of(due) for due in orders.dues_of(info.context, self.order).later]

    @strawberry.field(description="Unpaid until then, the slots go back.")
    def hold_expires_at(self) -> datetime:
        return self.order.hold_expires_at

    @strawberry.field(description="The day by which all of it is promised to ship.")
    def ships_by(self) -> date | None:
        return self.order.ships_by

    @strawberry.field(description="Who bought, as given at checkout.")
    def buyer(self) -> Buyer:
        return Buyer(**self.order.buyer)

    @strawberry.field(description="Where it ships to, as given at checkout.")
    def shipping_address(self) -> PostalAddress:
        return PostalAddress(**self.order.shipping_address)

    @strawberry.field(description="Oldest first.")
    async def payments(self, info: Info) -> list[PaymentType]:
        found = await orders.payments_of(info.context, self.order)
        return [PaymentType(payment=payment) for payment in found]

    @strawberry.field(description="The version that was accepted with this order.")
    async def terms(self, info: Info) -> Terms | None:
        key = (self.order.campaign_id, self.order.terms_version)
        terms = await info.context.loaders.terms.load(key)
        shop = await info.context.loaders.shops.load(self.order.shop_id)
        return None if terms is None or shop is None else Terms(terms=terms, shop=shop)

    @strawberry.field(description="The campaign it was placed under.")
    async def campaign(self, info: Info) -> CampaignType | None:
        campaign = await info.context.loaders.campaigns.load(self.order.campaign_id)
        shop = await info.context.loaders.shops.load(self.order.shop_id)
        if campaign is None or shop is None:
            return None
        return CampaignType(snapshot=campaign, shop=shop)

    @strawberry.field(description="Why it was closed.")
    def closed_reason(self) -> str | None:
        return self.order.closed_reason or None


@strawberry.type(
    name="Order", description="An order, for whoever holds its token, and for its customer."
)
class OrderType(OrderFacts):
    """Not a Node: only those it is for find it again."""

    @strawberry.field(
        description="What was bought: an item is several lines where its units cost differently."
    )
    def lines(self) -> list[OrderLine]:
        order = self.order
        return [OrderLine(line=line, campaign_id=order.campaign_id) for line in order.lines]

    @strawberry.field(description="What `orderCancel` would do at this moment.")
    async def cancellation(self, info: Info) -> Cancellation:
        outcome = await orders.cancellation_of(info.context, self.order)
        return Cancellation(is_allowed=outcome.is_allowed, refund=Money.of(outcome.refund))

    @strawberry.field(description="What happened, oldest first.")
    async def history(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[OrderEvent]:
        request = page_request(first, after, last, before)
        page = await orders.page_of_history(self.order, request)
        return connect(page, lambda event: OrderEvent(event=event))
