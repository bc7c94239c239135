"""Campaigns and their items."""

from datetime import date, datetime
from uuid import UUID

import strawberry

from headless_presale.campaigns import (
    BatchSnapshot,
    CampaignSnapshot,
    CampaignTerms,
    CancelRule,
    ItemSnapshot,
    TermsSnapshot,
)
from headless_presale.campaigns import CancelPolicy as Policy
from headless_presale.campaigns import PaymentPlan as Plan
from headless_presale.kernel.money import Money as Amount
from headless_presale.shops import Shop
from resolvers import campaigns
from resolvers.readiness import Soon, then
from schema.campaign_prices import CurrentPrice, NextPrice
from schema.catalog import ProductType, VariantType
from schema.enums import CampaignStatus, MissedBalance, PlanKind
from schema.money import Money
from schema.nodes import Info, Node

READS_PROGRESS = frozenset(
    {
        "Campaign.slotsLeft",
        "Campaign.soldBps",
        "CampaignItem.slotsLeft",
        "CampaignItem.soldBps",
        "CampaignItem.currentPrice",
        "CampaignItem.nextPrice",
        "CampaignItem.depositDue",
        "CampaignItem.shipsBy",
    }
)
"""Fields that depend on how many slots are left."""


@strawberry.type(description="How orders of the campaign are paid.")
class PaymentPlan:
    """Full payment, or a deposit now and the balance in a window later."""

    kind: PlanKind = strawberry.field(description="All at once, or a deposit first.")
    deposit_bps: int | None = strawberry.field(
        description="The deposit as a share in basis points: 2000 is 20 %."
    )
    deposit_per_unit: Money | None = strawberry.field(
        description="The deposit as an amount per unit."
    )
    balance_opens_at: datetime | None = strawberry.field(
        description="From when on the balance can be paid. Null on full payment."
    )
    balance_due_at: datetime | None = strawberry.field(
        description="By when it has to be. Null on full payment."
    )
    missed_balance: MissedBalance | None = strawberry.field(
        description="What happens to the deposit when the balance is missed."
    )

    @classmethod
    def of(cls, plan: Plan, currency: str) -> "PaymentPlan":
        """Wrap a plan whose amounts are in a currency."""
        is_deposit = plan.kind is PlanKind.DEPOSIT
        per_unit = plan.deposit_per_unit_minor if is_deposit else None
        return cls(
            kind=plan.kind,
            deposit_bps=plan.deposit_bps if is_deposit else None,
            deposit_per_unit=None if per_unit is None else Money.of(Amount(per_unit, currency)),
            balance_opens_at=plan.balance_opens_at,
            balance_due_at=plan.balance_due_at,
            missed_balance=plan.missed_balance if is_deposit else None,
        )


@strawberry.type(name="CancelRule", description="What a buyer may do at one stage of an order.")
class CancelRuleType:
    """Shares of what was paid, in basis points."""

    is_allowed: bool = strawberry.field(description="Whether the buyer may cancel.")
    refund_deposit_bps: int = strawberry.field(
        description="The share of the deposit that goes back, in basis points: 10000 is all of it."
    )
    refund_balance_bps: int = strawberry.field(description="Full payments follow this share.")

    @classmethod
    def of(cls, rule: CancelRule) -> "CancelRuleType":
        """Wrap a rule."""
        return cls(
            is_allowed=rule.is_allowed,
            refund_deposit_bps=rule.refund_deposit_bps,
            refund_balance_bps=rule.refund_balance_bps,
        )


@strawberry.type(description="The rule of each paid stage; before any payment one may always go.")
class CancelPolicy:
    """What orders placed now can rely on."""

    deposit_paid: CancelRuleType = strawberry.field(
        description="While the balance cannot be paid yet."
    )
    awaiting_balance: CancelRuleType = strawberry.field(
        description="While the balance can be paid."
    )
    paid: CancelRuleType = strawberry.field(description="Once all of it is paid.")

    @classmethod
    def of(cls, policy: Policy) -> "CancelPolicy":
        """Wrap a policy."""
        return cls(
            deposit_paid=CancelRuleType.of(policy.deposit_paid),
            awaiting_balance=CancelRuleType.of(policy.awaiting_balance),
            paid=CancelRuleType.of(policy.paid),
        )


@strawberry.type(description="One version of the terms: accepted with the order, never changed.")
class Terms:
    """Texts come in the language of Accept-Language, else in the shop's."""

    terms: strawberry.Private[TermsSnapshot | CampaignTerms]
    shop: strawberry.Private[Shop]

    @strawberry.field(description="What `orderPlace` takes as `acceptedTermsVersion`.")
    def version(self) -> int:
        return self.terms.version

    @strawberry.field(description="The day by which everything is promised to ship.")
    def ships_by(self) -> date | None:
        return self.terms.ships_by

    @strawberry.field(
        description="As plain text, in the language of Accept-Language, else in the shop's."
    )
    def refund_policy(self, info: Info) -> str:
        return campaigns.localized_prose(self.terms.refund_policy, self.shop, info.context.locale)

    @strawberry.field(
        description="As plain text, in the language of Accept-Language, else in the shop's."
    )
    def cancel_conditions(self, info: Info) -> str:
        return campaigns.localized_prose(
            self.terms.cancel_conditions, self.shop, info.context.locale
        )


@strawberry.type(description="A wave of production: a range of slot numbers and its promise.")
class ProductionBatch:
    """Adding one never touches the promises of those before it."""

    batch: strawberry.Private[BatchSnapshot]

    @strawberry.field(description="The day by which its numbers are promised to ship.")
    def ships_by(self) -> date:
        return self.batch.ships_by

    @strawberry.field(description="How many slots it has.")
    def capacity(self) -> int:
        return self.batch.capacity

    @strawberry.field(description="Its lowest slot number.")
    def first_number(self) -> int:
        return self.batch.first_number

    @strawberry.field(description="Its highest slot number.")
    def last_number(self) -> int:
        return self.batch.last_number


@strawberry.type(name="CampaignItem", description="A variant within a campaign.")
class CampaignItemType(Node):
    """Its price rules, its slots and its promises."""

    item: strawberry.Private[ItemSnapshot]
    snapshot: strawberry.Private[CampaignSnapshot]
    shop: strawberry.Private[Shop]

    def identity(self) -> tuple[str, UUID]:
        return "CampaignItem", self.item.id

    @strawberry.field(description="The product's title and the option values.")
    def title(self, info: Info) -> str:
        return self.item.title(info.context.locale)

    @strawberry.field(description="The campaign that it is part of.")
    def campaign(self) -> "CampaignType":
        return CampaignType(snapshot=self.snapshot, shop=self.shop)

    @strawberry.field(description="What is presold. Null where it was taken out of the catalogue.")
    async def variant(self, info: Info) -> VariantType | None:
        variant = await info.context.loaders.variants.load(self.item.variant_id)
        if variant is None:
            return None
        return VariantType(variant=variant, product_row=variant.product, shop=self.shop)

    @strawberry.field(
        description="The product of the variant, published or not. Null where it was taken out "
        "of the catalogue."
    )
    async def product(self, info: Info) -> ProductType | None:
        variant = await info.context.loaders.variants.load(self.item.variant_id)
        return None if variant is None else ProductType(product=variant.product, shop=self.shop)

    @strawberry.field(description="The catalogue's price when the campaign was made.")
    def list_price(self) -> Money:
        return Money.of(self.item.list_price)

    @strawberry.field(description="The campaign's price before any tier.")
    def presale_price(self) -> Money:
        return Money.of(self.item.price)

    @strawberry.field(
        description="What the next unit costs; before the opening, what it will cost then. "
        "Null once the campaign is over."
    )
    def current_price(self, info: Info) -> Soon[CurrentPrice | None]:
        return then(
            campaigns.current_price(info.context, self.snapshot, self.item),
            lambda quoted: None if quoted is None else CurrentPrice(quoted=quoted),
        )

    @strawberry.field(description="Null where the clock will bring no other price.")
    def next_price(self, info: Info) -> Soon[NextPrice | None]:
        return then(
            campaigns.next_price(info.context, self.snapshot, self.item),
            lambda coming: None if coming is None else NextPrice(coming=coming),
        )

    @strawberry.field(
        description="What is due now for one unit; null on full payment, or once the campaign is "
        "over."
    )
    def deposit_due(self, info: Info) -> Soon[Money | None]:
        return then(
            campaigns.deposit_for_one(info.context, self.snapshot, self.item), Money.of_optional
        )

    @strawberry.field(description="How many one customer may own; null for any number.")
    def limit_per_customer(self) -> int | None:
        return self.item.limit_per_customer

    @strawberry.field(description="How many slots there are in all, over all batches.")
    def capacity(self) -> int:
        return self.item.capacity

    @strawberry.field(description="A slot that is held for a checkout is not left.")
    def slots_left(self, info: Info) -> Soon[int]:
        return then(
            campaigns.progress_of_item(info.context, self.item), lambda found: found.slots_left
        )

    @strawberry.field(description="The share that is sold or held, in basis points.")
    def sold_bps(self, info: Info) -> Soon[int]:
        return then(
            campaigns.progress_of_item(info.context, self.item), lambda found: found.sold_bps
        )

    @strawberry.field(description="Waves of production in the order of their numbers.")
    def batches(self) -> list[ProductionBatch]:
        return [ProductionBatch(batch=batch) for batch in self.item.batches]

    @strawberry.field(description="The day by which the next unit sold is promised to ship.")
    def ships_by(self, info: Info) -> Soon[date | None]:
        return campaigns.next_ships_by(info.context, self.item)


@strawberry.type(name="Campaign", description="A presale of one or more variants in a window.")
class CampaignType(Node):
    """As of one moment, ``serverTime``; what counts down is counted from there."""

    snapshot: strawberry.Private[CampaignSnapshot]
    shop: strawberry.Private[Shop]

    def identity(self) -> tuple[str, UUID]:
        return "Campaign", self.snapshot.id

    @strawberry.field(description="Its address within the shop.")
    def handle(self) -> str:
        return self.snapshot.handle

    @strawberry.field(description="In the language of Accept-Language, else in the shop's.")
    def title(self, info: Info) -> str:
        texts = campaigns.localized_campaign(self.snapshot, self.shop, info.context.locale)
        return texts["title"]

    @strawberry.field(
        description="What it is about, as plain text; in the language of Accept-Language, else "
        "in the shop's."
    )
    def story(self, info: Info) -> str:
        texts = campaigns.localized_campaign(self.snapshot, self.shop, info.context.locale)
        return texts["story"]

    @strawberry.field(description="By the clock, whatever has been recorded so far.")
    def status(self, info: Info) -> CampaignStatus:
        return self.snapshot.status(info.context.at)

    @strawberry.field(description="From then on it takes orders.")
    def opens_at(self) -> datetime:
        return self.snapshot.opens_at

    @strawberry.field(description="From then on it takes none.")
    def closes_at(self) -> datetime:
        return self.snapshot.closes_at

    @strawberry.field(description="0 from the opening on.")
    def seconds_until_open(self, info: Info) -> int:
        return campaigns.seconds_until(self.snapshot.opens_at, info.context.at)

    @strawberry.field(description="Until the close; 0 when it is over.")
    def seconds_left(self, info: Info) -> int:
        return campaigns.seconds_left(self.snapshot, info.context.at)

    @strawberry.field(description="The moment this answer is about.")
    def server_time(self, info: Info) -> datetime:
        return info.context.at

    @strawberry.field(description="How long a checkout holds its slots unpaid.")
    def hold_seconds(self) -> int:
        return self.snapshot.hold_seconds

    @strawberry.field(description="All at once, or a deposit first.")
    def payment_plan(self) -> PaymentPlan:
        return PaymentPlan.of(self.snapshot.payment_plan, self.snapshot.currency)

    @strawberry.field(description="What orders placed now may be cancelled by, and what goes back.")
    def cancel_policy(self) -> CancelPolicy:
        return CancelPolicy.of(self.snapshot.cancel_policy)

    @strawberry.field(description="The version in force; orders placed keep theirs.")
    def terms(self) -> Terms | None:
        terms = self.snapshot.terms
        return None if terms is None else Terms(terms=terms, shop=self.shop)

    @strawberry.field(description="What it presells, in the merchant's order.")
    def items(self) -> list[CampaignItemType]:
        return [
            CampaignItemType(item=item, snapshot=self.snapshot, shop=self.shop)
            for item in self.snapshot.items
        ]

    @strawberry.field(description="Of all items together.")
    def capacity(self) -> int:
        return sum(item.capacity for item in self.snapshot.items)

    @strawberry.field(description="Of all items together.")
    def slots_left(self, info: Info) -> Soon[int]:
        return then(
            campaigns.progress_of(info.context, self.snapshot), lambda found: found.slots_left
        )

    @strawberry.field(description="The share that is sold or held, in basis points.")
    def sold_bps(self, info: Info) -> Soon[int]:
        return then(
            campaigns.progress_of(info.context, self.snapshot), lambda found: found.sold_bps
        )
