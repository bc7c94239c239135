"""What orders tell. Rows of topic ``order:<id>`` are the order's history: who, when, why."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from headless_presale.kernel.events import Event
from headless_presale.orders.states import OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Event):
    """Base: something about one order."""

    order_id: UUID
    campaign_id: UUID

    @property
    def topic(self) -> str:
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced(OrderEvent):
    """Slots are held and prices frozen.

    Amounts in minor units.
    """

    type: ClassVar[str] = "order.placed"
    begins_its_topic: ClassVar[bool] = True
    target: OrderStatus
    total_minor: int
    currency: str
    hold_expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMoved(OrderEvent):
    """Base of the transitions."""

    source: OrderStatus
    target: OrderStatus
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderConfirmed(OrderMoved):
    """The first payment came: the slots are the buyer's."""

    type: ClassVar[str] = "order.confirmed"
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceOpened(OrderMoved):
    """The balance can be paid."""

    type: ClassVar[str] = "order.balance_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceReminded(OrderEvent):
    """The balance is due soon and not paid."""

    type: ClassVar[str] = "order.balance_reminded"
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaidInFull(OrderMoved):
    """Nothing is due any more."""

    type: ClassVar[str] = "order.paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderExpired(OrderMoved):
    """The hold ran out unpaid; the slots went back."""

    type: ClassVar[str] = "order.expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderForfeited(OrderMoved):
    """The balance was missed; the deposit is kept by policy and the slots went back."""

    type: ClassVar[str] = "order.forfeited"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderMoved):
    """Called off; what the policy gives back is refunded and the slots went back.

    ``refunded_before_minor`` was given back earlier. ``cancellation_id`` is set where the merchant
    cancelled this one order: it names his request, and ``request_hash`` tells it from another.
    """

    type: ClassVar[str] = "order.cancelled"
    private: ClassVar[frozenset[str]] = frozenset({"cancellation_id", "request_hash"})
    refunded_minor: int
    currency: str
    refunded_before_minor: int = 0
    cancellation_id: UUID | None = None
    request_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefunded(OrderEvent):
    """The merchant gives money back and the order goes on; of which payments is told by each."""

    type: ClassVar[str] = "order.refunded"
    merchant_refund_id: UUID
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTokenRevoked(OrderEvent):
    """The tokens and links that were out for an order open nothing any more; a new link is mailed.

    ``revocation_id`` names the request that did it.
    """

    type: ClassVar[str] = "order.token_revoked"
    private: ClassVar[frozenset[str]] = frozenset({"generation", "revocation_id"})
    generation: int
    revocation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LatePaymentRefused(OrderEvent):
    """Money came for an order that cannot take it any more; it is refunded in full."""

    type: ClassVar[str] = "order.late_payment_refused"
    status: OrderStatus
    amount_minor: int
    currency: str
