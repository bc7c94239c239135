"""The sandbox gateway's client: the shop's side of ``headless_presale.sandbox_gateway``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from standardwebhooks import Webhook, WebhookVerificationError

from headless_presale.kernel.later import later
from headless_presale.kernel.money import Money
from headless_presale.payments.gateways.port import (
    GatewayError,
    GatewayIntent,
    GatewayNotice,
    GatewayRefund,
    GatewayRefundStatus,
    IntentRequest,
    IntentStatus,
    NoticeRejected,
    RefundRequest,
)

if TYPE_CHECKING:
    import httpx
else:
    httpx = later("httpx")

T = TypeVar("T")

TIMEOUT_SECONDS = 5.0
PAGE = 100

_INTENT_STATUS = {
    "requires_payment": IntentStatus.PENDING,
    "failed": IntentStatus.PENDING,
    "succeeded": IntentStatus.CAPTURED,
    "cancelled": IntentStatus.CANCELLED,
    "expired": IntentStatus.CANCELLED,
}
_USED = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.cancelled",
        "refund.succeeded",
        "refund.failed",
    }
)
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading a document of another shape than ours raises."""
_REFUND_STATUS = {
    "pending": GatewayRefundStatus.PENDING,
    "succeeded": GatewayRefundStatus.SUCCEEDED,
    "failed": GatewayRefundStatus.FAILED,
}


class SandboxGateway:
    """Talks to the sandbox over HTTP; verifies its webhooks (Standard Webhooks signatures)."""

    name = "sandbox"

    def __init__(self, *, url: str, api_key: str, webhook_secret: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=TIMEOUT_SECONDS,
            headers={"Authorization": f"Bearer {api_key}"},
            trust_env=False,
        )
        self._webhook = Webhook(webhook_secret)

    async def create_intent(self, request: IntentRequest) -> GatewayIntent:
        """See PaymentGateway."""
        return await self._post(
            "/v1/payment_intents",
            _read_intent,
            {
                "amount": request.amount.amount_minor,
                "currency": request.amount.currency,
                "reference": request.reference,
                "description": request.description,
                "return_url": request.return_url,
                "metadata": dict(request.metadata),
            },
            idempotency_key=request.reference,
        )

    async def get_intent(self, intent_id: str) -> GatewayIntent:
        """See PaymentGateway."""
        return await self._get(f"/v1/payment_intents/{intent_id}", _read_intent)

    async def cancel_intent(self, intent_id: str) -> GatewayIntent:
        """See PaymentGateway."""
        try:
            return await self._post(
                f"/v1/payment_intents/{intent_id}/cancel",
                _read_intent,
                {},
                idempotency_key=f"cancel-{intent_id}",
            )
        except GatewayError as error:
            if error.is_final:
                return await self.get_intent(intent_id)
            raise

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """See PaymentGateway."""
        return await self._post(
            "/v1/refunds",
            _read_refund,
            {
                "payment_intent": request.intent_id,
                "amount": request.amount.amount_minor,
                "reference": request.reference,
            },
            idempotency_key=request.idempotency_key,
        )

    async def find_refunds(self, intent_id: str) -> Sequence[GatewayRefund]:
        """See PaymentGateway."""
        refunds: list[GatewayRefund] = []
        has_more = True
        while has_more:
            query = {"payment_intent": intent_id, "limit": str(PAGE)}
            if refunds:
                query["starting_after"] = refunds[-1].id
            page, has_more = await self._get("/v1/refunds", _read_refund_page, query)
            refunds += page
        return refunds

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> GatewayNotice:
        """See PaymentGateway."""
        try:
            self._webhook.verify(body, dict(headers), json_parse=False)
            return _read_notice(orjson.loads(body))
        except WebhookVerificationError as error:
            raise NoticeRejected(str(error)) from error
        except _UNREADABLE as error:
            raise NoticeRejected(f"unreadable notification: {error}") from error

    async def close(self) -> None:
        """See PaymentGateway."""
        await self._client.aclose()

    async def _post(
        self,
        path: str,
        read: Callable[[dict[str, Any]], T],
        body: dict[str, Any],
        *,
        idempotency_key: str,
    ) -> T:
        headers = {"Idempotency-Key": idempotency_key}
        return await self._send(
            self._client.build_request("POST", path, json=body, headers=headers), read
        )

    async def _get(
        self,
        path: str,
        read: Callable[[dict[str, Any]], T],
        params: dict[str, str] | None = None,
    ) -> T:
        return await self._send(self._client.build_request("GET", path, params=params), read)

    async def _send(self, request: "httpx.Request", read: Callable[[dict[str, Any]], T]) -> T:
        try:
            response = await self._client.send(request)
        except httpx.HTTPError as error:
            raise GatewayError(f"the sandbox gateway: {error!r}", is_final=False) from error
        if not response.is_success:
            status = response.status_code
            is_final = 400 <= status < 500 and status not in (408, 425, 429)
            raise GatewayError(
                f"the sandbox gateway answered {status}: {response.text[:200]}",
                is_final=is_final,
            )
        try:
            return read(orjson.loads(response.content))
        except _UNREADABLE as error:
            # Something else answers at this address; whether it did anything is not known.
            raise GatewayError(f"the sandbox gateway: {error!r}", is_final=False) from error


def _read_intent(data: dict[str, Any]) -> GatewayIntent:
    captured_at = data.get("captured_at")
    return GatewayIntent(
        id=data["id"],
        reference=data["reference"],
        status=_INTENT_STATUS[data["status"]],
        amount=Money(data["amount"], data["currency"]),
        client_action={"type": "REDIRECT", "url": data["page_url"]},
        captured_at=datetime.fromisoformat(captured_at) if captured_at else None,
    )


def _read_refund(data: dict[str, Any]) -> GatewayRefund:
    return GatewayRefund(
        id=data["id"],
        reference=data["reference"],
        status=_REFUND_STATUS[data["status"]],
        amount=Money(data["amount"], data["currency"]),
    )


def _read_refund_page(data: dict[str, Any]) -> tuple[list[GatewayRefund], bool]:
    return [_read_refund(item) for item in data["data"]], data["has_more"]


def _read_notice(payload: dict[str, Any]) -> GatewayNotice:
    event_id, kind = str(payload["id"]), str(payload["type"])
    if kind not in _USED:
        # A newer gateway tells of more than we know: read nothing of what may look otherwise.
        return GatewayNotice(event_id=event_id, type=kind, payload=payload)
    subject = payload["data"]["object"]
    is_intent = kind.startswith("payment_intent.")
    return GatewayNotice(
        event_id=event_id,
        type=kind,
        intent=_read_intent(subject) if is_intent else None,
        refund=None if is_intent else _read_refund(subject),
        failure_code=subject.get("failure_code") or "",
        payload=payload,
    )
