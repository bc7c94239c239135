"""What is left of somebody who was erased: that it was done. And copies for those who are not."""

from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index

from headless_presale.kernel.models import Model

if TYPE_CHECKING:
    from headless_presale.customers.models import Customer
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


class PersonalDataExport(Model):
    """A copy of what is known of a customer, made because he asked; a day later it is gone.

    Its content lies in pieces, in order: those of ``attempt``, the one that came to its end, at
    ``ready_at``. Of the link's token only a hash is kept. ``locale`` is of the mail that says that
    it is ready.
    """

    id = fields.UUIDField(primary_key=True)
    customer_id: UUID
    customer: fields.ForeignKeyRelation["Customer"] = fields.ForeignKeyField(
        "presale.Customer", related_name="exports", db_index=False, on_delete=fields.RESTRICT
    )
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop",
        related_name="personal_data_exports",
        db_index=False,
        on_delete=fields.RESTRICT,
    )
    locale = fields.CharField(max_length=10)
    token_hash = fields.CharField(max_length=64)
    asked_at = fields.DatetimeField()
    ready_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField()
    attempt = fields.UUIDField(null=True)

    class Meta:
        table = "personal_data_export"
        indexes = (
            Index(fields=("customer_id", "asked_at"), name="personal_data_export_by_customer"),
            Index(fields=("shop_id",), name="personal_data_export_by_shop"),
            Index(fields=("expires_at",), name="personal_data_export_expiry"),
        )


class PersonalDataExportPiece(Model):
    """A piece of a copy; ``number`` counts from 0 in each attempt to write it."""

    id = fields.BigIntField(primary_key=True, generated=True)
    export_id: UUID
    export: fields.ForeignKeyRelation[PersonalDataExport] = fields.ForeignKeyField(
        "presale.PersonalDataExport",
        related_name="pieces",
        db_index=False,
        on_delete=fields.CASCADE,
    )
    attempt = fields.UUIDField()
    number = fields.IntField()
    content = fields.BinaryField()

    class Meta:
        table = "personal_data_export_piece"
        unique_together = (("export", "attempt", "number"),)
