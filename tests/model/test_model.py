"""The shop against its model: random histories, and two controls that the machine must catch.

``PRESALE_MODEL_EXAMPLES`` sets how many histories are played, ``PRESALE_MODEL_SEED`` which ones.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from redis.asyncio import Redis

from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.slots import PoolOrder
from tests.model.example import Tally
from tests.model.machine import PresaleMachine
from tests.model.world import World

EXAMPLES = int(os.environ.get("PRESALE_MODEL_EXAMPLES", "40"))
SEED = int(os.environ.get("PRESALE_MODEL_SEED", "4"))
CONTROL_SEED = 4
"""Controls play the same histories whichever are asked for: they find in seconds what they seek."""
STEPS = 30
SECONDS_PER_EXAMPLE = 5


@pytest.fixture
async def world(
    database: str, database_admin: asyncpg.Connection, redis: Redis
) -> AsyncIterator[World]:
    """Open the shop that all examples of a test share."""
    world = World(database_admin, redis)
    await world.build()
    yield world
    await world.close()


async def play(
    world: World,
    *,
    examples: int,
    seed_number: int,
    phases: Sequence[Phase] = (Phase.generate, Phase.shrink),
) -> Tally:
    """Play histories in a thread of their own: hypothesis waits while the loop works."""
    tally = Tally()
    names = {"world": world, "loop": asyncio.get_running_loop(), "tally": tally}
    machine = seed(seed_number)(type("PlayedMachine", (PresaleMachine,), names))
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
            suppress_health_check=list(HealthCheck),
        ),
    )
    return tally


@pytest.mark.timeout(120 + SECONDS_PER_EXAMPLE * EXAMPLES)
async def test_the_shop_does_what_its_model_says(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()

    tally = await play(world, examples=EXAMPLES, seed_number=SEED)

    assert tally.examples >= EXAMPLES
    with capsys.disabled():
        print(
            f"\nmodel: {tally.examples} examples, {tally.steps} steps, seed {SEED}, "
            f"{time.monotonic() - began:.1f} s; reached {dict(sorted(tally.reached.items()))}"
        )


async def test_control_without_the_database_guard_the_machine_finds_the_oversale(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def claim_without_looking(
        work: UnitOfWork, order_id: UUID, orders: Sequence[PoolOrder]
    ) -> None:
        for order in orders:
            await work.execute(
                "UPDATE slot SET order_id = $1 WHERE pool_id = $2 AND number = ANY($3::int[])",
                order_id,
                order.pool_id,
                list(order.numbers),
            )

    monkeypatch.setattr("headless_presale.checkout.place.claim", claim_without_looking)

    with pytest.raises(AssertionError, match="owns as many slots as it ordered"):
        await play(world, examples=400, seed_number=CONTROL_SEED, phases=[Phase.generate])


async def test_control_a_release_that_keeps_the_quota_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def release_without_quota(
        work: UnitOfWork, order_id: UUID, customer_id: UUID
    ) -> dict[UUID, list[int]]:
        await work.execute("UPDATE slot SET order_id = NULL WHERE order_id = $1", order_id)
        return {}

    monkeypatch.setattr("headless_presale.orders.service.release", release_without_quota)

    with pytest.raises(AssertionError, match="a customer's quota equals what the customer owns"):
        await play(world, examples=200, seed_number=CONTROL_SEED, phases=[Phase.generate])
