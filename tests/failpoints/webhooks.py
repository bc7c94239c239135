"""Telling merchants' systems: nothing is lost, and what comes twice comes under the same id."""

from datetime import timedelta
from uuid import UUID

from headless_presale.identity import ALL_SCOPES
from headless_presale.kernel import clock
from headless_presale.webhooks import (
    Asker,
    DeliveryStatus,
    WebhookDelivery,
    WebhookEndpoint,
    deliver_due,
    message_id_of,
    replay,
    replay_delivery,
    send_test,
)
from tests.failpoints.world import Scenario, World
from tests.support.receiver import subscribe

CLAIM_IS_OVER = timedelta(minutes=2)


async def _asker(endpoint_id: UUID) -> Asker:
    endpoint = await WebhookEndpoint.get(id=endpoint_id)
    return Asker(merchant_id=endpoint.merchant_id, scopes=ALL_SCOPES)


async def _deliver(endpoint_id: UUID) -> int:
    return await deliver_due(endpoint_id)


async def _something_to_tell(world: World) -> UUID:
    """An endpoint that failed before, and an order placed since."""
    made = await subscribe(world.sale.shop, f"{world.receiver.url}/hooks", "order.placed")
    await WebhookEndpoint.filter(id=made.endpoint.id).update(failure_count=1)
    await world.order()
    return made.endpoint.id


async def _is_told(world: World, endpoint_id: UUID) -> None:
    world.clock.advance(CLAIM_IS_OVER)
    await deliver_due(endpoint_id)
    (delivery,) = await WebhookDelivery.filter(endpoint_id=endpoint_id)
    assert delivery.status is DeliveryStatus.DELIVERED
    # Once, or once more where the first answer was not noted.
    told = [request.message_id for request in world.receiver.at()]
    assert set(told) == {message_id_of(delivery.id)}
    assert len(told) == delivery.attempts or len(told) == delivery.attempts - 1
    assert (await WebhookEndpoint.get(id=endpoint_id)).failure_count == 0


async def _somebody_who_fails(world: World) -> UUID:
    endpoint_id = await _something_to_tell(world)
    await WebhookEndpoint.filter(id=endpoint_id).update(failure_count=20)
    world.receiver.default = 500
    return endpoint_id


async def _is_told_later(world: World, endpoint_id: UUID) -> None:
    delivery = await WebhookDelivery.get(endpoint_id=endpoint_id)
    assert delivery.status is DeliveryStatus.PENDING
    world.receiver.default = 200
    world.clock.advance(timedelta(minutes=10))
    await deliver_due(endpoint_id)
    told = await WebhookDelivery.get(endpoint_id=endpoint_id)
    assert told.status is DeliveryStatus.DELIVERED


async def _somebody_who_is_gone(world: World) -> UUID:
    endpoint_id = await _something_to_tell(world)
    world.receiver.default = 410
    return endpoint_id


async def _is_off(world: World, endpoint_id: UUID) -> None:
    world.clock.advance(CLAIM_IS_OVER)
    await deliver_due(endpoint_id)
    endpoint = await WebhookEndpoint.get(id=endpoint_id)
    assert endpoint.disabled_reason == "GONE"
    assert (
        await world.count("SELECT count(*) FROM event WHERE type = 'webhook.endpoint_disabled'")
        == 1
    )
    assert (
        await world.count(
            "SELECT count(*) FROM audit_entry WHERE action = 'webhook_endpoint.disable'"
        )
        == 1
    )


async def _send_test(endpoint_id: UUID) -> object:
    return await send_test(await _asker(endpoint_id), endpoint_id)


async def _an_endpoint(world: World) -> UUID:
    made = await subscribe(world.sale.shop, f"{world.receiver.url}/hooks", "order.placed")
    return made.endpoint.id


async def _is_tested(world: World, endpoint_id: UUID) -> None:
    # Whoever got no answer asked again: that is another test.
    assert await WebhookDelivery.filter(endpoint_id=endpoint_id).count() in (1, 2)
    await _has_a_job(world, endpoint_id)


async def _has_a_job(world: World, endpoint_id: UUID) -> None:
    assert (
        await world.count(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'webhooks:deliver' "
            "AND args ->> 'endpoint_id' = $1",
            str(endpoint_id),
        )
        == 1
    )


async def _something_told(world: World) -> UUID:
    endpoint_id = await _something_to_tell(world)
    await deliver_due(endpoint_id)
    return (await WebhookDelivery.get(endpoint_id=endpoint_id)).id


async def _send_again(delivery_id: UUID) -> object:
    delivery = await WebhookDelivery.get(id=delivery_id)
    return await replay_delivery(await _asker(delivery.endpoint_id), delivery_id)


async def _is_to_be_told_again(world: World, delivery_id: UUID) -> None:
    delivery = await WebhookDelivery.get(id=delivery_id)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 0)
    await _has_a_job(world, delivery.endpoint_id)


async def _something_missed(world: World) -> UUID:
    """An order that was placed before anybody listened."""
    await world.order()
    return await _an_endpoint(world)


async def _replay(endpoint_id: UUID) -> None:
    now = clock.now()
    await replay(endpoint_id, since=now - timedelta(days=1), until=now, include_delivered=False)


async def _is_caught_up(world: World, endpoint_id: UUID) -> None:
    assert await WebhookDelivery.filter(endpoint_id=endpoint_id).count() == 1
    await _has_a_job(world, endpoint_id)


SCENARIOS = [
    Scenario("telling a merchant's system", _something_to_tell, _deliver, _is_told),
    Scenario("a system that fails", _somebody_who_fails, _deliver, _is_told_later),
    Scenario("a system that is gone", _somebody_who_is_gone, _deliver, _is_off),
    Scenario("trying an endpoint", _an_endpoint, _send_test, _is_tested),
    Scenario("telling once more", _something_told, _send_again, _is_to_be_told_again),
    Scenario("replaying", _something_missed, _replay, _is_caught_up),
]
