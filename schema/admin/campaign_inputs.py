"""What mutations of campaigns take."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import strawberry

from schema.enums import MissedBalance, PlanKind
from schema.scalars import SafeInt

VERSION = "The campaign's version as you read it."


@strawberry.input(description="A text of the terms in one language.")
class TermsTextInput:
    locale: str = strawberry.field(description="A language tag such as `zh-CN`.")
    text: str


@strawberry.input(description="Terms of a campaign. A draft may lack what publishing demands.")
class CampaignTermsInput:
    ships_by: date | None = strawberry.field(
        default=None, description="The day everything is promised to ship by."
    )
    refund_policy: list[TermsTextInput] = strawberry.field(default_factory=list)
    cancel_conditions: list[TermsTextInput] = strawberry.field(default_factory=list)

    def to_fields(self) -> dict[str, Any]:
        """Return it as a draft's fields."""
        return {
            "ships_by": self.ships_by,
            "refund_policy": {text.locale: text.text for text in self.refund_policy},
            "cancel_conditions": {text.locale: text.text for text in self.cancel_conditions},
        }


@strawberry.input(description="Title and story in one language.")
class CampaignTranslationInput:
    locale: str = strawberry.field(description="A language tag such as `zh-CN`.")
    title: str | None = None
    story: str | None = None


@strawberry.input(description="Full payment, or a deposit now and the balance in a window later.")
class PaymentPlanInput:
    kind: PlanKind
    deposit_bps: int | None = strawberry.field(
        default=None, description="The deposit as a share: 2000 is 20 %. The shop's by default."
    )
    deposit_per_unit: Decimal | None = strawberry.field(
        default=None, description="The deposit as an amount per unit, in major units."
    )
    balance_opens_at: datetime | None = None
    balance_due_at: datetime | None = None
    reminder_seconds: int | None = strawberry.field(
        default=None,
        description="How long before the balance is due buyers are reminded. The shop's by "
        "default.",
    )
    missed_balance: MissedBalance | None = strawberry.field(
        default=None, description="FORFEIT by default."
    )

    def to_fields(self) -> dict[str, Any]:
        """Return it as a draft's fields."""
        reminder = self.reminder_seconds
        return _given(
            kind=self.kind,
            deposit_bps=self.deposit_bps,
            deposit_per_unit=self.deposit_per_unit,
            balance_opens_at=self.balance_opens_at,
            balance_due_at=self.balance_due_at,
            reminder=None if reminder is None else timedelta(seconds=reminder),
            missed_balance=self.missed_balance,
        )


@strawberry.input(description="What a buyer may do at one stage; shares of what was paid.")
class CancelRuleInput:
    is_allowed: bool
    refund_deposit_bps: int = 0
    refund_balance_bps: int = strawberry.field(
        default=0, description="Full payments follow this share."
    )

    def to_fields(self) -> dict[str, Any]:
        """Return it as a draft's fields."""
        return {
            "allowed": self.is_allowed,
            "refund_deposit_bps": self.refund_deposit_bps,
            "refund_balance_bps": self.refund_balance_bps,
        }


@strawberry.input(
    description="The rule of each paid stage. One that is left out is the usual: all goes back "
    "until the balance opens, nothing while it is due, all but the deposit once it is paid."
)
class CancelPolicyInput:
    deposit_paid: CancelRuleInput | None = None
    awaiting_balance: CancelRuleInput | None = None
    paid: CancelRuleInput | None = None

    def to_fields(self) -> dict[str, Any]:
        """Return it as a draft's fields."""
        rules = {
            "deposit_paid": self.deposit_paid,
            "awaiting_balance": self.awaiting_balance,
            "paid": self.paid,
        }
        return {stage: rule.to_fields() for stage, rule in rules.items() if rule is not None}


@strawberry.input(description="A price for some time after the tier before it.")
class TimeTierInput:
    name: str
    seconds: int = strawberry.field(description="How long it lasts.")
    price_bps: int = strawberry.field(description="Share of the presale price: 9000 is 90 %.")


@strawberry.input(description="A price, a gift or both for the first slot numbers.")
class QuantityTierInput:
    name: str
    up_to: int = strawberry.field(description="The last slot number it holds for.")
    price_bps: int | None = strawberry.field(
        default=None, description="Share of the presale price; null sets none of its own."
    )
    gift: str | None = None


@strawberry.input(description="A wave of production with its own promise.")
class BatchInput:
    capacity: int
    ships_by: date


@strawberry.input(description="A variant to presell.")
class CampaignItemInput:
    variant_id: strawberry.ID
    price: Decimal | None = strawberry.field(
        default=None,
        description="In major units of the shop's currency, \"76.50\"; the catalogue's by default.",
    )
    limit_per_customer: int | None = strawberry.field(
        default=None, description="How many one customer may own; null for any number."
    )
    time_tiers: list[TimeTierInput] = strawberry.field(default_factory=list)
    quantity_tiers: list[QuantityTierInput] = strawberry.field(default_factory=list)
    batches: list[BatchInput] = strawberry.field(default_factory=list)

    def to_fields(self) -> dict[str, Any]:
        """Return it as a draft's fields; the variant still by its global id."""
        return {
            "variant": self.variant_id,
            "price": self.price,
            "limit_per_customer": self.limit_per_customer,
            "time_tiers": [
                {
                    "name": tier.name,
                    "lasts": timedelta(seconds=tier.seconds),
                    "price_bps": tier.price_bps,
                }
                for tier in self.time_tiers
            ],
            "quantity_tiers": [
                {
                    "name": tier.name,
                    "up_to": tier.up_to,
                    "price_bps": tier.price_bps,
                    "gift": tier.gift,
                }
                for tier in self.quantity_tiers
            ],
            "batches": [
                {"capacity": batch.capacity, "ships_by": batch.ships_by} for batch in self.batches
            ],
        }


@strawberry.input(description="A campaign to write down; `faults` says what it lacks.")
class CampaignCreateInput:
    shop_id: strawberry.ID
    handle: str = strawberry.field(description="Lower-case letters, digits and single hyphens.")
    title: str
    opens_at: datetime
    closes_at: datetime
    story: str = ""
    translations: list[CampaignTranslationInput] = strawberry.field(default_factory=list)
    payment_plan: PaymentPlanInput | None = strawberry.field(
        default=None, description="Full payment by default."
    )
    cancel_policy: CancelPolicyInput | None = None
    hold_seconds: int | None = strawberry.field(
        default=None, description="How long a checkout holds its slots; the shop's by default."
    )
    items: list[CampaignItemInput] = strawberry.field(default_factory=list)
    terms: CampaignTermsInput | None = None

    def to_fields(self) -> dict[str, Any]:
        """Return it as a draft's fields."""
        return _fields(self)


@strawberry.input(
    description="What to change; what is left out or null stays. What is given is replaced whole: "
    "lists, payment plan, cancel policy, terms. Once published, only title, story, translations "
    "and holdSeconds can change."
)
class CampaignUpdateInput:
    campaign_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    handle: str | None = None
    title: str | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    story: str | None = None
    translations: list[CampaignTranslationInput] | None = None
    payment_plan: PaymentPlanInput | None = None
    cancel_policy: CancelPolicyInput | None = None
    hold_seconds: int | None = None
    items: list[CampaignItemInput] | None = strawberry.field(
        default=None, description="All items, in their order: one that is left out is removed."
    )
    terms: CampaignTermsInput | None = None

    def to_fields(self) -> dict[str, Any]:
        """Return it as a draft's fields."""
        return _fields(self)


@strawberry.input(description="A campaign to make again as a draft.")
class CampaignDuplicateInput:
    campaign_id: strawberry.ID
    opens_at: datetime | None = strawberry.field(
        default=None,
        description="Every date moves with it. By default the same hour of the same weekday, in "
        "the first week to come.",
    )
    handle: str | None = strawberry.field(
        default=None, description="By default the first of `x-copy`, `x-copy-2`... that is free."
    )


@strawberry.input(description="A campaign, as you read it.")
class CampaignPublishInput:
    campaign_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)


@strawberry.input(description="Other times for a campaign that has not opened.")
class CampaignScheduleInput:
    campaign_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    opens_at: datetime | None = strawberry.field(default=None, description="Null leaves it.")
    closes_at: datetime | None = strawberry.field(default=None, description="Null leaves it.")


@strawberry.input(description="A published campaign that is to be a draft again.")
class CampaignUnscheduleInput:
    campaign_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)


@strawberry.input(description="A later close.")
class CampaignExtendInput:
    campaign_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    closes_at: datetime
    reason: str = strawberry.field(description="For the history; at most 200 characters.")


@strawberry.input(description="A batch to append.")
class CampaignBatchAddInput:
    item_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    capacity: int
    ships_by: date


@strawberry.input(description="How many slots an item is to have, those sold included.")
class CampaignCapSetInput:
    item_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    capacity: int


@strawberry.input(description="An open campaign to close before its time.")
class CampaignCloseInput:
    campaign_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    reason: str = strawberry.field(description="For the history; at most 200 characters.")


@strawberry.input(description="A campaign to call off, with what its preview said.")
class CampaignCancelInput:
    campaign_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    reason: str = strawberry.field(description="What buyers are told; at most 200 characters.")
    expected_orders: int = strawberry.field(
        description="`cancelPreview.orders`: with more than these nothing is done."
    )
    expected_refund_minor: SafeInt = strawberry.field(
        description="`cancelPreview.refundTotal.minor`: with more than this nothing is done."
    )


@strawberry.input(description="Terms to put in force for orders to come.")
class CampaignTermsCreateInput:
    campaign_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)
    terms: CampaignTermsInput


@strawberry.input(description="A draft to remove.")
class CampaignDiscardInput:
    campaign_id: strawberry.ID
    version: int = strawberry.field(description=VERSION)


def _fields(input: CampaignCreateInput | CampaignUpdateInput) -> dict[str, Any]:
    return _given(
        handle=input.handle,
        title=input.title,
        story=input.story,
        opens_at=input.opens_at,
        closes_at=input.closes_at,
        hold_seconds=input.hold_seconds,
        translations=None
        if input.translations is None
        else {
            text.locale: _given(title=text.title, story=text.story) for text in input.translations
        },
        payment_plan=input.payment_plan and input.payment_plan.to_fields(),
        cancel_policy=input.cancel_policy and input.cancel_policy.to_fields(),
        items=_each(input.items),
        terms=input.terms and input.terms.to_fields(),
    )


def _each(items: Iterable[CampaignItemInput] | None) -> list[dict[str, Any]] | None:
    return None if items is None else [item.to_fields() for item in items]


def _given(**values: Any) -> dict[str, Any]:
    """Return what is not null: null means that nothing was said."""
    return {name: value for name, value in values.items() if value is not None}
