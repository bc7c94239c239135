"""Orders that come at the same time share a transaction, and each still gets its own answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from headless_presale.checkout import PlaceOrder, drain, place, place_order, together
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import DomainError, Unavailable
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.ids import customer_id_of
from headless_presale.orders import OrderView
from headless_presale.slots import SlotsSoldOut, claim_all
from tests.support.invariants import broken_invariants, reconcile_later
from tests.support.pool import all_given_back
from tests.support.servers import until
from tests.support.shop import Sale, open_sale, order_for
from tests.support.state import stored_rows
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

Answers = list[OrderView | BaseException]


class Rush:
    """Orders of which the first ones are held up until all others wait behind them."""

    def __init__(self) -> None:
        self._go_on = asyncio.Event()
        self._tasks: list[asyncio.Task[OrderView]] = []
        self._write = together.write

    async def slowly(self, *args: Any) -> bool:
        """Write, but not before everybody is there."""
        await self._go_on.wait()
        return await self._write(*args)

    async def come(self, sale: Sale, *commands: PlaceOrder) -> None:
        """Let these wait, behind those that are under way."""
        if not self._tasks:
            for number in range(together.AT_ONCE):
                self._begin(order_for(sale, email=f"first{number}@example.com"))
            await until(lambda: self._line() is not None and self._under_way() == together.AT_ONCE)
        there = len(self._waiting())
        for command in commands:
            self._begin(command)
        await until(lambda: len(self._waiting()) == there + len(commands))

    async def go_on(self) -> Answers:
        """Return what each of those got who wait, in their order."""
        self._go_on.set()
        answers = await asyncio.gather(*self._tasks, return_exceptions=True)
        firsts, others = answers[: together.AT_ONCE], answers[together.AT_ONCE :]
        assert all(isinstance(first, OrderView) for first in firsts)
        await drain()
        return others

    def _begin(self, command: PlaceOrder) -> None:
        self._tasks.append(asyncio.create_task(place_order(command)))

    def _line(self) -> Any:
        return together._lines.get(asyncio.get_running_loop())

    def _waiting(self) -> list[Any]:
        waiting: list[Any] = self._line()._waiting
        return waiting

    def _under_way(self) -> int:
        return int(self._line()._under_way)


@pytest.fixture
def rush(monkeypatch: pytest.MonkeyPatch) -> Rush:
    """Hold up who is first."""
    rush = Rush()
    for module in (together, place):
        monkeypatch.setattr(module, "write", rush.slowly)
    return rush


def orders(sale: Sale, count: int, **options: Any) -> list[PlaceOrder]:
    """Return orders of different customers."""
    return [order_for(sale, email=f"buyer{n}@example.com", **options) for n in range(count)]


def numbers_of(answers: Answers) -> list[int]:
    """Return the numbers of placed orders."""
    placed = [answer for answer in answers if isinstance(answer, OrderView)]
    return sorted(number for order in placed for line in order.lines for number in line.numbers)


@asynccontextmanager
async def groups() -> AsyncIterator[list[float]]:
    """Collect how many orders the transactions wrote that were shared."""
    sizes: list[float] = []
    before = _observed()
    yield sizes
    now = _observed()
    sizes += [now[0] - before[0], now[1] - before[1]]


def _observed() -> tuple[float, float]:
    count = REGISTRY.get_sample_value("presale_orders_together_count")
    total = REGISTRY.get_sample_value("presale_orders_together_sum")
    return count or 0.0, total or 0.0


async def assert_sound(sale: Sale, admin: asyncpg.Connection, redis: Redis) -> None:
    """Both sides agree, nothing is torn, every connection is back."""
    await reconcile_later(sale.pool_id)
    assert await broken_invariants(admin, redis) == {}
    assert await all_given_back()


async def test_who_waits_goes_together_in_six_statements(
    rush: Rush, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=100)
    async with counted_statements() as sent, groups() as sizes:
        await rush.come(sale, *orders(sale, 40))
        answers = await rush.go_on()
        # asyncpg asks for the types that a new connection meets.
        firsts = [
            statement.split()[0].rstrip(";") for statement in sent if "typeinfo" not in statement
        ]

    assert numbers_of(answers) == list(range(together.AT_ONCE + 1, together.AT_ONCE + 41))
    # Half of those who wait, half of the rest, and the few that are left together.
    assert sizes == [4, 40]
    transactions = together.AT_ONCE + 4
    assert firsts.count("BEGIN") == firsts.count("COMMIT") == firsts.count("UPDATE") == transactions
    assert firsts.count("WITH") == transactions
    assert firsts.count("INSERT") == 2 * transactions
    await assert_sound(sale, database_admin, redis)


async def test_who_comes_alone_does_not_wait(redis: Redis) -> None:
    sale = await open_sale()
    async with groups() as sizes:
        await place_order(order_for(sale))
    assert sizes == [0, 0]


async def test_one_whom_the_database_refuses_takes_nobody_along(
    rush: Rush, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=20, limit=1)
    greedy, *others = orders(sale, 6)
    # The database knows of one that he has; Redis does not.
    await database_admin.execute(
        "INSERT INTO customer_quota (pool_id, customer_id, taken) VALUES ($1, $2, 1)",
        sale.pool_id,
        customer_id_of(sale.shop.id, greedy.buyer.email),
    )
    await rush.come(sale, others[0], greedy, *others[1:])

    answers = await rush.go_on()

    refused = answers.pop(1)
    assert isinstance(refused, DomainError)
    assert refused.code == "PURCHASE_LIMIT"
    assert refused.field == ("lines", "0", "quantity")
    assert len(numbers_of(answers)) == len(set(numbers_of(answers))) == 5
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 5 + together.AT_ONCE
    await database_admin.execute(
        "UPDATE customer_quota SET taken = 0 WHERE taken = 1 AND "
        "NOT EXISTS (SELECT FROM sales_order o WHERE o.customer_id = "
        "customer_quota.customer_id)"
    )
    await assert_sound(sale, database_admin, redis)


async def test_a_number_that_is_not_free_is_exchanged(
    rush: Rush, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=20)
    await rush.come(sale, *orders(sale, 4))
    owner = await database_admin.fetchval("SELECT gen_random_uuid()")
    # Redis has given out a number that the database has no more.
    await database_admin.execute(
        "UPDATE slot SET order_id = $1 WHERE pool_id = $2 AND number = $3",
        owner,
        sale.pool_id,
        together.AT_ONCE + 2,
    )

    answers = await rush.go_on()

    assert len(set(numbers_of(answers))) == 4
    assert together.AT_ONCE + 2 not in numbers_of(answers)
    owned = await database_admin.fetchval(
        "SELECT count(*) FROM slot WHERE order_id IS NOT NULL AND order_id <> $1", owner
    )
    assert owned == 4 + together.AT_ONCE


async def test_a_campaign_that_changes_while_they_wait_is_priced_anew_for_each(
    rush: Rush, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=20)
    await rush.come(sale, *orders(sale, 5))
    await database_admin.execute("UPDATE campaign SET version = version + 1")

    answers = await rush.go_on()

    assert len(set(numbers_of(answers))) == 5
    await assert_sound(sale, database_admin, redis)


async def test_a_database_that_breaks_off_leaves_nothing_and_repeats_are_placed(
    rush: Rush,
    redis: Redis,
    database_admin: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sale = await open_sale(capacity=20)
    commands = orders(sale, 5)
    await rush.come(sale, *commands)

    async def ended(work: Any, owners: Any) -> None:
        owners = list(owners)
        await claim_all(work, owners)
        if len(owners) > 1:
            await work.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(together, "claim_all", ended)

    answers = await rush.go_on()

    assert [type(answer) for answer in answers] == [Unavailable] * 5
    rows = await stored_rows(database_admin)
    assert len(rows["sales_order"]) == together.AT_ONCE
    monkeypatch.setattr(together, "claim_all", claim_all)
    again = await asyncio.gather(*(place_order(command) for command in commands))
    assert len(set(numbers_of(list(again)))) == 5
    await drain()
    await assert_sound(sale, database_admin, redis)


async def test_a_customers_orders_are_counted_one_after_the_other(
    rush: Rush, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=20)
    mine = [order_for(sale) for _ in range(3)]
    twins = [order_for(sale, email="max@example.com", key="the same") for _ in range(2)]
    async with groups() as sizes:
        await rush.come(sale, *mine, *twins)
        answers = await rush.go_on()

    assert len(set(numbers_of(answers[:3]))) == 3
    assert answers[3] == answers[4]
    # Nobody's row is written twice by a statement: that would undo it.
    assert sizes[1] == 5
    taken = await database_admin.fetchval(
        "SELECT taken FROM customer_quota WHERE customer_id = $1",
        customer_id_of(sale.shop.id, mine[0].buyer.email),
    )
    assert taken == 3
    await assert_sound(sale, database_admin, redis)


async def test_everybodys_event_is_his_own_doing(
    rush: Rush, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=20)
    ann, ben = orders(sale, 2)
    with acting_as("customer:ann"):
        await rush.come(sale, ann)
    with acting_as("buyer"):
        await rush.come(sale, ben)

    placed = await rush.go_on()

    actors = [
        await database_admin.fetchval("SELECT actor FROM event WHERE topic = $1", f"order:{id_}")
        for id_ in (order.id for order in placed if isinstance(order, OrderView))
    ]
    assert actors == ["customer:ann", "buyer"]


async def test_the_last_ones_of_a_rush_are_refused_and_nobody_gets_a_slot_twice(
    redis: Redis, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=50)

    answers = await asyncio.gather(
        *(place_order(command) for command in orders(sale, 80)), return_exceptions=True
    )

    await drain()
    assert numbers_of(list(answers)) == list(range(1, 51))
    assert sum(isinstance(answer, SlotsSoldOut) for answer in answers) == 30
    await assert_sound(sale, database_admin, redis)
