"""Every place between two steps: the process dies there, and nothing is lost or done twice.

A death inside a transaction leaves nothing, so the suite dies there in one use case each; outside
of one it dies in every use case. ``PRESALE_FAILPOINTS=all`` dies at every place, every time.
"""

import ast
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import headless_presale
from headless_presale import checkout
from headless_presale.campaigns import forget_all
from headless_presale.kernel import redis as kernel_redis
from headless_presale.kernel.failpoints import FAILPOINTS, killing
from tests.conftest import SECRET_KEY
from tests.failpoints.conftest import Worlds
from tests.failpoints.dying import SCENARIOS, Death, die
from tests.failpoints.steps import Steps, listening, recorded, reopen
from tests.failpoints.world import Scenario, World
from tests.support.gateway import API_KEY, WEBHOOK_SECRET

OUTSIDE = frozenset(
    {
        "slots.reserved",
        "slots.settled",
        "slots.loaded",
        "slots.returned_unowned",
        "slots.reservation_ended",
        "transaction.committed",
        "transaction.followed_up",
        "payments.intent_created",
        "payments.intent_cancelled",
        "refunds.asked",
        "messages.sent",
        "media.files_kept",
        "webhooks.posted",
    }
)
"""Places at which no transaction is open: what was done stays done."""
_tried: set[str] = set()

IS_EVERY_TIME = os.environ.get("PRESALE_FAILPOINTS") == "all"
NO_REDIS = "redis://127.0.0.1:1/0"


async def test_no_two_effects_lie_side_by_side_and_every_place_is_reached(worlds: Worlds) -> None:
    gaps: dict[str, list[tuple[str, str]]] = {}
    reached: set[str] = set()
    with listening():
        await reopen()
        for scenario in SCENARIOS.values():
            async with worlds() as world:
                steps = await _rehearse(scenario, await scenario.prepare(world))
                gaps[scenario.name] = steps.gaps()
                reached |= set(steps.places)
    await reopen()

    assert {name: found for name, found in gaps.items() if found} == {}
    assert set(FAILPOINTS) - reached == set()


def test_each_place_is_marked_by_one_line_of_the_code() -> None:
    package = Path(headless_presale.__file__).parent
    marked = Counter(
        call.args[0].value
        for path in package.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "reach"
        and isinstance(call.args[0], ast.Constant)
    )

    assert marked == dict.fromkeys(FAILPOINTS, 1)
    assert len(FAILPOINTS) == 144


def test_a_place_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no failpoint 'slots\.reservd'"):
        killing("slots.reservd")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_it_may_die_anywhere(
    name: str, worlds: Worlds, database: str, redis_url: str, tmp_path: Path
) -> None:
    scenario = SCENARIOS[name]
    async with worlds() as world:
        argument = await scenario.prepare(world)
        steps = await _rehearse(scenario, argument)
        await _judge(world, scenario, argument, "undisturbed")

    deaths = _deaths(steps.places)
    for number, (failpoint, occurrence) in enumerate(deaths):
        where = f"{name}, {failpoint} the {occurrence}. time"
        async with worlds() as world:
            argument = await scenario.prepare(world)
            settings = {
                "database_url": database,
                "redis_url": redis_url if scenario.has_redis else NO_REDIS,
                "data_dir": tmp_path / str(number),
                "secret_key": SECRET_KEY,
                "webhooks_allow_private": True,
                "sandbox_gateway_url": world.sandbox.url,
                "sandbox_gateway_api_key": API_KEY,
                "sandbox_gateway_webhook_secret": WEBHOOK_SECRET,
            }
            death = Death(name, argument, world.clock.now(), failpoint, occurrence)

            assert await die(settings, death), f"{where}: the process did not die"

            may_be_broken = {*scenario.broken, *scenario.broken_before}
            assert set(await world.broken()) <= may_be_broken, where
            forget_all()
            await scenario.act(argument)
            await _judge(world, scenario, argument, where)
    print(f"{name}: {len(deaths)} deaths")


def _deaths(places: Sequence[str]) -> list[tuple[str, int]]:
    """Return the places to die at, each with the time it is reached."""
    reached = [(name, places[: index + 1].count(name)) for index, name in enumerate(places)]
    if IS_EVERY_TIME:
        return reached
    deaths = [
        (name, occurrence)
        for name, occurrence in reached
        if occurrence == 1 and (name in OUTSIDE or name not in _tried)
    ]
    _tried.update(name for name, _ in deaths)
    return deaths


async def _rehearse(scenario: Scenario, argument: Any) -> Steps:
    """Do it in this process, undisturbed, and write down how it goes."""
    with pytest.MonkeyPatch.context() as patch, recorded() as steps:
        if not scenario.has_redis:
            patch.setattr(kernel_redis, "_down_until", time.monotonic() + 3_600)
        await scenario.act(argument)
        await checkout.drain()
    return steps


async def _judge(world: World, scenario: Scenario, argument: Any, where: str) -> None:
    try:
        await scenario.check(world, argument)
    except AssertionError as error:
        raise AssertionError(where) from error
    await world.come_to_rest()
    assert set(await world.broken()) == set(scenario.broken), where
    assert await world.broken_in_redis() == [], where
