"""The sandbox gateway's client: the shop's side of ``headless_presale.sandbox_gateway``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
import orjson
from standardwebhooks import Webhook, WebhookVerificationError

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

TIMEOUT_SECONDS = 5.0

_INTENT_STATUS = {
    "requires_payment": IntentStatus.PENDING,
    "failed": IntentStatus.PENDING,
    "succeeded": IntentStatus.CAPTURED,
    "cancelled": IntentStatus.CANCELLED,
    "expired": IntentStatus.CANCELLED,
}
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
        data = await self._post(
            "/v1/payment_intents",
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
        return _read_intent(data)

    async def get_intent(self, intent_id: str) -> GatewayIntent:
        """See PaymentGateway."""
        return _read_intent(await self._get(f"/v1/payment_intents/{intent_id}"))

    async def cancel_intent(self, intent_id: str) -> GatewayIntent:
        """See PaymentGateway."""
        try:
            return _read_intent(
                await self._post(
                    f"/v1/payment_intents/{intent_id}/cancel",
                    {},
                    idempotency_key=f"cancel-{intent_id}",
                )
            )
        except GatewayError as error:
            if error.is_final:
                return await self.get_intent(intent_id)
            raise

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """See PaymentGateway."""
        data = await self._post(
            "/v1/refunds",
            {
                "payment_intent": request.intent_id,
                "amount": request.amount.amount_minor,
                "reference": request.reference,
            },
            idempotency_key=request.idempotency_key,
        )
        return _read_refund(data)

    async def find_refunds(self, intent_id: str) -> Sequence[GatewayRefund]:
        """See PaymentGateway."""
        data = await self._get("/v1/refunds", {"payment_intent": intent_id})
        return [_read_refund(item) for item in data["data"]]

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> GatewayNotice:
        """See PaymentGateway."""
        try:
            self._webhook.verify(body, dict(headers))
            payload = orjson.loads(body)
            return _read_notice(payload)
        except WebhookVerificationError as error:
            raise NoticeRejected(str(error)) from error
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise NoticeRejected(f"unreadable notification: {error}") from error

    async def close(self) -> None:
        """See PaymentGateway."""
        await self._client.aclose()

    async def _post(
        self, path: str, body: dict[str, Any], *, idempotency_key: str
    ) -> dict[str, Any]:
        return await self._send(
            self._client.build_request(
                "POST", path, json=body, headers={"Idempotency-Key": idempotency_key}
            )
        )

    async def _get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        return await self._send(self._client.build_request("GET", path, params=params))

    async def _send(self, request: httpx.Request) -> dict[str, Any]:
        try:
            response = await self._client.send(request)
        except httpx.HTTPError as error:
            raise GatewayError(f"the sandbox gateway: {error!r}", is_final=False) from error
        if response.is_success:
            data: dict[str, Any] = response.json()
            return data
        is_final = response.status_code < 500 and response.status_code not in (408, 425, 429)
        raise GatewayError(
            f"the sandbox gateway answered {response.status_code}: {response.text[:200]}",
            is_final=is_final,
        )


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


def _read_notice(payload: dict[str, Any]) -> GatewayNotice:
    kind, subject = payload["type"], payload["data"]["object"]
    return GatewayNotice(
        event_id=payload["id"],
        type=kind,
        intent=_read_intent(subject) if kind.startswith("payment_intent.") else None,
        refund=_read_refund(subject) if kind.startswith("refund.") else None,
        failure_code=subject.get("failure_code") or "",
        payload=payload,
    )
