"""What is left of somebody who was erased: that it was done."""

from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

if TYPE_CHECKING:
    from headless_presale.shops.models import Shop


class Erasure(Model):
    """A person was erased. ``id`` is random, and the ``customer_id`` of his orders from then on.

    Nothing leads from an address to it: who comes again under the same address is new.
    ``asked_by`` is how the log names who asked; ``customer`` is the person.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="erasures", db_index=False, on_delete=fields.RESTRICT
    )
    asked_by = fields.CharField(max_length=80)
    orders = fields.IntField()
    at = fields.DatetimeField()

    class Meta:
        table = "erasure"
        indexes = (Index(fields=("shop_id", "id"), name="erasure_by_shop"),)
