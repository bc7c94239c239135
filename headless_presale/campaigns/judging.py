"""What must hold before a campaign is published, and what its merchant should know."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from headless_presale.campaigns.rules import MAX_CAPACITY, PaymentPlan, PlanKind
from headless_presale.kernel.money import BPS
from headless_presale.pricing import PriceTiers
from headless_presale.shops import ShopPolicies

MAX_PRICE_BPS = 50_000


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a campaign cannot be published, or one that a merchant should know.

    Attributes:
        path: of the campaign as it is made: ``items.0.batches.1.shipsBy``.
        reason: a clause, as a template over ``params``, so that a translation is found by it.
    """

    code: str
    path: str
    reason: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The clause in English."""
        return self.reason.format(**self.params)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """A wave as planned: how many, shipped by when."""

    capacity: int
    ships_by: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlan:
    """An item as planned, for validation."""

    price_minor: int
    tiers: PriceTiers
    batches: Sequence[BatchPlan]
    limit_per_customer: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsPlan:
    """The terms as planned; texts by locale."""

    ships_by: date | None
    refund_policy: dict[str, str] = field(default_factory=dict)
    cancel_conditions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    """All of a campaign that publishing judges."""

    opens_at: datetime
    closes_at: datetime
    payment_plan: PaymentPlan
    items: Sequence[ItemPlan]
    terms: TermsPlan | None


def find_faults(plan: CampaignPlan, *, at: datetime, default_locale: str) -> list[Fault]:
    """Return every reason not to publish, each with its place; empty when it may be published."""
    return [
        *_window_faults(plan, at),
        *_payment_faults(plan),
        *find_terms_faults(plan.terms, closes_at=plan.closes_at, default_locale=default_locale),
        *_item_faults(plan),
    ]


def _window_faults(plan: CampaignPlan, at: datetime) -> Iterator[Fault]:
    if plan.closes_at <= plan.opens_at:
        yield Fault("WINDOW_EMPTY", "closesAt", "the campaign closes before it opens")
    if plan.closes_at <= at:
        yield Fault("WINDOW_PAST", "closesAt", "the campaign would be over already")


def _payment_faults(plan: CampaignPlan) -> Iterator[Fault]:
    payment = plan.payment_plan
    if payment.kind is PlanKind.FULL:
        return
    if (payment.deposit_bps is None) == (payment.deposit_per_unit_minor is None):
        yield Fault(
            "DEPOSIT_AMBIGUOUS",
            "paymentPlan.deposit",
            "set the deposit as a share or as an amount per unit, one of the two",
        )
    if payment.deposit_bps is not None and not 1 <= payment.deposit_bps < BPS:
        yield Fault(
            "DEPOSIT_OUT_OF_RANGE",
            "paymentPlan.depositBps",
            "the deposit must be above 0 % and below 100 % of the price",
        )
    elif payment.deposit_bps is not None and any(
        0 < _lowest_price(item) * (BPS - payment.deposit_bps) < BPS for item in plan.items
    ):
        yield Fault(
            "DEPOSIT_OUT_OF_RANGE",
            "paymentPlan.depositBps",
            "the deposit of the cheapest price rounds up to all of it and leaves no balance",
        )
    if payment.deposit_per_unit_minor is not None:
        cheapest = min((_lowest_price(item) for item in plan.items), default=0)
        if not 0 < payment.deposit_per_unit_minor < cheapest:
            yield Fault(
                "DEPOSIT_OUT_OF_RANGE",
                "paymentPlan.depositPerUnit",
                "the deposit per unit must be above 0 and below the lowest price of any item",
            )
    if payment.balance_opens_at is None or payment.balance_due_at is None:
        yield Fault(
            "BALANCE_WINDOW_MISSING",
            "paymentPlan.balanceOpensAt",
            "a deposit needs a window in which the balance is paid",
        )
    elif payment.balance_opens_at < plan.closes_at:
        yield Fault(
            "BALANCE_WINDOW_EARLY",
            "paymentPlan.balanceOpensAt",
            "the balance window opens before the campaign closes",
        )
    elif payment.balance_due_at <= payment.balance_opens_at:
        yield Fault(
            "BALANCE_WINDOW_EMPTY",
            "paymentPlan.balanceDueAt",
            "the balance is due before its window opens",
        )


def _lowest_price(item: ItemPlan) -> int:
    return item.price_minor * min([BPS, *_shares(item.tiers)]) // BPS


def _shares(tiers: PriceTiers) -> list[int]:
    """Return every share of the presale price that some buyer may pay, but the whole."""
    timed = [tier.price_bps for tier in tiers.time]
    return [*timed, *(t.price_bps for t in tiers.quantity if t.price_bps is not None)]


def find_terms_faults(
    terms: TermsPlan | None, *, closes_at: datetime, default_locale: str
) -> Iterator[Fault]:
    """Yield what the terms of a published campaign lack."""
    if terms is None or terms.ships_by is None:
        yield Fault("TERMS_SHIP_DATE_MISSING", "terms.shipsBy", "the terms promise no ship date")
    elif terms.ships_by < closes_at.date():
        yield Fault(
            "TERMS_SHIP_DATE_EARLY", "terms.shipsBy", "the promised ship date is before the close"
        )
    if terms is None or not terms.refund_policy.get(default_locale, "").strip():
        yield Fault(
            "TERMS_REFUND_POLICY_MISSING",
            "terms.refundPolicy",
            "the terms state no refund policy in {locale}",
            {"locale": default_locale},
        )
    if terms is None or not terms.cancel_conditions.get(default_locale, "").strip():
        yield Fault(
            "TERMS_CANCEL_CONDITIONS_MISSING",
            "terms.cancelConditions",
            "the terms state no cancel conditions in {locale}",
            {"locale": default_locale},
        )


def _item_faults(plan: CampaignPlan) -> Iterator[Fault]:
    if not plan.items:
        yield Fault("ITEMS_MISSING", "items", "the campaign sells nothing")
    for index, item in enumerate(plan.items):
        path = f"items.{index}"
        if item.price_minor <= 0:
            yield Fault("PRICE_NOT_POSITIVE", f"{path}.price", "the price must be above 0")
        if item.limit_per_customer is not None and item.limit_per_customer < 1:
            yield Fault(
                "LIMIT_NOT_POSITIVE", f"{path}.limitPerCustomer", "the limit must be at least 1"
            )
        yield from _batch_faults(plan, item, path)
        yield from _tier_faults(plan, item, path)


def _batch_faults(plan: CampaignPlan, item: ItemPlan, path: str) -> Iterator[Fault]:
    if not item.batches:
        yield Fault("BATCHES_MISSING", f"{path}.batches", "no batch gives the item a capacity")
    if sum(batch.capacity for batch in item.batches) > MAX_CAPACITY:
        yield Fault(
            "CAPACITY_TOO_LARGE",
            f"{path}.batches",
            "more than {most} slots in one item",
            {"most": MAX_CAPACITY},
        )
    for number, batch in enumerate(item.batches):
        if batch.capacity < 1:
            yield Fault(
                "BATCH_EMPTY", f"{path}.batches.{number}.capacity", "a batch has no capacity"
            )
        if batch.ships_by < plan.opens_at.date():
            yield Fault(
                "BATCH_SHIP_DATE_EARLY",
                f"{path}.batches.{number}.shipsBy",
                "a batch ships before the campaign opens",
            )


def _tier_faults(plan: CampaignPlan, item: ItemPlan, path: str) -> Iterator[Fault]:
    shares = _shares(item.tiers)
    if any(not 0 < bps <= MAX_PRICE_BPS for bps in shares):
        yield Fault("TIER_PRICE_OUT_OF_RANGE", f"{path}.tiers", "a tier's price is out of range")
    elif item.price_minor > 0 and any(item.price_minor * bps * 2 < BPS for bps in shares):
        yield Fault("TIER_PRICE_OUT_OF_RANGE", f"{path}.tiers", "a tier's price rounds to nothing")
    if any(tier.duration <= timedelta(0) for tier in item.tiers.time):
        yield Fault("TIER_EMPTY", f"{path}.timeTiers", "a time tier lasts no time")
    lasts = sum((tier.duration for tier in item.tiers.time), timedelta(0))
    if lasts > plan.closes_at - plan.opens_at:
        yield Fault(
            "TIERS_EXCEED_WINDOW", f"{path}.timeTiers", "the time tiers outlast the campaign"
        )
    bounds = [tier.up_to for tier in item.tiers.quantity]
    if bounds != sorted(set(bounds)) or any(bound < 1 for bound in bounds):
        yield Fault(
            "TIERS_UNORDERED", f"{path}.quantityTiers", "quantity tiers must rise in their bounds"
        )


def find_warnings(plan: CampaignPlan, *, policies: ShopPolicies) -> list[Fault]:
    """Return what a merchant should know but may do, by the numbers of the shop."""
    warnings: list[Fault] = []
    shortest, longest = policies.recommended_window_min_days, policies.recommended_window_max_days
    if not timedelta(days=shortest) <= plan.closes_at - plan.opens_at <= timedelta(days=longest):
        warnings.append(
            Fault(
                "WINDOW_UNUSUAL",
                "closesAt",
                "{shortest} to {longest} days are recommended for a presale",
                {"shortest": shortest, "longest": longest},
            )
        )
    if (plan.payment_plan.deposit_bps or 0) > policies.warn_deposit_bps:
        warnings.append(
            Fault(
                "DEPOSIT_HIGH",
                "paymentPlan.depositBps",
                "a deposit above {percent} % deters buyers",
                {"percent": f"{policies.warn_deposit_bps / 100:g}"},
            )
        )
    ships_by = plan.terms.ships_by if plan.terms else None
    if ships_by and (ships_by - plan.closes_at.date()).days > policies.warn_ship_days:
        warnings.append(
            Fault(
                "SHIP_DATE_FAR",
                "terms.shipsBy",
                "ships more than {days} days after the close",
                {"days": policies.warn_ship_days},
            )
        )
    return warnings
