"""What payments tell. Their topic is the order's, so its history has its money in it."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from headless_presale.kernel.events import Event
from headless_presale.payments.states import PaymentLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent(Event):
    """Base: something about one payment of one order. Amounts in minor units."""

    order_id: UUID
    payment_id: UUID
    amount_minor: int
    currency: str

    @property
    def topic(self) -> str:
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStarted(PaymentEvent):
    """A buyer set out to pay a leg."""

    type: ClassVar[str] = "payment.started"
    leg: PaymentLeg
    gateway: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured(PaymentEvent):
    """The gateway has the money, and amount, currency and order match."""

    type: ClassVar[str] = "payment.captured"
    leg: PaymentLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(PaymentEvent):
    """An attempt was declined; the buyer may try again."""

    type: ClassVar[str] = "payment.failed"
    failure_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCancelled(PaymentEvent):
    """The gateway ended an unpaid payment, after a time of its own; another can be started."""

    type: ClassVar[str] = "payment.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSurplus(PaymentEvent):
    """A leg that is paid already was paid once more: this payment is refunded in full."""

    type: ClassVar[str] = "payment.surplus"
    leg: PaymentLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMismatched(PaymentEvent):
    """The gateway captured something else than was asked for: nothing counts as paid."""

    type: ClassVar[str] = "payment.mismatched"
    captured_minor: int
    captured_currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequested(PaymentEvent):
    """Money is owed back; the amount is the refund's."""

    type: ClassVar[str] = "refund.requested"
    refund_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSucceeded(PaymentEvent):
    """The money went back."""

    type: ClassVar[str] = "refund.succeeded"
    refund_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed(PaymentEvent):
    """The gateway could not give it back; it is still owed and asked for again."""

    type: ClassVar[str] = "refund.failed"
    refund_id: UUID
