"""An endpoint that was narrowed is told no more of the rest, whatever its address is by then."""

from datetime import timedelta

import pytest

from headless_presale.checkout import place_order
from headless_presale.identity import ALL_SCOPES, Scope
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.shops.models import Shop
from headless_presale.webhooks import (
    Asker,
    DeliveryStatus,
    EndpointWish,
    WebhookDelivery,
    WebhookEndpoint,
    deliver_due,
    delivering,
    forget_old_deliveries,
    listening,
    replay_delivery,
    sweep_deliveries,
    update_endpoint,
)
from tests.support.receiver import Receiver, subscribe
from tests.support.shop import Sale, make_shop, open_sale, order_for

pytestmark = pytest.mark.usefixtures("database", "redis")


async def narrowed(receiver: Receiver, sale: Sale) -> WebhookEndpoint:
    """Return an endpoint that an order waits for, that its owner has turned to campaigns, and that
    somebody who may not read orders has given an address of his own."""
    made = await subscribe(sale.shop, f"{receiver.url}/hooks", "order.*")
    await place_order(order_for(sale))
    await update_endpoint(
        Asker(merchant_id=sale.shop.merchant_id, scopes=ALL_SCOPES),
        made.endpoint.id,
        EndpointWish(url=f"{receiver.url}/hooks", event_types=["campaign.*"]),
        version=1,
    )
    few = frozenset({Scope.WEBHOOKS_WRITE, Scope.CAMPAIGNS_READ})
    return await update_endpoint(
        Asker(merchant_id=sale.shop.merchant_id, scopes=few),
        made.endpoint.id,
        EndpointWish(url=f"{receiver.url}/his", event_types=["campaign.*"]),
        version=2,
    )


async def test_what_it_has_ceased_to_listen_for_goes_to_no_new_address(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=5)
    endpoint = await narrowed(receiver, sale)
    delivery = await WebhookDelivery.get()

    # Neither by itself, with no job for it either
    assert await sweep_deliveries() == 0
    assert await deliver_due(endpoint.id) == 0
    # Nor on request
    with pytest.raises(InvalidInput, match="does not listen"):
        await replay_delivery(
            Asker(merchant_id=sale.shop.merchant_id, scopes=ALL_SCOPES), delivery.id
        )
    assert receiver.requests == []
    # It waits until the endpoint listens again.
    await WebhookEndpoint.filter(id=endpoint.id).update(event_types=["order.placed"])
    assert await sweep_deliveries() == 1
    assert await deliver_due(endpoint.id) == 1
    assert (await WebhookDelivery.get()).status is DeliveryStatus.DELIVERED


async def test_nor_of_a_shop_that_it_has_no_more(receiver: Receiver, clock: ManualClock) -> None:
    sale = await open_sale(capacity=5)
    second = await open_sale(shop=await make_shop("second"), skus=("OTHER-1",))
    await Shop.filter(id=second.shop.id).update(merchant_id=sale.shop.merchant_id)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks", "order.*")
    order = await place_order(order_for(sale, email="1@example.com"))
    await place_order(order_for(second, email="2@example.com"))
    await WebhookEndpoint.filter(id=made.endpoint.id).update(shop_ids=[sale.shop.id])

    await deliver_due(made.endpoint.id)

    (request,) = receiver.at()
    assert request.event["data"]["orderNumber"] == order.number


async def test_what_waits_so_is_forgotten_after_thirty_days(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=5)
    await narrowed(receiver, sale)
    assert await forget_old_deliveries() == 0

    clock.advance(timedelta(days=30, seconds=1))

    assert await forget_old_deliveries() == 1
    assert await WebhookDelivery.all().count() == 0


async def test_control_without_the_look_it_would(
    receiver: Receiver, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await open_sale(capacity=5)
    endpoint = await narrowed(receiver, sale)
    look = listening(endpoint="e", delivery="due")
    assert look in delivering._CLAIM
    monkeypatch.setattr(delivering, "_CLAIM", delivering._CLAIM.replace(look, "true"))

    await deliver_due(endpoint.id)

    (request,) = receiver.at("/his")
    assert request.event["type"] == "order.placed"
