"""A payment provider in memory, for tests that decide themselves what is paid and told, and when.

It keeps what the port promises: one intent per reference, one refund per idempotency key, a
cancelled intent takes no money and a captured one cannot be cancelled, refunds never exceed what
was captured. Nothing happens by itself: whoever holds it captures, declines, ends refunds, and
carries the notices to the shop in any order, twice, late or never.

Left out, and covered by the sandbox gateway's tests: HTTP, signatures, time limits, pages of a
list, partial captures, intents that expire, currencies other than the one asked for, and refunds
that settle by themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from headless_presale.payments.gateways import (
    GatewayError,
    GatewayIntent,
    GatewayNotice,
    GatewayRefund,
    IntentRequest,
    NoticeRejected,
    RefundRequest,
)
from headless_presale.payments.gateways.port import GatewayRefundStatus, IntentStatus


class Trouble(Enum):
    """What becomes of the next request that changes something."""

    SILENT = auto()
    """It never arrives, and there is no answer."""
    LOST_ANSWER = auto()
    """It is done, but the answer is lost."""
    REFUSED = auto()
    """It is refused for good, unless it was done before: a repeat gets what was done."""


@dataclass(slots=True)
class MemoryGateway:
    """One provider. ``notices`` waits to be delivered, oldest first; taking one out loses it."""

    name: str
    intents: dict[str, GatewayIntent] = field(default_factory=dict)
    refunds: dict[str, GatewayRefund] = field(default_factory=dict)
    intent_of_refund: dict[str, str] = field(default_factory=dict)
    notices: list[GatewayNotice] = field(default_factory=list)
    told: dict[bytes, GatewayNotice] = field(default_factory=dict)
    next_trouble: Trouble | None = None

    # The port

    async def create_intent(self, request: IntentRequest) -> GatewayIntent:
        """See PaymentGateway."""
        found = [i for i in self.intents.values() if i.reference == request.reference]
        trouble = self._meet_trouble(is_repeat=bool(found))
        if not found:
            intent = GatewayIntent(
                id=f"{self.name}-pi-{len(self.intents) + 1}",
                reference=request.reference,
                status=IntentStatus.PENDING,
                amount=request.amount,
                client_action={"type": "memory"},
            )
            self.intents[intent.id] = intent
            found.append(intent)
        self._answer(trouble)
        return found[0]

    async def get_intent(self, intent_id: str) -> GatewayIntent:
        """See PaymentGateway."""
        return self.intents[intent_id]

    async def cancel_intent(self, intent_id: str) -> GatewayIntent:
        """See PaymentGateway."""
        trouble = self._meet_trouble()
        if self.intents[intent_id].status is IntentStatus.PENDING:
            self._change(intent_id, IntentStatus.CANCELLED, "payment_intent.canceled")
        self._answer(trouble)
        return self.intents[intent_id]

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """See PaymentGateway."""
        trouble = self._meet_trouble(is_repeat=request.idempotency_key in self.refunds)
        if request.idempotency_key not in self.refunds:
            intent = self.intents[request.intent_id]
            left = intent.amount.amount_minor - self.given_back(request.intent_id)
            if intent.status is not IntentStatus.CAPTURED or request.amount.amount_minor > left:
                raise AssertionError(f"a refund of {request.amount} where {left} is left")
            self.intent_of_refund[request.idempotency_key] = request.intent_id
            self.refunds[request.idempotency_key] = GatewayRefund(
                id=f"{self.name}-re-{len(self.refunds) + 1}",
                reference=request.reference,
                status=GatewayRefundStatus.PENDING,
                amount=request.amount,
            )
        self._answer(trouble)
        return self.refunds[request.idempotency_key]

    async def find_refunds(self, intent_id: str) -> Sequence[GatewayRefund]:
        """See PaymentGateway."""
        return self.refunds_of(intent_id)

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> GatewayNotice:
        """See PaymentGateway. The body is an event id; there is no signature to verify."""
        if body not in self.told:
            raise NoticeRejected(f"no such event: {body!r}")
        return self.told[body]

    async def close(self) -> None:
        """See PaymentGateway."""

    # What a test makes happen

    def capture(self, intent_id: str) -> None:
        """Take the money of an open intent, as a buyer's payment does."""
        self._change(intent_id, IntentStatus.CAPTURED, "payment_intent.succeeded")

    def end(self, intent_id: str) -> None:
        """Cancel an open intent from the provider's side."""
        self._change(intent_id, IntentStatus.CANCELLED, "payment_intent.canceled")

    def decline(self, intent_id: str) -> None:
        """Let an attempt to pay fail; the intent stays open."""
        self._tell("payment_intent.payment_failed", intent=self.intents[intent_id])

    def settle_refund(self, key: str, status: GatewayRefundStatus) -> None:
        """End a pending refund, one way or the other."""
        if self.refunds[key].status is not GatewayRefundStatus.PENDING:
            raise AssertionError(f"refund {key} is over")
        self.refunds[key] = replace(self.refunds[key], status=status)
        self._tell("refund.updated", refund=self.refunds[key])

    # What it says

    def open_intents(self) -> list[str]:
        """Return the ids of the intents that can still be paid."""
        return [i.id for i in self.intents.values() if i.status is IntentStatus.PENDING]

    def pending_refunds(self) -> list[str]:
        """Return the keys of the refunds that are under way."""
        return [key for key, r in self.refunds.items() if r.status is GatewayRefundStatus.PENDING]

    def refunds_of(self, intent_id: str) -> list[GatewayRefund]:
        """Return every refund of an intent, oldest first."""
        return [r for key, r in self.refunds.items() if self.intent_of_refund[key] == intent_id]

    def given_back(self, intent_id: str) -> int:
        """Return what went back of an intent, or is on its way, in minor units."""
        return sum(
            refund.amount.amount_minor
            for refund in self.refunds_of(intent_id)
            if refund.status is not GatewayRefundStatus.FAILED
        )

    def _change(self, intent_id: str, status: IntentStatus, event_type: str) -> None:
        if self.intents[intent_id].status is not IntentStatus.PENDING:
            raise AssertionError(f"intent {intent_id} is over")
        self.intents[intent_id] = replace(self.intents[intent_id], status=status)
        self._tell(event_type, intent=self.intents[intent_id])

    def _tell(
        self,
        event_type: str,
        *,
        intent: GatewayIntent | None = None,
        refund: GatewayRefund | None = None,
    ) -> None:
        event_id = f"{self.name}-evt-{len(self.told) + 1}"
        notice = GatewayNotice(event_id=event_id, type=event_type, intent=intent, refund=refund)
        self.told[event_id.encode()] = notice
        self.notices.append(notice)

    def _meet_trouble(self, *, is_repeat: bool = False) -> Trouble | None:
        trouble, self.next_trouble = self.next_trouble, None
        if trouble is Trouble.SILENT:
            raise GatewayError(f"{self.name} does not answer", is_final=False)
        if trouble is Trouble.REFUSED and not is_repeat:
            raise GatewayError(f"{self.name} refuses", is_final=True)
        return trouble

    def _answer(self, trouble: Trouble | None) -> None:
        if trouble is Trouble.LOST_ANSWER:
            raise GatewayError(f"{self.name}'s answer is lost", is_final=False)
