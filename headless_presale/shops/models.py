"""Shops: a merchant's storefront identity."""

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model


class Shop(Model):
    """A merchant's shop. Everything a storefront reads hangs below one.

    ``currency`` is what its catalogue is priced in; ``default_locale`` is the language that texts
    without a translation are written in.
    """

    id = fields.UUIDField(primary_key=True)
    slug = fields.CharField(max_length=60, unique=True)
    name = fields.CharField(max_length=120)
    currency = fields.CharField(max_length=3)
    default_locale = fields.CharField(max_length=10)
    translations = fields.JSONField[dict[str, dict[str, str]]](default=dict)
    """Locale -> field -> text, e.g. ``{"zh-CN": {"name": "..."}}``."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "shop"
        constraints = (
            CheckConstraint(check="slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="shop_slug_format"),
        )
