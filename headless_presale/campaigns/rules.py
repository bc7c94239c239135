"""The rules of a campaign: its policies as values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
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
DEFAULT_HOLD_SECONDS = 15 * 60
MAX_CAPACITY = 1_000_000


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
