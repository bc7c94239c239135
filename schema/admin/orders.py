"""Orders as their merchant sees them: lists, and one order with all that belongs to it."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from headless_presale.campaigns import CancelPolicy as Policy
from headless_presale.campaigns import PaymentPlan as Plan
from headless_presale.orders import CancelTerms, OrderNote, OrderSort, OrderView
from resolvers import order_texts, orders
from resolvers.admin import order_changes, order_money
from resolvers.admin import orders as admin_orders
from resolvers.admin.orders import Counting, OrderPage, OrderQuestion, SlotsOfBatch
from schema.admin.order_money import MerchantRefundType, OrderLedgerType, OrderMoneyType
from schema.admin.order_previews import (
    CancelPreviewType,
    OrderLineQuantityInput,
    RefundPreviewType,
)
from schema.campaigns import CancelPolicy, PaymentPlan
from schema.enums import OrderStatus
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
from schema.orders import OrderEvent, OrderFacts, OrderLine
from schema.scalars import SafeInt

strawberry.enum(
    OrderSort,
    description="What a list of orders is sorted by; equal ones follow their ids.",
)


@strawberry.input(description="Which orders are wanted; all that is given has to fit.")
class OrderFilterInput:
    statuses: list[OrderStatus] | None = strawberry.field(
        default=None, description="Any of these; an empty list means any at all."
    )
    campaign_id: strawberry.ID | None = None
    placed_from: datetime | None = strawberry.field(default=None, description="Included.")
    placed_until: datetime | None = strawberry.field(default=None, description="Not included.")
    total_from_minor: SafeInt | None = strawberry.field(default=None, description="Included.")
    total_until_minor: SafeInt | None = strawberry.field(default=None, description="Included.")
    search: str | None = strawberry.field(
        default=None,
        description="What the number, the e-mail address or the buyer's name begins with; case "
        "does not count. At most 100 characters.",
    )


@strawberry.input(description="How a list of orders is sorted.")
class OrderSortInput:
    by: OrderSort = OrderSort.PLACED_AT
    descending: bool = True


def question_of(
    wanted: OrderFilterInput | None,
    sort: OrderSortInput | None,
    shop_ids: list[strawberry.ID] | None = None,
) -> OrderQuestion:
    """Return a filter and an order as the resolvers take them."""
    wanted, sort = wanted or OrderFilterInput(), sort or OrderSortInput()
    return OrderQuestion(
        shop_ids=shop_ids,
        statuses=wanted.statuses,
        campaign_id=wanted.campaign_id,
        placed_from=wanted.placed_from,
        placed_until=wanted.placed_until,
        total_from_minor=wanted.total_from_minor,
        total_until_minor=wanted.total_until_minor,
        search=wanted.search,
        sort=sort.by,
        is_descending=sort.descending,
    )


@strawberry.type(description="Slots of a line that one production batch makes.")
class LineBatch:
    row: strawberry.Private[SlotsOfBatch]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("ProductionBatch", self.row.batch.id)

    @strawberry.field(description="1 is the item's first batch.")
    def position(self) -> int:
        return self.row.position

    @strawberry.field(description="What the batch is planned for now; the line keeps its promise.")
    def ships_by(self) -> date:
        return self.row.batch.ships_by

    @strawberry.field
    def slot_numbers(self) -> list[int]:
        return list(self.row.numbers)


@strawberry.type(name="AdminOrderLine", description="A line, and the batches that make it.")
class AdminOrderLine(OrderLine):
    """The buyer's line and more."""

    order: strawberry.Private[OrderView]

    @strawberry.field(description="In the order of their numbers.")
    async def batches(self, info: Info) -> list[LineBatch]:
        found = await admin_orders.batches_of(info.context, self.order, self.line)
        return [LineBatch(row=row) for row in found]


@strawberry.type(name="OrderNote", description="What the staff wrote down, for each other.")
class OrderNoteType:
    row: strawberry.Private[OrderNote]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("OrderNote", self.row.id)

    @strawberry.field
    def text(self) -> str:
        return self.row.text

    @strawberry.field(description="An e-mail address or a client's name, as it was then.")
    def author(self) -> str:
        return self.row.author_label or self.row.author

    @strawberry.field
    def at(self) -> datetime:
        return self.row.at


@strawberry.type(description="Something that happened to an order, to be read by people.")
class TimelineEvent(OrderEvent):
    """A row of the order's history and who is behind it."""

    @strawberry.field(description="Who did it: `buyer`, `system`, `staff:<id>`, `client:<id>`...")
    def actor(self) -> str:
        return self.event.actor

    @strawberry.field(description="One sentence, in the language of Accept-Language.")
    def summary(self, info: Info) -> str:
        return order_texts.sentence_of(self.event, info.context.locale)

    @strawberry.field(description="An e-mail address, a client's name, or who else it was.")
    async def actor_label(self, info: Info) -> str:
        return await order_texts.actor_label(info.context, self.event.actor)


@strawberry.type(name="AdminOrder", description="An order as its merchant sees it.")
class AdminOrderType(OrderFacts):
    """Reached through fields that require ``orders:read``; its buyer is shown to nobody else."""

    @strawberry.field
    def shop_id(self) -> strawberry.ID:
        return global_id("Shop", self.order.shop_id)

    @strawberry.field(description="Rises with each change; mutations carry the one you read.")
    def version(self) -> int:
        return self.order.version

    @strawberry.field(description="How many slots its lines have.")
    def quantity(self) -> int:
        return self.order.quantity

    @strawberry.field
    def lines(self) -> list[AdminOrderLine]:
        order = self.order
        return [
            AdminOrderLine(line=line, campaign_id=order.campaign_id, order=order)
            for line in order.lines
        ]

    @strawberry.field(description="Language of messages to the buyer.")
    def locale(self) -> str:
        return self.order.locale

    @strawberry.field(description="How it is paid, as agreed when it was placed.")
    def payment_plan(self) -> PaymentPlan:
        plan = Plan.from_json(self.order.payment_plan)
        return PaymentPlan.of(plan, self.order.total.currency)

    @strawberry.field(description="What the buyer may do at each stage, as agreed.")
    def cancel_policy(self) -> CancelPolicy:
        return CancelPolicy.of(Policy.from_json(self.order.cancel_policy))

    @strawberry.field
    async def money(self, info: Info) -> OrderMoneyType:
        return OrderMoneyType(row=await order_money.money_of(info.context, self.order))

    @strawberry.field
    async def ledger(self, info: Info) -> OrderLedgerType:
        return OrderLedgerType(row=await order_money.ledger_of(info.context, self.order))

    @strawberry.field(
        description="What `orderRefund` would do with an amount, or with units of lines."
    )
    async def refund_preview(
        self,
        info: Info,
        amount_minor: Annotated[
            SafeInt | None, strawberry.argument(description="In minor units.")
        ] = None,
        lines: list[OrderLineQuantityInput] | None = None,
    ) -> RefundPreviewType:
        preview = await order_changes.preview_refund(
            info.context,
            self.order,
            amount_minor=amount_minor,
            lines=None if lines is None else [line.to_wish() for line in lines],
        )
        return RefundPreviewType.of(preview)

    @strawberry.field(description="What `orderCancelByMerchant` would do.")
    async def cancel_preview(self, info: Info, terms: CancelTerms) -> CancelPreviewType:
        preview = await order_changes.preview_cancel(info.context, self.order, terms)
        return CancelPreviewType.of(preview)

    @strawberry.field(description="What the merchant decided to give back, oldest first.")
    async def merchant_refunds(self, info: Info) -> list[MerchantRefundType]:
        found = await info.context.loaders.merchant_refunds_of.load(self.order.id)
        return [MerchantRefundType(row=row, order=self.order) for row in found]

    @strawberry.field(description="Oldest first; notes are added, never changed.")
    async def notes(self, info: Info) -> list[OrderNoteType]:
        found = await info.context.loaders.notes_of.load(self.order.id)
        return [OrderNoteType(row=row) for row in found]

    @strawberry.field(description="What happened, oldest first: who, when, why.")
    async def timeline(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[TimelineEvent]:
        page = await orders.page_of_history(self.order, page_request(first, after, last, before))
        return connect(page, lambda event: TimelineEvent(event=event))


@strawberry.type(name="AdminOrderConnection", description="A page of a merchant's orders.")
class AdminOrderConnection(Connection[AdminOrderType]):
    """A list may be long: it is counted up to a bound."""

    counting: strawberry.Private[Counting]

    @strawberry.field(
        description="False: there are more than `totalCount`, which stops at 10,000, "
        "and at 1,000 where a text is searched for. Counted only "
        "when one of the two is selected."
    )
    async def is_total_count_exact(self) -> bool:
        return (await self.counting()).is_exact


def connect_orders(found: OrderPage) -> AdminOrderConnection:
    """Return a page of orders as a connection."""
    connection = connect(found.page, lambda order: AdminOrderType(order=order))
    return AdminOrderConnection(page=connection.page, edges=connection.edges, counting=found.count)
