"""Carts that are kept on the server, for guests and for customers."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.kernel.models import Model

if TYPE_CHECKING:
    from headless_presale.customers.models import Customer
    from headless_presale.shops.models import Shop


class Cart(Model):
    """A cart of one shop. ``customer_id`` is null for a guest's, which its token opens.

    A customer has one. ``expires_at`` moves with each change; ended is as good as gone, and what
    has ended is swept. All lines are priced in ``currency``.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="carts", db_index=False, on_delete=fields.RESTRICT
    )
    customer_id: UUID | None
    customer: fields.ForeignKeyNullableRelation["Customer"] = fields.ForeignKeyField(
        "presale.Customer",
        related_name="carts",
        null=True,
        db_index=False,
        on_delete=fields.CASCADE,
    )
    currency = fields.CharField(max_length=3)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "cart"
        indexes = (Index(fields=("expires_at",), name="cart_expiry"),)
        constraints = (
            UniqueConstraint(
                fields=("customer_id",),
                name="cart_one_per_customer",
                condition="customer_id IS NOT NULL",
            ),
        )


class SavedLine(Model):
    """So many of one campaign item, and what they were shown at (see ``PricedUnits``).

    No foreign key to the item: what lies in somebody's cart hinders no merchant who takes a draft
    apart.
    """

    id = fields.UUIDField(primary_key=True)
    cart_id: UUID
    cart: fields.ForeignKeyRelation["Cart"] = fields.ForeignKeyField(
        "presale.Cart", related_name="lines", db_index=False, on_delete=fields.CASCADE
    )
    item_id = fields.UUIDField()
    quantity = fields.IntField()
    shown = fields.JSONField[list[dict[str, Any]]]()

    class Meta:
        table = "cart_line"
        unique_together = (("cart", "item_id"),)
        constraints = (
            CheckConstraint(check="quantity BETWEEN 1 AND 100", name="cart_line_quantity"),
        )
