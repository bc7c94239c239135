"""What is asked about an order, and what is decided."""

from typing import Any

from headless_presale.orders import OrderView
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.staff import Caller

DETAIL = """
query ($id: ID!, $minor: SafeInt, $lines: [OrderLineQuantityInput!]) {
  merchant { shop(slug: "moonlit-forge") { order(id: $id) {
    id number status version quantity shopId locale placedAt closedReason
    buyer { email name } shippingAddress { city } total { amount }
    lines { id title slotNumbers unitPrice { minor } batches { position shipsBy slotNumbers } }
    paymentPlan { kind depositBps } cancelPolicy { paid { isAllowed refundBalanceBps } }
    terms { version refundPolicy } campaign { handle }
    money {
      due { minor } refundable { minor } sum { paid { minor } refunded { minor } }
      legs { leg amount { minor } sum { paid { minor } refunded { minor } } opensAt dueAt }
      gateways { gateway sum { paid { minor } refundPending { minor } } }
    }
    ledger { balances { account balance { minor } } bookings { kind amount { minor } } }
    notes { text author at }
    merchantRefunds { amount { minor } reason author parts { leg refund { status reason } } }
    timeline(first: 50) { nodes { type summary actorLabel reason at } }
    refundPreview(amountMinor: $minor, lines: $lines) {
      refundable { minor } amount { minor } left { minor }
      parts { leg gateway held { minor } refund { minor } left { minor } }
      userErrors { __typename code message field
                   ... on RefundTooLargeError { refundable { amount } }
                   ... on RefundNotAllowedError { orderStatus } }
    }
    byPolicy: cancelPreview(terms: POLICY) {
      isAllowed refund { minor } kept { minor } parts { leg refund { minor } kept { minor } }
      userErrors { code message ... on CancelNotAllowedError { orderStatus } }
    }
    inFull: cancelPreview(terms: FULL_REFUND) { isAllowed refund { minor } kept { minor } }
  } } }
}
"""
REFUND = """
mutation ($input: OrderRefundInput!) { orderRefund(input: $input) {
  order { status version money { refundable { minor } } merchantRefunds { amount { minor } } }
  userErrors { __typename code message field
    ... on RefundTooLargeError { refundable { amount } }
    ... on VersionConflictError { currentVersion conflicts { field yours current } } }
} }
"""
CANCEL = """
mutation ($input: OrderCancelByMerchantInput!) { orderCancelByMerchant(input: $input) {
  order { status version closedReason money { sum { refunded { minor } } } }
  userErrors { __typename code message ... on CancelNotAllowedError { orderStatus } }
} }
"""
NOTE = """
mutation ($input: OrderNoteAddInput!) { orderNoteAdd(input: $input) {
  order { version notes { text author } } userErrors { code field }
} }
"""


async def detail(api: Api, caller: Caller, order: OrderView, **asked: Any) -> Any:
    """Return an order in detail; what is asked for is previewed, a refund of 10.00 else."""
    language = asked.pop("language", "en")
    reply = await api.ask(
        DETAIL,
        bearer=caller.token,
        language=language,
        id=seal("Order", order.id),
        **{"minor": 1_000, **asked},
    )
    return reply.data["merchant"]["shop"]["order"]


def refund_input(order: OrderView, **changes: Any) -> dict[str, Any]:
    """Return the wish to give 10.00 back."""
    return {
        "orderId": seal("Order", order.id),
        "amountMinor": 1_000,
        "reason": "a scratch on the box",
        "version": order.version,
        "idempotencyKey": "r1",
        **changes,
    }


def cancel_input(order: OrderView, **changes: Any) -> dict[str, Any]:
    """Return the wish to cancel by the policy."""
    return {
        "orderId": seal("Order", order.id),
        "terms": "POLICY",
        "reason": "the kiln broke",
        "version": order.version,
        "idempotencyKey": "c1",
        **changes,
    }


def minor(money: dict[str, int]) -> int:
    """Return an amount that was answered in minor units."""
    return money["minor"]
