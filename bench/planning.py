"""What a field costs, planned and by graphql-core's own executor, in one run.

Forty fields of a kind are asked for beside one operation that has none of them; what they add to
its processor time, each by itself, is told: the least of a dozen turns, which alternate.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql.execution import Executor

from schema.transport.execution import Engine
from schema.transport.limits import DocumentLimits
from schema.transport.planning import PlannedOperation
from schema.transport.requests import OperationRequest

FIELDS = 40
TURNS = 12
REQUESTS = 30


@strawberry.type
class Thing:
    name: str = "a thing"

    @strawberry.field
    def called(self) -> str:
        return self.name

    @strawberry.field
    def told(self, info: strawberry.Info) -> str:
        return str(info.context)

    @strawberry.field
    def asked(self, times: int = 1) -> str:
        return self.name * times

    @strawberry.field
    async def awaited(self) -> str:
        return self.name

    @strawberry.field
    def twin(self) -> "Thing":
        return Thing()

    @strawberry.field
    def twins(self) -> list["Thing"]:
        return [Thing() for _ in range(10)]


@strawberry.type
class Query:
    @strawberry.field
    def thing(self) -> Thing:
        return Thing()


KINDS: Mapping[str, str] = {
    "an attribute": "name",
    "a method": "called",
    "a method that asks for the context": "told",
    "a method with an argument": "asked(times: 2)",
    "a coroutine": "awaited",
    "an object of one attribute": "twin { name }",
    "a list of ten such objects": "twins { name }",
}


@dataclass(frozen=True, slots=True)
class Costs:
    """What a field of a kind adds to an operation."""

    kind: str
    executor_us: float
    planned_us: float


async def run() -> list[Costs]:
    """Measure an operation that asks for hardly anything, then what each kind of field adds."""
    executor, planned = await _both("")
    rows = [Costs("an operation of two attributes", executor, planned)]
    for kind, selection in KINDS.items():
        more, planned_more = await _both(selection)
        rows.append(Costs(kind, (more - executor) / FIELDS, (planned_more - planned) / FIELDS))
    return rows


async def _both(selection: str) -> tuple[float, float]:
    engine = Engine(
        strawberry.Schema(Query),
        limits=DocumentLimits(),
        document_memory_bytes=2**24,
        renew_context=lambda context: context,
    )
    fields = " ".join(f"a{number}: {selection}" for number in range(FIELDS) if selection)
    operation = engine.prepare(OperationRequest(f"{{ thing {{ __typename name {fields} }} }}"))
    executor, planned = [], []
    for _ in range(TURNS):
        with _unplanned():
            executor.append(await _turn(engine, operation))
        planned.append(await _turn(engine, operation))
    return min(executor), min(planned)


async def _turn(engine: Engine, operation: Any) -> float:
    """Return the microseconds of the processor that a request took."""
    began = time.process_time()
    for _ in range(REQUESTS):
        outcome = await engine.execute(operation, "somebody")
        assert outcome.errors is None
    return (time.process_time() - began) / REQUESTS * 1e6


@contextmanager
def _unplanned() -> Iterator[None]:
    def execute(_self: PlannedOperation, executor: Executor[Any]) -> Any:
        return executor.execute_operation()

    planned = PlannedOperation.execute
    PlannedOperation.execute = execute  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        PlannedOperation.execute = planned  # type: ignore[method-assign]
