"""Documents that a shop's own storefronts send."""

from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields

from headless_presale.kernel.models import Model

if TYPE_CHECKING:
    from headless_presale.shops.models import Shop


class TrustedDocument(Model):
    """A GraphQL document that a shop has registered; ``digest`` is the SHA-256 of its text.

    ``name`` is what its operation calls itself, empty where it has no name.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="documents", db_index=False, on_delete=fields.RESTRICT
    )
    digest = fields.CharField(max_length=64, db_index=True)
    name = fields.CharField(max_length=120)
    text = fields.TextField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "trusted_document"
        unique_together = (("shop", "digest"),)
