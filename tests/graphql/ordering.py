"""Orders as a storefront sends, pays and reads them."""

from dataclasses import dataclass
from typing import Any

from headless_presale.kernel.events import acting_as
from headless_presale.payments import record_notice
from headless_presale.payments.gateways.sandbox import SandboxGateway
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.integration.sandbox_gateway.parties import (
    API_KEY,
    WEBHOOK_SECRET,
    Shop,
)
from tests.support.shop import Sale

PLACE = """
mutation ($input: OrderPlaceInput!) {
  orderPlace(input: $input) {
    order {
      id number status total { amount minor } deposit { minor } balance { minor }
      lines { title quantity slotNumbers unitPrice { minor } total { minor } priceReason tier gift
              shipsBy }
      dueNow { leg amount { minor } opensAt dueAt } dueLater { leg amount { minor } opensAt dueAt }
      holdExpiresAt
    }
    orderToken
    userErrors {
      __typename code message field
      ... on SlotsSoldOutError { remaining }
      ... on PurchaseLimitError { limit taken }
      ... on TermsOutdatedError { currentVersion }
      ... on PriceChangedError { total { amount } }
      ... on CampaignNotOpenError { campaignStatus opensAt }
    }
  }
}
"""


ORDER = """
query ($id: ID!, $token: String!) {
  order(id: $id, token: $token) {
    id number status total { minor } deposit { minor } balance { minor } holdExpiresAt shipsBy
    dueNow { leg amount { minor } dueAt } dueLater { leg opensAt }
    lines { slotNumbers campaignItemId }
    buyer { email name phone } shippingAddress { country city line1 line2 region postalCode }
    payments { leg status amount { minor } gateway capturedAt action { type url }
               refunds { amount { minor } status reason } }
    terms { version refundPolicy } campaign { handle }
    cancellation { isAllowed refund { minor } } closedReason
    history { totalCount pageInfo { hasNextPage }
              nodes { type actor at status leg amount { minor } reason } }
  }
}
"""

MINE = """
query ($statuses: [OrderStatus!], $first: Int, $after: String, $last: Int, $before: String) {
  me { orders(statuses: $statuses, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id number status total { minor } lines { title slotNumbers } }
    edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
}
"""
"""Orders as the customer who is signed in lists them."""

ONE = "query ($id: ID!, $token: String) { order(id: $id, token: $token) { id buyer { email } } }"

START = """
mutation ($input: PaymentStartInput!) {
  paymentStart(input: $input) {
    payment { id leg status amount { minor } gateway action { type url } refunds { id } }
    userErrors { __typename code field message }
  }
}
"""

CANCEL = """
mutation ($input: OrderCancelInput!) {
  orderCancel(input: $input) {
    order { id status closedReason cancellation { isAllowed }
            payments { status refunds { amount { minor } } } }
    userErrors { __typename code field ... on CancelNotAllowedError { orderStatus } }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """An order and what its buyer was given."""

    sale: Sale
    id: str
    token: str

    @property
    def key(self) -> dict[str, str]:
        return {"id": self.id, "token": self.token}


def order_input(sale: Sale, **changes: Any) -> dict[str, Any]:
    """Return a valid input for one unit of the sale's first item."""
    return {
        "shop": sale.shop.slug,
        "lines": [{"campaignItemId": seal("CampaignItem", sale.item_id), "quantity": 1}],
        "buyer": {"email": "lin@example.com", "name": "Lin"},
        "shippingAddress": {"country": "CN", "city": "Shanghai", "line1": "1 Nanjing Road"},
        "acceptedTermsVersion": 1,
        "idempotencyKey": "a-wish",
        **changes,
    }


def line(sale: Sale, quantity: int) -> dict[str, Any]:
    return {"campaignItemId": seal("CampaignItem", sale.item_id), "quantity": quantity}


async def place(api: Api, body: dict[str, Any], language: str = "en") -> Any:
    return (await api.ask(PLACE, input=body, language=language)).data["orderPlace"]


def start_input(placed: Placed, **changes: Any) -> dict[str, Any]:
    return {
        "orderId": placed.id,
        "token": placed.token,
        "leg": "DEPOSIT",
        "gateway": "sandbox",
        "returnUrl": "https://forge.example/thanks?order=1",
        "idempotencyKey": "pay-1",
        **changes,
    }


async def start(api: Api, body: dict[str, Any]) -> Any:
    return (await api.ask(START, input=body)).data["paymentStart"]


async def pay(api: Api, gateway: Shop, placed: Placed, leg: str = "DEPOSIT") -> None:
    """Pay a leg at the gateway and take its notification, as the webhook does."""
    started = await start(api, start_input(placed, leg=leg, idempotencyKey=f"pay {leg}"))
    assert started["userErrors"] == []
    intent_id = started["payment"]["action"]["url"].split("/")[-1]
    await gateway.post(f"/v1/test_helpers/payment_intents/{intent_id}/pay")
    client = SandboxGateway(
        url=gateway.settings.base_url, api_key=API_KEY, webhook_secret=WEBHOOK_SECRET
    )
    for message in await gateway.receiver.wait_for(intent_id, 1):
        notice = client.read_notice(message.headers, message.body)
        with acting_as("gateway:sandbox"):
            assert await record_notice("sandbox", notice) == "captured"
    await client.close()


async def read(api: Api, placed: Placed) -> Any:
    return (await api.ask(ORDER, **placed.key)).data["order"]
