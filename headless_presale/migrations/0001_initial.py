"""The first tables."""

from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.campaigns.states import CampaignStatus
from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.migration_operations import CreateConstraints
from headless_presale.orders.states import OrderStatus
from headless_presale.payments.states import PaymentLeg, PaymentStatus, RefundStatus


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="EventRecord",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("topic", fields.CharField(max_length=80)),
                ("type", fields.CharField(max_length=60)),
                ("payload", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("actor", fields.CharField(max_length=80)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "event",
                "app": "presale",
                "indexes": [Index(fields=["topic", "id"], name="event_topic_id")],
                "pk_attr": "id",
                "table_description": "One row per event: the order's history, the source of every live update.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="GatewayEvent",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("gateway", fields.CharField(max_length=30)),
                ("event_id", fields.CharField(max_length=120)),
                ("type", fields.CharField(max_length=60)),
                ("outcome", fields.CharField(max_length=40)),
                ("payload", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "gateway_event",
                "app": "presale",
                "unique_together": (("gateway", "event_id"),),
                "pk_attr": "id",
                "table_description": "What a gateway told us: one row, and so one effect, per event id.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("kind", fields.CharField(max_length=40)),
                ("subject_id", fields.UUIDField()),
                ("recipient", fields.CharField(max_length=320)),
                ("locale", fields.CharField(max_length=10)),
                ("context", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "claimed_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("failed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("failure", fields.CharField(default="", max_length=500)),
            ],
            options={
                "table": "message",
                "app": "presale",
                "unique_together": (("kind", "subject_id"),),
                "constraints": [
                    CheckConstraint(
                        check="sent_at IS NULL OR failed_at IS NULL", name="message_sent_or_failed"
                    )
                ],
                "pk_attr": "id",
                "table_description": "A mail to a buyer. ``(kind, subject_id)`` is unique: the same cause writes one mail.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Shop",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("slug", fields.CharField(unique=True, max_length=60)),
                ("name", fields.CharField(max_length=120)),
                ("currency", fields.CharField(max_length=3)),
                ("default_locale", fields.CharField(max_length=10)),
                ("translations", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "shop",
                "app": "presale",
                "constraints": [
                    CheckConstraint(
                        check="slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="shop_slug_format"
                    )
                ],
                "pk_attr": "id",
                "table_description": "A merchant's shop. Everything a storefront reads hangs below one.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Campaign",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "shop",
                    fields.ForeignKeyField(
                        "presale.Shop",
                        source_field="shop_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="campaigns",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("handle", fields.CharField(max_length=120)),
                ("title", fields.CharField(max_length=200)),
                ("story", fields.TextField(default="", unique=False)),
                ("translations", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("currency", fields.CharField(max_length=3)),
                (
                    "status",
                    fields.CharEnumField(
                        description="DRAFT: DRAFT\nSCHEDULED: SCHEDULED\nLIVE: LIVE\nCLOSED: CLOSED\nCANCELLED: CANCELLED",
                        enum_type=CampaignStatus,
                        max_length=12,
                    ),
                ),
                ("opens_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("closes_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("payment_plan", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("cancel_policy", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("hold_seconds", fields.IntField()),
                ("terms_version", fields.IntField(null=True)),
                ("version", fields.IntField(default=1)),
                (
                    "published_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "cancelled_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("cancel_reason", fields.TextField(default="", unique=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "campaign",
                "app": "presale",
                "unique_together": (("shop", "handle"),),
                "constraints": [
                    CheckConstraint(check="opens_at < closes_at", name="campaign_window"),
                    CheckConstraint(check="hold_seconds > 0", name="campaign_hold_positive"),
                ],
                "indexes": [
                    Index(fields=["shop_id", "opens_at", "id"], name="campaign_by_shop"),
                    WhereIndex(
                        fields=["opens_at"],
                        name="campaign_due_to_open",
                        where="status = 'SCHEDULED'",
                    ),
                    WhereIndex(
                        fields=["closes_at"], name="campaign_due_to_close", where="status = 'LIVE'"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A presale of one or more variants within a window.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CampaignTerms",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "campaign",
                    fields.ForeignKeyField(
                        "presale.Campaign",
                        source_field="campaign_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="terms",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("version", fields.IntField()),
                ("ships_by", fields.DateField(null=True)),
                ("refund_policy", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("cancel_conditions", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "campaign_terms",
                "app": "presale",
                "unique_together": (("campaign", "version"),),
                "pk_attr": "id",
                "table_description": "One version of the terms a buyer accepts. Written once, never changed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LedgerTransaction",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "shop",
                    fields.ForeignKeyField(
                        "presale.Shop",
                        source_field="shop_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="bookings",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("kind", fields.CharField(max_length=40)),
                ("source", fields.CharField(unique=True, max_length=120)),
                ("order_id", fields.UUIDField()),
                ("booked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "ledger_transaction",
                "app": "presale",
                "indexes": [Index(fields=["order_id"], name="ledger_transaction_by_order")],
                "pk_attr": "id",
                "table_description": "One booking: entries that add up to zero. Append-only; the database checks both.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LedgerEntry",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "transaction",
                    fields.ForeignKeyField(
                        "presale.LedgerTransaction",
                        source_field="transaction_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="entries",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("account", fields.CharField(max_length=40)),
                ("amount_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
            ],
            options={
                "table": "ledger_entry",
                "app": "presale",
                "constraints": [
                    CheckConstraint(check="amount_minor <> 0", name="ledger_entry_not_zero")
                ],
                "pk_attr": "id",
                "table_description": "One side of a booking: positive is a debit, negative a credit, in minor units.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Order",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "shop",
                    fields.ForeignKeyField(
                        "presale.Shop",
                        source_field="shop_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="orders",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "campaign",
                    fields.ForeignKeyField(
                        "presale.Campaign",
                        source_field="campaign_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="orders",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("customer_id", fields.UUIDField()),
                (
                    "status",
                    fields.CharEnumField(
                        description="AWAITING_PAYMENT: AWAITING_PAYMENT\nAWAITING_DEPOSIT: AWAITING_DEPOSIT\nDEPOSIT_PAID: DEPOSIT_PAID\nAWAITING_BALANCE: AWAITING_BALANCE\nPAID: PAID\nEXPIRED: EXPIRED\nFORFEITED: FORFEITED\nCANCELLED: CANCELLED",
                        enum_type=OrderStatus,
                        max_length=20,
                    ),
                ),
                ("currency", fields.CharField(max_length=3)),
                ("total_minor", fields.BigIntField()),
                ("deposit_minor", fields.BigIntField()),
                ("balance_minor", fields.BigIntField()),
                ("terms_version", fields.IntField()),
                ("payment_plan", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("cancel_policy", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("buyer", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("shipping_address", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("locale", fields.CharField(max_length=10)),
                ("request_hash", fields.CharField(max_length=64)),
                ("hold_expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "balance_opens_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "balance_due_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "balance_remind_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "reminded_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("placed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("closed_reason", fields.CharField(default="", max_length=200)),
            ],
            options={
                "table": "sales_order",
                "app": "presale",
                "constraints": [
                    CheckConstraint(
                        check="deposit_minor + balance_minor = total_minor AND deposit_minor >= 0 AND balance_minor >= 0",
                        name="sales_order_split_adds_up",
                    )
                ],
                "indexes": [
                    Index(fields=["shop_id", "placed_at", "id"], name="sales_order_by_shop"),
                    Index(fields=["campaign_id", "id"], name="sales_order_by_campaign"),
                    Index(fields=["customer_id", "placed_at"], name="sales_order_by_customer"),
                    WhereIndex(
                        fields=["hold_expires_at"],
                        name="sales_order_hold_due",
                        where="status IN ('AWAITING_PAYMENT', 'AWAITING_DEPOSIT')",
                    ),
                    WhereIndex(
                        fields=["balance_opens_at"],
                        name="sales_order_balance_opens",
                        where="status = 'DEPOSIT_PAID'",
                    ),
                    WhereIndex(
                        fields=["balance_remind_at"],
                        name="sales_order_remind_due",
                        where="status = 'AWAITING_BALANCE' AND reminded_at IS NULL",
                    ),
                    WhereIndex(
                        fields=["balance_due_at"],
                        name="sales_order_balance_due",
                        where="status = 'AWAITING_BALANCE'",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "An order. Its id is derived from the customer and the idempotency key: a retry is the same.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "shop",
                    fields.ForeignKeyField(
                        "presale.Shop",
                        source_field="shop_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="payments",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("order_id", fields.UUIDField()),
                (
                    "leg",
                    fields.CharEnumField(
                        description="DEPOSIT: DEPOSIT\nBALANCE: BALANCE\nFULL: FULL",
                        enum_type=PaymentLeg,
                        max_length=8,
                    ),
                ),
                ("gateway", fields.CharField(max_length=30)),
                (
                    "status",
                    fields.CharEnumField(
                        description="PENDING: PENDING\nCAPTURED: CAPTURED\nCANCELLED: CANCELLED\nMISMATCHED: MISMATCHED",
                        enum_type=PaymentStatus,
                        max_length=12,
                    ),
                ),
                ("amount_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("intent_id", fields.CharField(null=True, max_length=120)),
                ("client_action", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("failure_code", fields.CharField(default="", max_length=60)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "captured_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "payment",
                "app": "presale",
                "constraints": [
                    UniqueConstraint(
                        fields=("order_id", "leg"),
                        name="payment_one_open_per_leg",
                        condition="status IN ('PENDING', 'CAPTURED')",
                    ),
                    UniqueConstraint(
                        fields=("gateway", "intent_id"),
                        name="payment_intent_unique",
                        condition="intent_id IS NOT NULL",
                    ),
                    CheckConstraint(check="amount_minor > 0", name="payment_amount_positive"),
                ],
                "indexes": [
                    Index(fields=["order_id"], name="payment_by_order"),
                    WhereIndex(
                        fields=["created_at"], name="payment_pending", where="status = 'PENDING'"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "One leg of an order, asked of one gateway. At most one per leg is pending or captured.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PaymentKey",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("request_hash", fields.CharField(max_length=64)),
                (
                    "payment",
                    fields.ForeignKeyField(
                        "presale.Payment",
                        source_field="payment_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="keys",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "payment_key",
                "app": "presale",
                "pk_attr": "id",
                "table_description": "A ``paymentStart`` idempotency key of an order and the request it stood for.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "shop",
                    fields.ForeignKeyField(
                        "presale.Shop",
                        source_field="shop_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="products",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("handle", fields.CharField(max_length=255)),
                ("title", fields.CharField(max_length=255)),
                ("description_html", fields.TextField(default="", unique=False)),
                ("vendor", fields.CharField(default="", max_length=255)),
                ("product_type", fields.CharField(default="", max_length=255)),
                ("tags", ArrayField(default=list, element_type="TEXT")),
                ("is_published", fields.BooleanField(default=True)),
                ("seo_title", fields.CharField(default="", max_length=255)),
                ("seo_description", fields.TextField(default="", unique=False)),
                ("translations", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "product",
                "app": "presale",
                "unique_together": (("shop", "handle"),),
                "indexes": [Index(fields=["shop_id", "id"], name="product_shop_id_id")],
                "pk_attr": "id",
                "table_description": "Something a shop shows. ``handle`` is its address within the shop.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProductMedia",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "product",
                    fields.ForeignKeyField(
                        "presale.Product",
                        source_field="product_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="media",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("url", fields.CharField(max_length=2048)),
                ("alt", fields.CharField(default="", max_length=512)),
                ("position", fields.IntField()),
            ],
            options={
                "table": "product_media",
                "app": "presale",
                "unique_together": (("product", "url"),),
                "pk_attr": "id",
                "table_description": "A picture or film of a product. ``url`` is unique within the product.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProductOption",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "product",
                    fields.ForeignKeyField(
                        "presale.Product",
                        source_field="product_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="options",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("position", fields.SmallIntField()),
                ("name", fields.CharField(max_length=255)),
                ("translations", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "product_option",
                "app": "presale",
                "unique_together": (("product", "position"),),
                "pk_attr": "id",
                "table_description": "An axis a product varies along, e.g. Size; ``position`` 1 to 3.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProductVariant",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "product",
                    fields.ForeignKeyField(
                        "presale.Product",
                        source_field="product_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="variants",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("position", fields.IntField()),
                ("sku", fields.CharField(null=True, max_length=255)),
                ("option_values", ArrayField(default=list, element_type="TEXT")),
                ("price_minor", fields.BigIntField()),
                ("compare_at_minor", fields.BigIntField(null=True)),
                ("currency", fields.CharField(max_length=3)),
                ("barcode", fields.CharField(default="", max_length=255)),
                ("weight_grams", fields.IntField(null=True)),
                ("weight_unit", fields.CharField(default="", max_length=4)),
                ("is_shippable", fields.BooleanField(default=True)),
                ("is_taxable", fields.BooleanField(default=True)),
                ("stock_on_hand", fields.IntField(null=True)),
                (
                    "media",
                    fields.ForeignKeyField(
                        "presale.ProductMedia",
                        source_field="media_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="variants",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "product_variant",
                "app": "presale",
                "unique_together": (("product", "option_values"),),
                "constraints": [
                    UniqueConstraint(
                        fields=("product_id", "sku"),
                        name="product_variant_sku_unique",
                        condition="sku IS NOT NULL",
                    ),
                    CheckConstraint(
                        check="price_minor >= 0", name="product_variant_price_not_negative"
                    ),
                ],
                "indexes": [
                    WhereIndex(
                        fields=["sku"], name="product_variant_by_sku", where="sku IS NOT NULL"
                    )
                ],
                "pk_attr": "id",
                "table_description": "What is sold: one combination of option values, in option order.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "payment",
                    fields.ForeignKeyField(
                        "presale.Payment",
                        source_field="payment_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="refunds",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="REQUESTED: REQUESTED\nSUBMITTED: SUBMITTED\nSUCCEEDED: SUCCEEDED\nFAILED: FAILED",
                        enum_type=RefundStatus,
                        max_length=10,
                    ),
                ),
                ("amount_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("reason", fields.CharField(max_length=60)),
                ("gateway_refund_id", fields.CharField(null=True, max_length=120)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("settled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("attempts", fields.IntField(default=0)),
            ],
            options={
                "table": "refund",
                "app": "presale",
                "unique_together": (("payment", "reason"),),
                "constraints": [
                    CheckConstraint(check="amount_minor > 0", name="refund_amount_positive")
                ],
                "indexes": [
                    WhereIndex(
                        fields=["created_at"],
                        name="refund_open",
                        where="status IN ('REQUESTED', 'SUBMITTED', 'FAILED')",
                    )
                ],
                "pk_attr": "id",
                "table_description": "Money going back on one captured payment. ``id`` is the gateway's idempotency key.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SlotPool",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("capacity", fields.IntField()),
                ("limit_per_customer", fields.IntField(null=True)),
                ("is_open", fields.BooleanField(default=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "slot_pool",
                "app": "presale",
                "pk_attr": "id",
                "table_description": "A numbered run of slots, 1 to ``capacity``, for one campaign item.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CampaignItem",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "campaign",
                    fields.ForeignKeyField(
                        "presale.Campaign",
                        source_field="campaign_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="items",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.IntField()),
                (
                    "variant",
                    fields.ForeignKeyField(
                        "presale.ProductVariant",
                        source_field="variant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="campaign_items",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "pool",
                    fields.OneToOneField(
                        "presale.SlotPool",
                        source_field="pool_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="campaign_item",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("price_minor", fields.BigIntField()),
                ("list_price_minor", fields.BigIntField()),
                ("price_tiers", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("limit_per_customer", fields.IntField(null=True)),
            ],
            options={
                "table": "campaign_item",
                "app": "presale",
                "unique_together": (("campaign", "variant"), ("campaign", "position")),
                "constraints": [
                    CheckConstraint(check="price_minor > 0", name="campaign_item_price_positive"),
                    CheckConstraint(
                        check="limit_per_customer IS NULL OR limit_per_customer > 0",
                        name="campaign_item_limit_positive",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "One variant within a campaign, with its presale price, tiers and pool of slots.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrderLine",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "order",
                    fields.ForeignKeyField(
                        "presale.Order",
                        source_field="order_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="lines",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.IntField()),
                (
                    "item",
                    fields.ForeignKeyField(
                        "presale.CampaignItem",
                        source_field="item_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="order_lines",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("pool_id", fields.UUIDField()),
                ("quantity", fields.IntField()),
                ("numbers", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("unit_price_minor", fields.BigIntField()),
                ("price_reason", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("title", fields.CharField(max_length=520)),
                ("ships_by", fields.DateField(null=True)),
            ],
            options={
                "table": "order_line",
                "app": "presale",
                "unique_together": (("order", "position"),),
                "constraints": [
                    CheckConstraint(check="quantity > 0", name="order_line_quantity_positive")
                ],
                "pk_attr": "id",
                "table_description": "Slots of one item at one frozen price, with the reason of that price and the promise made.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProductionBatch",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "item",
                    fields.ForeignKeyField(
                        "presale.CampaignItem",
                        source_field="item_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="batches",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.IntField()),
                ("first_number", fields.IntField()),
                ("last_number", fields.IntField()),
                ("ships_by", fields.DateField()),
            ],
            options={
                "table": "production_batch",
                "app": "presale",
                "unique_together": (("item", "position"),),
                "constraints": [
                    CheckConstraint(
                        check="first_number <= last_number", name="production_batch_range"
                    )
                ],
                "pk_attr": "id",
                "table_description": "A wave of production: a range of slot numbers with its own promised ship date.",
            },
            bases=["Model"],
        ),
        CreateConstraints(
            "Message",
            "Shop",
            "Campaign",
            "LedgerEntry",
            "Order",
            "Payment",
            "ProductVariant",
            "Refund",
            "CampaignItem",
            "OrderLine",
            "ProductionBatch",
        ),
    ]
