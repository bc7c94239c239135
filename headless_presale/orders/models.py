"""Orders: what was bought, at which frozen price, and what is due when."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from headless_presale.kernel.indexes import WhereIndex
from headless_presale.orders.states import OrderStatus

if TYPE_CHECKING:
    from headless_presale.campaigns.models import Campaign, CampaignItem
    from headless_presale.shops.models import Shop


class Order(Model):
    """An order. Its id is derived from the customer and the idempotency key: a retry is the same.

    Amounts are minor units of ``currency``; ``deposit_minor`` is 0 on the full-payment plan, and
    ``deposit_minor + balance_minor == total_minor``. Due dates are columns because one sweep looks
    for them; no job waits for a single order.
    """

    id = fields.UUIDField(primary_key=True)
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
    updated_at = fields.DatetimeField()
    closed_reason = fields.CharField(max_length=200, default="")

    lines: fields.ReverseRelation["OrderLine"]

    class Meta:
        table = "sales_order"
        indexes = (
            Index(fields=("shop_id", "placed_at", "id"), name="sales_order_by_shop"),
            Index(fields=("campaign_id", "id"), name="sales_order_by_campaign"),
            Index(fields=("customer_id", "placed_at"), name="sales_order_by_customer"),
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
    title = fields.CharField(max_length=520)
    ships_by = fields.DateField(null=True)

    class Meta:
        table = "order_line"
        unique_together = (("order", "position"),)
        constraints = (CheckConstraint(check="quantity > 0", name="order_line_quantity_positive"),)
