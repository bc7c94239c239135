"""The rules of a campaign: policies as values, and what must hold before it is published."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from headless_presale.kernel.money import BPS, Money
from headless_presale.pricing import (
    DepositSplit,
    PriceTiers,
    QuantityTier,
    TimeTier,
    split_deposit,
    split_fixed_deposit,
)

DEFAULT_DEPOSIT_BPS = 2_000
WARN_DEPOSIT_BPS = 3_000
DEFAULT_HOLD_SECONDS = 15 * 60
RECOMMENDED_WINDOW = (timedelta(days=7), timedelta(days=14))
WARN_SHIP_DAYS = 30
MAX_CAPACITY = 1_000_000
MAX_PRICE_BPS = 50_000


class PlanKind(StrEnum):
    """How an order is paid."""

    FULL = "FULL"
    DEPOSIT = "DEPOSIT"


class MissedBalance(StrEnum):
    """What happens to the deposit when the balance is not paid in time."""

    FORFEIT = "FORFEIT"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPlan:
    """Full payment, or a deposit now and the balance in a window later.

    The deposit is a share (``deposit_bps``) or a fixed amount per unit
    (``deposit_per_unit_minor``), one of the two. ``reminder`` is how long before the balance is
    due the buyer is reminded.
    """

    kind: PlanKind
    deposit_bps: int | None = None
    deposit_per_unit_minor: int | None = None
    balance_opens_at: datetime | None = None
    balance_due_at: datetime | None = None
    reminder: timedelta = timedelta(days=1)
    missed_balance: MissedBalance = MissedBalance.FORFEIT

    def split(self, total: Money, *, quantity: int) -> DepositSplit:
        """Return what of an order's total is due now and what later; all of it now if FULL."""
        if self.kind is PlanKind.FULL:
            return DepositSplit(deposit=Money.zero(total.currency), balance=total)
        if self.deposit_per_unit_minor is not None:
            per_unit = Money(self.deposit_per_unit_minor, total.currency)
            return split_fixed_deposit(total, per_unit=per_unit, quantity=quantity)
        return split_deposit(total, deposit_bps=self.deposit_bps or DEFAULT_DEPOSIT_BPS)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "kind": str(self.kind),
            "deposit_bps": self.deposit_bps,
            "deposit_per_unit_minor": self.deposit_per_unit_minor,
            "balance_opens_at": _iso(self.balance_opens_at),
            "balance_due_at": _iso(self.balance_due_at),
            "reminder_seconds": int(self.reminder.total_seconds()),
            "missed_balance": str(self.missed_balance),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read the stored form."""
        return cls(
            kind=PlanKind(data["kind"]),
            deposit_bps=data["deposit_bps"],
            deposit_per_unit_minor=data["deposit_per_unit_minor"],
            balance_opens_at=_time(data["balance_opens_at"]),
            balance_due_at=_time(data["balance_due_at"]),
            reminder=timedelta(seconds=data["reminder_seconds"]),
            missed_balance=MissedBalance(data["missed_balance"]),
        )


@dataclass(frozen=True, slots=True)
class CancelRule:
    """Whether the buyer may cancel at a stage, and which shares of what was paid go back."""

    is_allowed: bool
    refund_deposit_bps: int = 0
    refund_balance_bps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPolicy:
    """The cancel rule of each paid stage. Before any payment a buyer may always cancel."""

    deposit_paid: CancelRule = CancelRule(True, BPS, BPS)
    awaiting_balance: CancelRule = CancelRule(True, 0, 0)
    paid: CancelRule = CancelRule(True, 0, BPS)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            stage: {
                "is_allowed": rule.is_allowed,
                "refund_deposit_bps": rule.refund_deposit_bps,
                "refund_balance_bps": rule.refund_balance_bps,
            }
            for stage, rule in (
                ("deposit_paid", self.deposit_paid),
                ("awaiting_balance", self.awaiting_balance),
                ("paid", self.paid),
            )
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read the stored form."""
        return cls(**{stage: CancelRule(**rule) for stage, rule in data.items()})


def tiers_to_json(tiers: PriceTiers) -> dict[str, Any]:
    """Return the stored form of an item's price tiers."""
    return {
        "time": [
            {
                "name": tier.name,
                "seconds": int(tier.duration.total_seconds()),
                "price_bps": tier.price_bps,
            }
            for tier in tiers.time
        ],
        "quantity": [
            {"name": t.name, "up_to": t.up_to, "price_bps": t.price_bps, "gift": t.gift}
            for t in tiers.quantity
        ],
    }


def tiers_from_json(data: dict[str, Any]) -> PriceTiers:
    """Read the stored form of an item's price tiers."""
    return PriceTiers(
        time=tuple(
            TimeTier(
                name=tier["name"],
                duration=timedelta(seconds=tier["seconds"]),
                price_bps=tier["price_bps"],
            )
            for tier in data["time"]
        ),
        quantity=tuple(QuantityTier(**tier) for tier in data["quantity"]),
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a campaign cannot be published, at one path of its input."""

    code: str
    path: str
    message: str


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
            f"the terms state no refund policy in {default_locale}",
        )
    if terms is None or not terms.cancel_conditions.get(default_locale, "").strip():
        yield Fault(
            "TERMS_CANCEL_CONDITIONS_MISSING",
            "terms.cancelConditions",
            f"the terms state no cancel conditions in {default_locale}",
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
            "CAPACITY_TOO_LARGE", f"{path}.batches", f"more than {MAX_CAPACITY} slots in one item"
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
        yield Fault("TIER_EMPTY", f"{path}.tiers.time", "a time tier lasts no time")
    lasts = sum((tier.duration for tier in item.tiers.time), timedelta(0))
    if lasts > plan.closes_at - plan.opens_at:
        yield Fault(
            "TIERS_EXCEED_WINDOW", f"{path}.tiers.time", "the time tiers outlast the campaign"
        )
    bounds = [tier.up_to for tier in item.tiers.quantity]
    if bounds != sorted(set(bounds)) or any(bound < 1 for bound in bounds):
        yield Fault(
            "TIERS_UNORDERED", f"{path}.tiers.quantity", "quantity tiers must rise in their bounds"
        )


def find_warnings(plan: CampaignPlan) -> list[Fault]:
    """Return what a merchant should know but may do."""
    warnings: list[Fault] = []
    shortest, longest = RECOMMENDED_WINDOW
    if not shortest <= plan.closes_at - plan.opens_at <= longest:
        warnings.append(
            Fault("WINDOW_UNUSUAL", "closesAt", "7 to 14 days are recommended for a presale")
        )
    if (plan.payment_plan.deposit_bps or 0) > WARN_DEPOSIT_BPS:
        warnings.append(
            Fault("DEPOSIT_HIGH", "paymentPlan.depositBps", "a deposit above 30 % deters buyers")
        )
    ships_by = plan.terms.ships_by if plan.terms else None
    if ships_by and (ships_by - plan.closes_at.date()).days > WARN_SHIP_DAYS:
        warnings.append(
            Fault("SHIP_DATE_FAR", "terms.shipsBy", "ships more than 30 days after the close")
        )
    return warnings
