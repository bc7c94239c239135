"""What must stay secret while a shop is at work, and how it is found in what was said."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

import httpx

from resolvers.global_ids import seal
from tests.support.processes import ApiProcess, ProductProcess
from tests.support.shop import Sale
from tests.support.staff import Caller

MAIL = "canary.mail@personal.example"
OTHER_MAIL = "canary.other@personal.example"
NAME = "Kanarie 金丝雀 O'Bird"
PHONE = "+8613912345678"
STREET = "77 Canary Lane, 3rd floor"
STAFF_MAIL = "canary.staff@personal.example"
WRONG_PASSWORD = "canary wrong password"
DATABASE_PASSWORD = "canary-database-password"
SMTP_PASSWORD = "canary-smtp-password"
GATEWAY_KEY = "canary-gateway-key"
GATEWAY_SECRET = "whsec_" + base64.b64encode(b"canary-gateway-secret-000000").decode()


def spellings(canary: str) -> set[str]:
    """Return the ways in which a text gets into a log."""
    return {
        canary,
        json.dumps(canary)[1:-1],
        json.dumps(json.dumps(canary)[1:-1])[1:-1],
        repr(canary)[1:-1],
        quote(canary),
        quote_plus(canary),
        base64.b64encode(canary.encode()).decode().rstrip("="),
    }


def leaks(text: str, canaries: dict[str, str]) -> list[str]:
    """Return the names of the canaries that are in a text, with what stands around each."""
    found = []
    for name, canary in canaries.items():
        for spelling in spellings(canary):
            if (at := text.find(spelling)) >= 0:
                around = text[max(at - 300, 0) : at + len(spelling) + 100]
                found.append(f"{name}: {around!r}")
                break
    return found


@dataclass
class Run:
    """A shop at work, what must stay secret, and what strangers were answered."""

    client: httpx.AsyncClient
    api: ApiProcess
    worker: ProductProcess
    gateway: ProductProcess
    sale: Sale
    staff: Caller
    stranger: Caller
    canaries: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    async def ask(self, query: str, *, bearer: str | None = None, **variables: Any) -> Any:
        """Ask as whoever is meant to; a busy machine is asked again."""
        headers = {"authorization": f"Bearer {bearer}"} if bearer is not None else {}
        body = {"query": query, "variables": variables}
        while True:
            answer = await self.client.post("/graphql", json=body, headers=headers)
            if answer.status_code != 503:
                return answer.json()
            await asyncio.sleep(1)

    async def overhear(self, query: str, *, bearer: str | None = None, **variables: Any) -> None:
        """Ask as a stranger does, and keep what he is told."""
        self.told.append(json.dumps(await self.ask(query, bearer=bearer, **variables)))

    def keep(self, **canaries: str) -> None:
        """Note what nobody else may read, now that it is known."""
        assert all(canaries.values())
        self.canaries |= canaries

    def order_input(self, key: str, **changes: Any) -> dict[str, Any]:
        return {
            "shop": self.sale.shop.slug,
            "lines": [{"campaignItemId": seal("CampaignItem", self.sale.item_id), "quantity": 1}],
            "buyer": {"email": MAIL, "name": NAME, "phone": PHONE},
            "shippingAddress": {
                "country": "CN",
                "city": "Shanghai",
                "line1": STREET,
                "postalCode": "200001",
            },
            "acceptedTermsVersion": 1,
            "idempotencyKey": key,
            **changes,
        }
