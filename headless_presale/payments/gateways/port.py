"""The port: what we ask of a payment provider and what it tells us, in our words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from headless_presale.kernel.errors import PresaleError
from headless_presale.kernel.money import Money


class IntentStatus(StrEnum):
    """Where the provider's side of a payment stands."""

    PENDING = "PENDING"
    CAPTURED = "CAPTURED"
    CANCELLED = "CANCELLED"


class GatewayRefundStatus(StrEnum):
    """Where the provider's side of a refund stands."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRequest:
    """What to collect. ``reference`` is our payment id and the idempotency key."""

    reference: str
    amount: Money
    description: str
    return_url: str | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayIntent:
    """The provider's payment. ``client_action`` is what a storefront needs to let a buyer pay."""

    id: str
    reference: str
    status: IntentStatus
    amount: Money
    client_action: dict[str, Any]
    captured_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What to give back. ``idempotency_key`` makes a repeated request one refund.

    ``reference`` names our refund and the attempt at it.
    """

    idempotency_key: str
    reference: str
    intent_id: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRefund:
    """The provider's refund; ``reference`` is what it was asked for with."""

    id: str
    reference: str
    status: GatewayRefundStatus
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayNotice:
    """A verified notification: one event id, about an intent or a refund, or nothing we use."""

    event_id: str
    type: str
    intent: GatewayIntent | None = None
    refund: GatewayRefund | None = None
    failure_code: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


class GatewayError(PresaleError):
    """The provider refused, or did not answer. ``is_final``: asking again gets the same answer."""

    def __init__(self, message: str, *, is_final: bool) -> None:
        self.is_final = is_final
        super().__init__(message)


class NoticeRejected(PresaleError):
    """A notification with a bad signature, an old timestamp or a body we cannot read."""


class PaymentGateway(Protocol):
    """A payment provider. Every method may raise GatewayError."""

    name: str

    async def create_intent(self, request: IntentRequest) -> GatewayIntent:
        """Create the provider's payment, or find the one this reference already has."""

    async def get_intent(self, intent_id: str) -> GatewayIntent:
        """Ask how a payment stands."""

    async def cancel_intent(self, intent_id: str) -> GatewayIntent:
        """Call a payment off; one that was captured meanwhile comes back as captured."""

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """Ask for money to go back."""

    async def find_refunds(self, intent_id: str) -> Sequence[GatewayRefund]:
        """Return every refund of a payment."""

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> GatewayNotice:
        """Verify and read a notification from its raw bytes.

        Raises:
            NoticeRejected: it is not the provider's, is too old, or cannot be read.
        """

    async def close(self) -> None:
        """Give back connections."""


_gateways: dict[str, PaymentGateway] = {}


def set_gateways(gateways: Sequence[PaymentGateway]) -> None:
    """Install the providers of this process. Called once by the composition root."""
    _gateways.clear()
    _gateways.update({gateway.name: gateway for gateway in gateways})


def find_gateway(name: str) -> PaymentGateway | None:
    """Return the provider of this name, or None."""
    return _gateways.get(name)


def list_gateways() -> list[str]:
    """Return the names of the providers of this process, in the order they were installed in."""
    return list(_gateways)


async def close_gateways() -> None:
    """Close every provider's connections."""
    for gateway in _gateways.values():
        await gateway.close()
    _gateways.clear()
