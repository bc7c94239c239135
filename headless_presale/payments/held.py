"""What the shop holds of captured payments: what came less what goes back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.kernel.money import Money
from headless_presale.payments.models import Payment
from headless_presale.payments.states import PaymentLeg, PaymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPayment:
    """A captured payment; ``refunded`` went back or is on its way."""

    payment_id: UUID
    leg: PaymentLeg
    gateway: str
    captured: Money
    refunded: Money
    captured_at: datetime

    @property
    def held(self) -> Money:
        return self.captured - self.refunded


def held_of(payments: Iterable[Payment]) -> list[HeldPayment]:
    """Return what is held of those payments that count as paid.

    Args:
        payments: of one order, each with its refunds fetched.
    """
    return [
        HeldPayment(
            payment_id=payment.id,
            leg=payment.leg,
            gateway=payment.gateway,
            captured=Money(payment.amount_minor, payment.currency),
            refunded=Money(sum(r.amount_minor for r in payment.refunds), payment.currency),
            captured_at=payment.captured_at,
        )
        for payment in payments
        if payment.status is PaymentStatus.CAPTURED and payment.captured_at is not None
    ]


async def list_held(order_id: UUID) -> list[HeldPayment]:
    """Return what is held of an order, oldest payment first."""
    captured = Payment.filter(order_id=order_id, status=PaymentStatus.CAPTURED)
    return held_of(await captured.order_by("created_at").prefetch_related("refunds"))
