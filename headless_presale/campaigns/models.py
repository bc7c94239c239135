"""Campaigns: what is presold, when, at which price, under which terms."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint

from headless_presale.campaigns.states import CampaignStatus
from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.models import Model

if TYPE_CHECKING:
    from headless_presale.catalog.models import ProductVariant
    from headless_presale.shops.models import Shop
    from headless_presale.slots.models import SlotPool


class Campaign(Model):
    """A presale of one or more variants within a window.

    ``version`` rises with every change that a cached copy must notice. Policies are stored as the
    JSON of their rule classes in ``rules.py``; ``payment_plan`` and ``cancel_policy`` among them.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="campaigns", db_index=False, on_delete=fields.RESTRICT
    )
    handle = fields.CharField(max_length=120)
    title = fields.CharField(max_length=200)
    story = fields.TextField(default="")
    translations = fields.JSONField[dict[str, dict[str, str]]](default=dict)
    currency = fields.CharField(max_length=3)
    status = fields.CharEnumField(CampaignStatus, max_length=12)
    opens_at = fields.DatetimeField()
    closes_at = fields.DatetimeField()
    payment_plan = fields.JSONField[dict[str, Any]]()
    cancel_policy = fields.JSONField[dict[str, Any]]()
    hold_seconds = fields.IntField()
    terms_version = fields.IntField(null=True)
    version = fields.IntField(default=1)
    published_at = fields.DatetimeField(null=True)
    cancelled_at = fields.DatetimeField(null=True)
    cancel_reason = fields.TextField(default="")
    created_at = fields.DatetimeField()

    items: fields.ReverseRelation["CampaignItem"]
    terms: fields.ReverseRelation["CampaignTerms"]

    class Meta:
        table = "campaign"
        unique_together = (("shop", "handle"),)
        indexes = (
            Index(fields=("shop_id", "opens_at", "id"), name="campaign_by_shop"),
            WhereIndex(
                fields=("opens_at",), name="campaign_due_to_open", where="status = 'SCHEDULED'"
            ),
            WhereIndex(
                fields=("closes_at",), name="campaign_due_to_close", where="status = 'LIVE'"
            ),
        )
        constraints = (
            CheckConstraint(check="opens_at < closes_at", name="campaign_window"),
            CheckConstraint(check="hold_seconds > 0", name="campaign_hold_positive"),
        )


class CampaignItem(Model):
    """One variant within a campaign, with its presale price, tiers and pool of slots.

    ``list_price_minor`` is what the variant cost in the catalogue when the campaign was made: the
    price that the presale price is shown against.
    """

    id = fields.UUIDField(primary_key=True)
    campaign_id: UUID
    campaign: fields.ForeignKeyRelation["Campaign"] = fields.ForeignKeyField(
        "presale.Campaign", related_name="items", db_index=False, on_delete=fields.RESTRICT
    )
    position = fields.IntField()
    variant_id: UUID
    variant: fields.ForeignKeyRelation["ProductVariant"] = fields.ForeignKeyField(
        "presale.ProductVariant", related_name="campaign_items", on_delete=fields.RESTRICT
    )
    pool_id: UUID
    pool: fields.OneToOneRelation["SlotPool"] = fields.OneToOneField(
        "presale.SlotPool", related_name="campaign_item", on_delete=fields.RESTRICT
    )
    price_minor = fields.BigIntField()
    list_price_minor = fields.BigIntField()
    price_tiers = fields.JSONField[dict[str, Any]]()
    limit_per_customer = fields.IntField(null=True)

    batches: fields.ReverseRelation["ProductionBatch"]

    class Meta:
        table = "campaign_item"
        unique_together = (("campaign", "variant"), ("campaign", "position"))
        constraints = (
            CheckConstraint(check="price_minor > 0", name="campaign_item_price_positive"),
            CheckConstraint(
                check="limit_per_customer IS NULL OR limit_per_customer > 0",
                name="campaign_item_limit_positive",
            ),
        )


class ProductionBatch(Model):
    """A wave of production: a range of slot numbers with its own promised ship date.

    Adding a batch appends a range; the promises of the ranges before it are never touched.
    ``capacity`` is how many slots it has of its range: fewer where the cap was lowered.
    """

    id = fields.UUIDField(primary_key=True)
    item_id: UUID
    item: fields.ForeignKeyRelation["CampaignItem"] = fields.ForeignKeyField(
        "presale.CampaignItem", related_name="batches", db_index=False, on_delete=fields.RESTRICT
    )
    position = fields.IntField()
    first_number = fields.IntField()
    last_number = fields.IntField()
    capacity = fields.IntField(db_default=0)
    ships_by = fields.DateField()

    class Meta:
        table = "production_batch"
        unique_together = (("item", "position"),)
        constraints = (
            CheckConstraint(check="first_number <= last_number", name="production_batch_range"),
        )


class CampaignTerms(Model):
    """One version of the terms a buyer accepts. Written once, never changed.

    The texts map a locale to prose. An order points to the version it was placed under, so what
    was agreed can always be shown again.
    """

    id = fields.UUIDField(primary_key=True)
    campaign_id: UUID
    campaign: fields.ForeignKeyRelation["Campaign"] = fields.ForeignKeyField(
        "presale.Campaign", related_name="terms", db_index=False, on_delete=fields.RESTRICT
    )
    version = fields.IntField()
    ships_by = fields.DateField(null=True)
    refund_policy = fields.JSONField[dict[str, str]]()
    cancel_conditions = fields.JSONField[dict[str, str]]()
    created_at = fields.DatetimeField()

    class Meta:
        table = "campaign_terms"
        unique_together = (("campaign", "version"),)
