"""Orders: what was bought, at which frozen price, and what is due when."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint

from headless_presale.kernel.indexes import ExpressionIndex, WhereIndex
from headless_presale.kernel.models import Model
from headless_presale.kernel.money import Money
from headless_presale.orders.states import OrderStatus

if TYPE_CHECKING:
    from headless_presale.campaigns.models import Campaign, CampaignItem
    from headless_presale.shops.models import Shop

MAX_TITLE_LENGTH = 520
"""Of a line, in characters: a product's own title with its option values."""


class Order(Model):
    """An order. Its id is derived from the customer and the idempotency key: a retry is the same.

    Amounts are minor units of ``currency``; ``deposit_minor`` is 0 on the full-payment plan, and
    ``deposit_minor + balance_minor == total_minor``. Due dates are columns because one sweep looks
    for them; no job waits for a single order. ``number`` is what people read to each other, of 40
    bits: not unique in a large shop. ``quantity`` is how many slots its lines have. ``sold_at`` is
    when its first payment made the slots its own, ``released_at`` when they went back. ``version``
    rises with each change of the order and with each refund that its merchant decides.
    ``access_generation`` is which of its tokens counts: see ``access.py``.
    """

    id = fields.UUIDField(primary_key=True)
    number = fields.CharField(max_length=9)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="orders", db_index=False, on_delete=fields.RESTRICT
    )
    campaign_id: UUID
    campaign: fields.ForeignKeyRelation["Campaign"] = fields.ForeignKeyField(
        "presale.Campaign", related_name="orders", db_index=False, on_delete=fields.RESTRICT
    )
    customer_id = fields.UUIDField()
    status = fields.CharEnumField(OrderStatus, max_length=20)
    currency = fields.CharField(max_length=3)
    quantity = fields.IntField()
    total_minor = fields.BigIntField()
    deposit_minor = fields.BigIntField()
    balance_minor = fields.BigIntField()
    terms_version = fields.IntField()
    payment_plan = fields.JSONField[dict[str, Any]]()
    cancel_policy = fields.JSONField[dict[str, Any]]()
    buyer = fields.JSONField[dict[str, Any]]()
    shipping_address = fields.JSONField[dict[str, Any]]()
    locale = fields.CharField(max_length=10)
    request_hash = fields.CharField(max_length=64)
    hold_expires_at = fields.DatetimeField()
    balance_opens_at = fields.DatetimeField(null=True)
    balance_due_at = fields.DatetimeField(null=True)
    balance_remind_at = fields.DatetimeField(null=True)
    reminded_at = fields.DatetimeField(null=True)
    placed_at = fields.DatetimeField()
    sold_at = fields.DatetimeField(null=True)
    released_at = fields.DatetimeField(null=True)
    updated_at = fields.DatetimeField()
    closed_reason = fields.CharField(max_length=200, default="")
    version = fields.IntField(default=1, db_default=1)
    access_generation = fields.SmallIntField(default=0, db_default=0)

    lines: fields.ReverseRelation["OrderLine"]

    @property
    def is_erased(self) -> bool:
        """Whether its buyer has been forgotten: it can be shipped to nobody."""
        return not self.buyer["email"]

    class Meta:
        table = "sales_order"
        indexes = (
            Index(fields=("shop_id", "placed_at", "id"), name="sales_order_by_placed"),
            Index(fields=("shop_id", "total_minor", "id"), name="sales_order_by_total"),
            ExpressionIndex(
                fields=("shop_id",),
                expression="date_trunc('month', placed_at AT TIME ZONE 'UTC'), total_minor, id",
                name="sales_order_by_month_total",
                include=("placed_at", "status"),
            ),
            Index(
                fields=("shop_id", "status", "placed_at", "id"), name="sales_order_by_status_placed"
            ),
            Index(
                fields=("shop_id", "status", "total_minor", "id"),
                name="sales_order_by_status_total",
            ),
            Index(fields=("campaign_id", "placed_at", "id"), name="sales_order_by_campaign_placed"),
            ExpressionIndex(
                fields=("campaign_id",),
                expression="date_trunc('month', placed_at AT TIME ZONE 'UTC'), total_minor, id",
                name="sales_order_by_campaign_month_total",
                include=("placed_at", "status"),
            ),
            Index(
                fields=("campaign_id", "status", "placed_at", "id"),
                name="sales_order_by_campaign_status",
            ),
            Index(
                fields=("campaign_id", "status", "total_minor", "id"),
                name="sales_order_by_campaign_status_total",
            ),
            ExpressionIndex(
                fields=("shop_id",),
                expression="number text_pattern_ops",
                name="sales_order_by_number",
            ),
            ExpressionIndex(
                fields=("shop_id",),
                expression="lower(buyer ->> 'email') text_pattern_ops",
                name="sales_order_by_email",
            ),
            ExpressionIndex(
                fields=("shop_id",),
                expression="lower(buyer ->> 'name') text_pattern_ops",
                name="sales_order_by_name",
            ),
            Index(fields=("customer_id", "placed_at", "id"), name="sales_order_by_customer"),
            WhereIndex(
                fields=("hold_expires_at",),
                name="sales_order_hold_due",
                where="status IN ('AWAITING_PAYMENT', 'AWAITING_DEPOSIT')",
            ),
            WhereIndex(
                fields=("balance_opens_at",),
                name="sales_order_balance_opens",
                where="status = 'DEPOSIT_PAID'",
            ),
            WhereIndex(
                fields=("balance_remind_at",),
                name="sales_order_remind_due",
                where="status = 'AWAITING_BALANCE' AND reminded_at IS NULL",
            ),
            WhereIndex(
                fields=("balance_due_at",),
                name="sales_order_balance_due",
                where="status = 'AWAITING_BALANCE'",
            ),
        )
        constraints = (
            CheckConstraint(
                check="deposit_minor + balance_minor = total_minor AND deposit_minor >= 0 "
                "AND balance_minor >= 0",
                name="sales_order_split_adds_up",
            ),
        )


class OrderLine(Model):
    """Slots of one item at one frozen price, with the reason of that price and the promise made.

    ``numbers`` are the slots as placed; who owns a slot now is told by table ``slot`` alone.
    """

    id = fields.UUIDField(primary_key=True)
    order_id: UUID
    order: fields.ForeignKeyRelation["Order"] = fields.ForeignKeyField(
        "presale.Order", related_name="lines", db_index=False, on_delete=fields.RESTRICT
    )
    position = fields.IntField()
    item_id: UUID
    item: fields.ForeignKeyRelation["CampaignItem"] = fields.ForeignKeyField(
        "presale.CampaignItem", related_name="order_lines", on_delete=fields.RESTRICT
    )
    pool_id = fields.UUIDField()
    quantity = fields.IntField()
    numbers = fields.JSONField[list[int]]()
    unit_price_minor = fields.BigIntField()
    price_reason = fields.JSONField[dict[str, Any]]()
    title = fields.CharField(max_length=MAX_TITLE_LENGTH)
    ships_by = fields.DateField(null=True)

    class Meta:
        table = "order_line"
        unique_together = (("order", "position"),)
        constraints = (CheckConstraint(check="quantity > 0", name="order_line_quantity_positive"),)


class OrderNote(Model):
    """What the staff wrote down about an order, for each other. Append-only; a trigger sees to it.

    ``id`` is derived from the order and the idempotency key.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="order_notes", db_index=False, on_delete=fields.RESTRICT
    )
    order_id: UUID
    order: fields.ForeignKeyRelation["Order"] = fields.ForeignKeyField(
        "presale.Order", related_name="notes", db_index=False, on_delete=fields.RESTRICT
    )
    text = fields.CharField(max_length=2000)
    author = fields.CharField(max_length=80)
    author_label = fields.CharField(max_length=320)
    at = fields.DatetimeField()

    class Meta:
        table = "order_note"
        indexes = (
            Index(fields=("order_id", "at", "id"), name="order_note_by_order"),
            Index(fields=("shop_id",), name="order_note_by_shop"),
        )


class MerchantRefund(Model):
    """Money that the merchant decided to give back: one row per decision, whatever legs it is of.

    ``id`` is derived from the order and the idempotency key. The refunds of payments that carry it
    out have the reason ``merchant:<id>`` and add up to ``amount_minor``. ``reason`` is the staff's.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="merchant_refunds", db_index=False, on_delete=fields.RESTRICT
    )
    order_id: UUID
    order: fields.ForeignKeyRelation["Order"] = fields.ForeignKeyField(
        "presale.Order", related_name="merchant_refunds", db_index=False, on_delete=fields.RESTRICT
    )
    request_hash = fields.CharField(max_length=64)
    amount_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    reason = fields.CharField(max_length=200)
    author = fields.CharField(max_length=80)
    author_label = fields.CharField(max_length=320)
    created_at = fields.DatetimeField()

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def cause(self) -> str:
        """What the refunds of payments that carry it out have as their reason."""
        return f"merchant:{self.id}"

    class Meta:
        table = "merchant_refund"
        indexes = (
            Index(fields=("order_id", "created_at"), name="merchant_refund_by_order"),
            Index(fields=("shop_id",), name="merchant_refund_by_shop"),
        )
        constraints = (
            CheckConstraint(check="amount_minor > 0", name="merchant_refund_amount_positive"),
        )
