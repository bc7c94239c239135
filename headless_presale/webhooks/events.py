"""What webhooks tell."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from headless_presale.kernel.events import Event
from headless_presale.webhooks.states import DisabledReason


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpointDisabled(Event):
    """We turned an endpoint off. ``version`` is the one that it has since."""

    type: ClassVar[str] = "webhook.endpoint_disabled"
    endpoint_id: UUID
    merchant_id: UUID
    reason: DisabledReason
    url: str
    version: int

    @property
    def topic(self) -> str:
        return f"merchant:{self.merchant_id}"
