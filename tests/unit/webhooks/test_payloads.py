"""What an event looks like on the wire."""

from uuid import UUID

import orjson

from headless_presale.kernel.ids import display_number, global_id
from headless_presale.payments import PaymentMismatched
from headless_presale.webhooks.payloads import body_of
from tests.conftest import NOON

ID = UUID("018f2f3e-0000-7000-8000-000000000001")


def test_ids_money_moments_and_names_are_graphqls() -> None:
    event = PaymentMismatched(
        order_id=ID,
        payment_id=ID,
        amount_minor=4_000,
        currency="CNY",
        captured_minor=4_001,
        captured_currency="JPY",
    )

    body = body_of(event.type, NOON, event.payload(), shop_id=ID)

    assert orjson.loads(body) == {
        "type": "payment.mismatched",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {
            "shopId": global_id("Shop", ID),
            "orderId": global_id("Order", ID),
            "orderNumber": display_number(ID),
            "paymentId": global_id("Payment", ID),
            "amount": {"amount": "40.00", "minor": 4_000, "currency": "CNY"},
            "captured": {"amount": "4001", "minor": 4_001, "currency": "JPY"},
        },
    }


def test_moments_of_an_event_end_in_z_and_other_texts_stay() -> None:
    payload = {
        "item_id": str(ID),
        "before": "2026-03-01T12:00:00+00:00",
        "after": 7,
        "reason": "moved to 2026-03-01T12:00:00+00:00",
        "is_late": True,
        "source": "AWAITING_DEPOSIT",
        "target": "DEPOSIT_PAID",
    }

    data = orjson.loads(body_of("campaign.extended", NOON, payload, shop_id=None))["data"]

    assert data == {
        "itemId": global_id("CampaignItem", ID),
        "before": "2026-03-01T12:00:00Z",
        "after": 7,
        "reason": "moved to 2026-03-01T12:00:00+00:00",
        "isLate": True,
        "previousStatus": "AWAITING_DEPOSIT",
        "status": "DEPOSIT_PAID",
    }


def test_a_test_says_nothing() -> None:
    body = body_of("webhook.test", NOON, {}, shop_id=None)
    assert body == b'{"type":"webhook.test","timestamp":"2026-03-01T12:00:00Z","data":{}}'
