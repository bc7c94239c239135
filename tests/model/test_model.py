"""The shop against its model: random histories, and controls that the machine must catch.

``PRESALE_MODEL_EXAMPLES`` sets how many histories are played, ``PRESALE_MODEL_SEED`` which ones.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from redis.asyncio import Redis

from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.orders import OrderStatus
from headless_presale.slots import PoolOrder
from tests.model.example import Tally
from tests.model.machine import PresaleMachine
from tests.model.world import World

EXAMPLES = int(os.environ.get("PRESALE_MODEL_EXAMPLES", "40"))
SEED = int(os.environ.get("PRESALE_MODEL_SEED", "4"))
STEPS = 30
SECONDS_PER_EXAMPLE = 5
CONTROL_EXAMPLES = 200
"""How many histories a control may take to find its damage, whichever they are."""
ENOUGH_EXAMPLES = 300
"""So many histories meet everything there is to meet."""
EVERY_KIND = {
    *map(str, OrderStatus),
    # why money went back
    "late_payment",
    "order_cancelled",
    "paid_twice",
    # what was refused
    "CAMPAIGN_NOT_OPEN",
    "CAMPAIGN_NOT_PUBLISHABLE",
    "CANCEL_NOT_ALLOWED",
    "CAPACITY_BELOW_SOLD",
    "GATEWAY_UNAVAILABLE",
    "IDEMPOTENCY_MISMATCH",
    "INVALID_INPUT",
    "PAYMENT_NOT_DUE",
    "PURCHASE_LIMIT",
    "SLOTS_SOLD_OUT",
    # what happened
    "campaign cancelled",
    "campaign extended",
    "capacity lowered",
    "capacity raised",
    "paid late, others",
    "paid late, same numbers",
    "reminded late",
}

Play = Callable[..., Awaitable[Tally]]


@pytest.fixture
async def world(
    database: str, database_admin: asyncpg.Connection, redis: Redis, redis_url: str
) -> AsyncIterator[World]:
    """Open the shop that all examples of a test share."""
    world = World(database_admin, redis, redis_url)
    await world.build()
    yield world
    await world.close()


@pytest.fixture
def play(world: World, capsys: pytest.CaptureFixture[str]) -> Play:
    """Return what plays histories and says how many they were, also when one fails."""

    async def play(examples: int, phases: Sequence[Phase] = (Phase.generate,)) -> Tally:
        tally = Tally()
        began = time.monotonic()
        names = {"world": world, "loop": asyncio.get_running_loop(), "tally": tally}
        machine = seed(SEED)(type("PlayedMachine", (PresaleMachine,), names))
        try:
            # In a thread of its own: hypothesis waits while the loop works.
            await asyncio.to_thread(
                run_state_machine_as_test,
                machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    phases=phases,
                    print_blob=False,
                    report_multiple_bugs=False,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            with capsys.disabled():
                print(f"\nmodel: seed {SEED}, {time.monotonic() - began:.1f} s, {tally}")
        return tally

    return play


@pytest.mark.timeout(120 + SECONDS_PER_EXAMPLE * EXAMPLES)
async def test_the_shop_does_what_its_model_says(play: Play) -> None:
    tally = await play(EXAMPLES, phases=[Phase.generate, Phase.shrink])

    assert tally.examples >= EXAMPLES
    if EXAMPLES >= ENOUGH_EXAMPLES:
        assert set(tally.met) >= EVERY_KIND


async def test_control_without_the_database_guard_the_machine_finds_the_oversale(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def claim_without_looking(
        work: UnitOfWork, orders: Iterable[tuple[UUID, PoolOrder]]
    ) -> None:
        for order_id, order in orders:
            await work.execute(
                "UPDATE slot SET order_id = $1 WHERE pool_id = $2 AND number = ANY($3::int[])",
                order_id,
                order.pool_id,
                list(order.numbers),
            )

    monkeypatch.setattr("headless_presale.checkout.together.claim_all", claim_without_looking)

    with pytest.raises(AssertionError, match="owns as many slots as it ordered"):
        await play(CONTROL_EXAMPLES)


async def test_control_a_release_that_keeps_the_quota_is_found(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def release_without_quota(
        work: UnitOfWork, order_id: UUID, customer_id: UUID
    ) -> dict[UUID, list[int]]:
        await work.execute("UPDATE slot SET order_id = NULL WHERE order_id = $1", order_id)
        return {}

    monkeypatch.setattr("headless_presale.orders.service.release", release_without_quota)

    with pytest.raises(AssertionError, match="a customer's quota equals what the customer owns"):
        await play(CONTROL_EXAMPLES)


async def test_control_without_the_reconciler_the_machine_finds_what_is_not_sold(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reconcile_nothing(machine: PresaleMachine) -> None:
        """Leave Redis as it is."""

    monkeypatch.setattr(PresaleMachine, "_reconcile", reconcile_nothing)

    with pytest.raises(AssertionError, match="undersold"):
        await play(CONTROL_EXAMPLES)
