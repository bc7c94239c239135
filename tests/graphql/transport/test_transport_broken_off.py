"""Executions that end before their time leave nothing behind, not even a line in the log."""

import asyncio
import gc
import warnings
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import pytest
import strawberry

from schema.transport import executors
from schema.transport.execution import Engine
from schema.transport.limits import DocumentLimits
from schema.transport.requests import OperationRequest


@strawberry.type
class Leaf:
    number: int

    @strawberry.field
    async def doubled(self) -> int:
        await asyncio.sleep(0)
        return 2 * self.number

    @strawberry.field
    async def children(self) -> list["Leaf"]:
        await asyncio.sleep(0)
        return [Leaf(number=1), Leaf(number=2)]

    @strawberry.field
    async def broken(self) -> int:
        await asyncio.sleep(0)
        raise ValueError("broken")


@strawberry.type
class Query:
    @strawberry.field
    async def leaves(self) -> list[Leaf]:
        await asyncio.sleep(0)
        return [Leaf(number=number) for number in range(4)]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def leaf(self) -> AsyncGenerator[Leaf, None]:
        yield Leaf(number=7)


FIELDS = "doubled again: doubled children { doubled again: doubled children { doubled number } }"


@pytest.fixture
def engine() -> Engine:
    return Engine(
        strawberry.Schema(Query, subscription=Subscription),
        limits=DocumentLimits(),
        document_memory_bytes=1_000_000,
        renew_context=lambda context: context,
    )


async def _first(engine: Engine, query: str) -> Any:
    async for outcome in engine.stream(engine.prepare(OperationRequest(query)), None):
        return outcome
    return None


async def _break_off(engine: Engine, query: str) -> int:
    """Cancel an operation at each step of the loop in turn; return at how many it was cancelled."""
    for steps in range(1_000):
        running = asyncio.create_task(_first(engine, query))
        for _ in range(steps):
            await asyncio.sleep(0)
        if running.done():
            assert (await running).errors is None
            return steps
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    raise AssertionError("it never ends")


async def _said_of(breaking_off: Coroutine[Any, Any, int]) -> tuple[int, list[str]]:
    """Return what it returns, and what Python or the loop had to say of what was left behind."""
    said: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: said.append(str(context)))
    # Collected at the end: within a named tuple's constructor Python cannot warn of anything.
    gc.disable()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            steps = await breaking_off
            await asyncio.sleep(0.05)
            gc.collect()
            said += [str(warning.message) for warning in caught]
    finally:
        gc.enable()
        loop.set_exception_handler(None)
    return steps, said


@pytest.mark.parametrize(
    "query", [f"{{ leaves {{ {FIELDS} }} }}", f"subscription {{ leaf {{ {FIELDS} }} }}"]
)
async def test_a_client_may_go_away_at_any_moment(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(executors, "UNWINDING_SECONDS", 0.02)

    steps, said = await _said_of(_break_off(engine, query))

    assert steps > 10
    assert said == []


async def test_a_field_that_may_not_be_null_takes_its_neighbours_with_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "UNWINDING_SECONDS", 0.02)

    async def ask() -> int:
        outcome = await _first(engine, f"{{ leaves {{ broken {FIELDS} }} }}")
        assert [error.message for error in outcome.errors] == ["broken"]
        return 0

    assert await _said_of(ask()) == (0, [])


@pytest.mark.filterwarnings("ignore:coroutine")
async def test_control_without_closing_them_python_warns(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors.Awaitables, "close_soon", lambda self: None)

    _, said = await _said_of(_break_off(engine, f"{{ leaves {{ {FIELDS} }} }}"))

    assert said
    assert all("was never awaited" in line for line in said)
