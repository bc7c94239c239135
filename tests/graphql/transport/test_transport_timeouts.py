"""An operation that takes longer than it may is given up, and says so by its code."""

import asyncio
import gc
import time
import warnings
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import strawberry
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from schema.transport import PresaleGraphQL, executors
from schema.transport.execution import Engine
from schema.transport.limits import DocumentLimits
from schema.transport.requests import OperationRequest
from tests.graphql.transport.conftest import open_socket, serving

SECONDS = 0.4
TIMED_OUT = {
    "message": f"The operation took longer than {SECONDS} s and was given up. What it had begun to "
    "change may still be done: send the same request again.",
    "extensions": {"code": "TIMEOUT", "retryAfterSeconds": 1},
}

cancelled: list[str] = []


async def for_ever(name: str) -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        cancelled.append(name)
        raise


@strawberry.type
class Page:
    number: int

    @strawberry.field
    async def text(self) -> str:
        if self.number == 2:
            await for_ever(f"page {self.number}")
        return f"text {self.number}"

    @strawberry.field
    async def other(self) -> str:
        await asyncio.sleep(0)
        return "other"

    @strawberry.field
    def busy(self) -> bool:
        """Keep the loop until time is up: what it comes to next is still in its first steps."""
        time.sleep(SECONDS if self.number == 0 else 0)
        return True

    @strawberry.field
    async def children(self) -> list["Page"]:
        return [Page(number=number) for number in (4, 5)]


@strawberry.type
class Query:
    @strawberry.field
    def quick(self) -> str:
        return "quick"

    @strawberry.field
    async def slow(self) -> str | None:
        await for_ever("slow")
        return None

    @strawberry.field
    async def pages(self) -> list[Page]:
        return [Page(number=number) for number in range(4)]

    @strawberry.field
    async def breaks(self) -> str | None:
        raise TimeoutError("one of its own")


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def quick(self) -> str:
        return "done"

    @strawberry.mutation
    async def slow(self) -> str:
        await for_ever("change")
        return "never"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def pages(self) -> AsyncGenerator[Page, None]:
        for number in (1, 2, 3):
            yield Page(number=number)

    @strawberry.subscription
    async def rare(self) -> AsyncGenerator[int, None]:
        await asyncio.sleep(2 * SECONDS)
        yield 1


schema = strawberry.Schema(Query, Mutation, Subscription)


async def no_context(_: Any) -> None:
    return None


def make_engine(timeout_seconds: float = SECONDS) -> Engine:
    return Engine(
        schema,
        limits=DocumentLimits(),
        document_memory_bytes=2**20,
        renew_context=lambda context: context,
        timeout_seconds=timeout_seconds,
    )


@pytest.fixture(autouse=True)
def nothing_cancelled() -> None:
    cancelled.clear()


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("{ quick slow }", "slow"),
        ("mutation { quick slow }", "change"),
        ("{ pages { other text } }", "page 2"),
    ],
)
async def test_an_operation_is_given_up_after_its_time(query: str, what: str) -> None:
    engine = make_engine()
    operation = engine.prepare(OperationRequest(query))
    kind = {"operation": operation.kind.value}
    before = REGISTRY.get_sample_value("presale_graphql_timeouts_total", kind) or 0

    with capture_logs() as logs:
        outcome = await engine.execute(operation, None)

    assert REGISTRY.get_sample_value("presale_graphql_timeouts_total", kind) == before + 1
    assert (outcome.data, outcome.executed) == (None, True)
    assert [error.message for error in outcome.errors or ()] == [TIMED_OUT["message"]]
    assert cancelled == [what]
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("graphql.timed_out", "warning")
    ]


async def test_control_without_the_limit_it_goes_on() -> None:
    engine = make_engine(timeout_seconds=3600)
    running = asyncio.create_task(
        engine.execute(engine.prepare(OperationRequest("{ slow }")), None)
    )

    done, _ = await asyncio.wait({running}, timeout=2 * SECONDS)

    assert not done
    running.cancel()
    await asyncio.wait({running})


async def test_it_is_told_over_every_transport() -> None:
    view = PresaleGraphQL(schema, context_factory=no_context, timeout_seconds=SECONDS)
    body = {"query": "{ slow }"}
    async with serving(view) as running:
        async with httpx.AsyncClient(base_url=running.origin) as http:
            posted = await http.post("/graphql", json=body)
            got = await http.get("/graphql", params=body)
            streamed = await http.post(
                "/graphql", json=body, headers={"accept": "text/event-stream"}
            )
            after = await http.post("/graphql", json={"query": "{ quick }"})
        async with open_socket(running) as socket:
            await socket.init()
            await socket.subscribe("1", "{ slow }")
            told = [await socket.receive(), await socket.receive()]

    for answer in (posted, got):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {"data": None, "errors": [TIMED_OUT]}
    assert '"code":"TIMEOUT"' in streamed.text
    assert streamed.text.endswith("event: complete\ndata: \n\n")
    assert told == [
        {"id": "1", "type": "next", "payload": {"data": None, "errors": [TIMED_OUT]}},
        {"id": "1", "type": "complete"},
    ]
    assert after.json() == {"data": {"quick": "quick"}}


async def test_one_event_of_a_subscription_is_given_up_and_the_next_ones_come() -> None:
    engine = make_engine()
    operation = engine.prepare(OperationRequest("subscription { pages { text } }"))

    outcomes = [outcome async for outcome in engine.stream(operation, None)]

    assert [outcome.data for outcome in outcomes] == [
        {"pages": {"text": "text 1"}},
        None,
        {"pages": {"text": "text 3"}},
    ]
    assert [bool(outcome.errors) for outcome in outcomes] == [False, True, False]
    assert cancelled == ["page 2"]


async def test_a_subscription_may_wait_for_its_events() -> None:
    engine = make_engine()
    operation = engine.prepare(OperationRequest("subscription { rare }"))

    assert [outcome.data async for outcome in engine.stream(operation, None)] == [{"rare": 1}]


async def test_a_timeout_of_a_resolvers_own_is_its_failure() -> None:
    engine = make_engine(timeout_seconds=3600)

    outcome = await engine.execute(engine.prepare(OperationRequest("{ breaks }")), None)

    assert outcome.data == {"breaks": None}
    assert [error.message for error in outcome.errors or ()] == ["one of its own"]


LEFT_BEHIND = "{ pages { busy children { other children { other text } } } slow }"


async def _said_when_time_is_up(engine: Engine) -> list[str]:
    """Return what Python or the loop had to say of what was left behind."""
    said: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: said.append(str(context)))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            outcome = await engine.execute(engine.prepare(OperationRequest(LEFT_BEHIND)), None)
            assert outcome.data is None
            # Its error's traceback holds on to what there was.
            del outcome
            await asyncio.sleep(0.1)
            gc.collect()
            said += [str(warning.message) for warning in caught]
    finally:
        loop.set_exception_handler(None)
    return said


async def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "UNWINDING_SECONDS", 0.02)

    assert await _said_when_time_is_up(make_engine()) == []


@pytest.mark.filterwarnings("ignore:coroutine")
async def test_control_without_closing_them_python_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors.Awaitables, "close_soon", lambda self: None)

    said = await _said_when_time_is_up(make_engine())

    assert said
    assert all("was never awaited" in line for line in said)
