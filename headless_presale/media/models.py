"""Pictures that merchants have uploaded."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint

from headless_presale.kernel.models import Model

if TYPE_CHECKING:
    from headless_presale.shops.models import Shop


class MediaAsset(Model):
    """A picture of a shop, in several sizes. Never changed: other content is another asset.

    ``sha256``, ``mime`` and ``bytes`` are those of the file that was uploaded, so that a shop has
    each picture once; ``width`` and ``height`` those of the picture in it, turned upright.
    ``sizes`` lists the files there are, the smallest first; see ``rules.StoredSize``.
    Only what is said of it may change: ``alt`` is what it shows, in the shop's own language;
    ``translations`` maps a locale to the same in another one: ``{"zh-CN": {"alt": ...}}``.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="media_assets", db_index=False, on_delete=fields.RESTRICT
    )
    sha256 = fields.CharField(max_length=64)
    mime = fields.CharField(max_length=40)
    width = fields.IntField()
    height = fields.IntField()
    sizes = fields.JSONField[list[dict[str, Any]]]()
    bytes = fields.BigIntField()
    alt = fields.CharField(max_length=512, default="", db_default="")
    translations = fields.JSONField[dict[str, dict[str, str]]](default=dict, db_default="{}")
    version = fields.IntField(default=1, db_default=1)
    created_at = fields.DatetimeField()

    class Meta:
        table = "media_asset"
        unique_together = (("shop", "sha256"),)
        indexes = (Index(fields=("sha256",), name="media_asset_by_content"),)
        constraints = (
            CheckConstraint(check="sha256 ~ '^[0-9a-f]{64}$'", name="media_asset_sha256_format"),
            CheckConstraint(
                check="width > 0 AND height > 0 AND bytes > 0", name="media_asset_has_content"
            ),
        )
