"""Merchants, and the shops they run."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint

from headless_presale.kernel.models import Model


class Merchant(Model):
    """An organisation that runs shops. Staff and clients belong to one; no row of another one's
    shops can be reached through them."""

    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=120)
    version = fields.IntField(default=1, db_default=1)
    created_at = fields.DatetimeField()

    class Meta:
        table = "merchant"


class Shop(Model):
    """A merchant's shop. Everything a storefront reads hangs below one.

    ``currency`` is what its catalogue is priced in; ``default_locale`` is the language that texts
    without a translation are written in.
    """

    id = fields.UUIDField(primary_key=True)
    merchant_id: UUID
    merchant: fields.ForeignKeyRelation["Merchant"] = fields.ForeignKeyField(
        "presale.Merchant", related_name="shops", db_index=False, on_delete=fields.RESTRICT
    )
    slug = fields.CharField(max_length=60, unique=True)
    name = fields.CharField(max_length=120)
    currency = fields.CharField(max_length=3)
    default_locale = fields.CharField(max_length=10)
    translations = fields.JSONField[dict[str, dict[str, str]]](default=dict)
    """Locale -> field -> text, e.g. ``{"zh-CN": {"name": "..."}}``."""
    contact_email = fields.CharField(max_length=320, default="", db_default="")
    timezone = fields.CharField(max_length=40, default="UTC", db_default="UTC")
    notify_double_opt_in = fields.BooleanField(default=True, db_default=True)
    """Whether people confirm by mail before they are told of openings."""
    policies = fields.JSONField[dict[str, Any]](default=dict, db_default="{}")
    """The shop's own numbers where they differ from the defaults."""
    storefront_origins = fields.JSONField[list[str]](default=list, db_default="[]")
    """From which sites' pages it is used, as browsers write them; empty: from all."""
    trusted_documents_only = fields.BooleanField(default=False, db_default=False)
    """Storefronts may send documents that the shop has registered, and no others."""
    documents_version = fields.IntField(default=1, db_default=1)
    """Rises with each change of those documents."""
    version = fields.IntField(default=1, db_default=1)
    created_at = fields.DatetimeField()

    class Meta:
        table = "shop"
        indexes = (Index(fields=("merchant_id",), name="shop_by_merchant"),)
        constraints = (
            CheckConstraint(check="slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="shop_slug_format"),
        )
