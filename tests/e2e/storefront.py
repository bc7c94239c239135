"""A storefront's documents and the buyer's clicks, over HTTP alone."""

import email
import email.policy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Stack

CAMPAIGN = """
query Campaign($shop: String!, $handle: String!) {
  shop(slug: $shop) {
    name
    serverTime
    campaign(handle: $handle) {
      id handle title status opensAt closesAt
      terms { version shipsBy refundPolicy cancelConditions }
      items {
        id title capacity slotsLeft limitPerCustomer
        listPrice { minor currency }
        currentPrice { price { minor amount currency } reason tier endsAt }
        nextPrice { price { minor } startsAt tier }
        depositDue { minor }
      }
    }
  }
}
"""

PLACE = """
mutation Place($input: OrderPlaceInput!) {
  orderPlace(input: $input) {
    orderToken
    order {
      id number status
      total { minor currency } deposit { minor } balance { minor }
      dueNow { leg amount { minor } }
      dueLater { leg amount { minor } opensAt dueAt }
      lines { title quantity slotNumbers unitPrice { minor } priceReason tier shipsBy }
    }
    userErrors { __typename code message field }
  }
}
"""

ORDER = """
query Order($id: ID!, $token: String!) {
  order(id: $id, token: $token) {
    status
    dueNow { leg amount { minor } }
    payments { leg status amount { minor } refunds { status amount { minor } } }
    lines { slotNumbers }
    history(first: 50) { nodes { type actor } }
  }
}
"""

PAY = """
mutation Pay($input: PaymentStartInput!) {
  paymentStart(input: $input) {
    payment { id status leg amount { minor } action { type url } }
    userErrors { __typename code message field }
  }
}
"""

CANCEL = """
mutation Cancel($input: OrderCancelInput!) {
  orderCancel(input: $input) {
    order { status }
    userErrors { __typename code message field }
  }
}
"""


@dataclass
class Placed:
    """An order as its buyer knows it."""

    id: str
    token: str
    order: dict[str, Any]


@dataclass
class Buyer:
    """Somebody with a browser."""

    stack: Stack
    email: str = "lin@example.com"
    shop: str = "atelier"

    async def look(self, handle: str) -> dict[str, Any]:
        """Open the campaign's page."""
        data = await self.stack.query(CAMPAIGN, shop=self.shop, handle=handle)
        campaign: dict[str, Any] = data["shop"]["campaign"]
        return campaign

    def order_input(self, campaign: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Return the input of an order of one unit of the first item."""
        return {
            "shop": self.shop,
            "lines": [{"campaignItemId": campaign["items"][0]["id"], "quantity": 1}],
            "buyer": {"email": self.email, "name": "Lin"},
            "shippingAddress": {"country": "US", "city": "Portland", "line1": "1 Pine Street"},
            "acceptedTermsVersion": campaign["terms"]["version"],
            "idempotencyKey": "order-1",
            **changes,
        }

    async def place(self, campaign: dict[str, Any], **changes: Any) -> Placed:
        """Place an order that must succeed."""
        data = await self.stack.query(PLACE, input=self.order_input(campaign, **changes))
        result = data["orderPlace"]
        assert result["userErrors"] == []
        return Placed(result["order"]["id"], result["orderToken"], result["order"])

    async def start_payment(self, placed: Placed, leg: str, key: str = "pay-1") -> dict[str, Any]:
        """Start a payment; return the payload."""
        data = await self.stack.query(
            PAY,
            input={
                "orderId": placed.id,
                "token": placed.token,
                "leg": leg,
                "gateway": "sandbox",
                "idempotencyKey": f"{leg}-{key}",
            },
        )
        payload: dict[str, Any] = data["paymentStart"]
        return payload

    async def click(self, page_url: str, action: str = "pay") -> None:
        """Press a button on the sandbox's hosted page, as its form would send it."""
        page = await self.stack.gateway.get(page_url)
        assert page.status_code == 200, page.text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        answer = await self.stack.gateway.post(page_url, data={**fields, "action": action})
        assert answer.status_code in (200, 303), answer.text

    async def pay(self, placed: Placed, leg: str) -> None:
        """Start a leg's payment, press Pay, and wait until the shop has heard of it."""
        payload = await self.start_payment(placed, leg)
        assert payload["userErrors"] == []
        await self.click(payload["payment"]["action"]["url"])
        await self.stack.quiet()

    async def order(self, placed: Placed) -> dict[str, Any]:
        """Look at the order."""
        data = await self.stack.query(ORDER, id=placed.id, token=placed.token)
        order: dict[str, Any] = data["order"]
        return order

    async def cancel(self, placed: Placed) -> dict[str, Any]:
        """Cancel the order; return the payload."""
        data = await self.stack.query(CANCEL, input={"orderId": placed.id, "token": placed.token})
        payload: dict[str, Any] = data["orderCancel"]
        return payload


def mails_in(folder: Path) -> Sequence[EmailMessage]:
    """Return the mails that were written, oldest first."""
    files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime)
    mails = []
    for path in files:
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        mails.append(mail)
    return mails
