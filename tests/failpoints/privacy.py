"""A copy is written once; being forgotten: all of a person is gone, or nothing is."""

from uuid import UUID

from headless_presale.checkout import Buyer
from headless_presale.customers import CustomerPrincipal, SessionEnded
from headless_presale.privacy import (
    Erasure,
    ExportTooSoon,
    PersonNotFound,
    erase_customer,
    erase_person,
    request_export,
    write_export,
)
from tests.failpoints.customers import as_a_customer
from tests.failpoints.world import Scenario, World

EMAIL = "ann@example.com"


async def _with_an_unpaid_order(world: World) -> UUID:
    await as_a_customer(world)
    await world.started(await world.order(buyer=Buyer(email=EMAIL, name="Ann")))
    return world.sale.shop.id


async def _erase(shop_id: UUID) -> object:
    try:
        return await erase_person(shop_id, EMAIL, is_delivered=False)
    except PersonNotFound as gone:
        return gone


async def _as_himself(world: World) -> CustomerPrincipal:
    principal = await as_a_customer(world)
    await world.started(await world.order(buyer=Buyer(email=EMAIL, name="Ann")))
    return principal


async def _erase_himself(principal: CustomerPrincipal) -> object:
    try:
        return await erase_customer(principal)
    except SessionEnded as gone:
        return gone


async def _is_forgotten_by_the_merchant(world: World, told: object) -> None:
    await _is_forgotten(world, told)
    assert await world.entries("personal_data.erase") == 1


async def _is_forgotten(world: World, _: object) -> None:
    erasure = await Erasure.get()
    orders = "SELECT count(*) FROM sales_order WHERE customer_id = $1 AND status = 'CANCELLED'"
    assert await world.count(orders, erasure.id) == 1
    for table in ("customer", "customer_grant", "customer_code", "customer_refresh_token"):
        assert await world.count(f"SELECT count(*) FROM {table}") == 0, table


async def _ask(principal: CustomerPrincipal) -> object:
    try:
        return await request_export(principal)
    except ExportTooSoon as asked:
        return asked


async def _is_asked_once(world: World, _: object) -> None:
    assert await world.count("SELECT count(*) FROM personal_data_export") == 1
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'privacy:write_export'"
    assert await world.count(jobs) == 1


async def _asked(world: World) -> UUID:
    principal = await as_a_customer(world)
    await world.order(buyer=Buyer(email=EMAIL, name="Ann"))
    return (await request_export(principal)).id


async def _is_written_once(world: World, _: object) -> None:
    written = "SELECT count(*) FROM personal_data_export WHERE ready_at IS NOT NULL"
    assert await world.count(written) == 1
    # Those of one attempt, from the first to the last.
    pieces = "SELECT count(DISTINCT attempt) FROM personal_data_export_piece"
    assert await world.count(pieces) == 1
    numbers = "SELECT count(*) - max(number) - 1 FROM personal_data_export_piece"
    assert await world.count(numbers) == 0
    mails = "SELECT count(*) FROM message WHERE kind = 'personal_data_ready'"
    assert await world.count(mails) == 1


SCENARIOS = [
    Scenario("being forgotten", _with_an_unpaid_order, _erase, _is_forgotten_by_the_merchant),
    Scenario("forgetting oneself", _as_himself, _erase_himself, _is_forgotten),
    Scenario("asking for a copy", as_a_customer, _ask, _is_asked_once),
    Scenario("writing a copy", _asked, write_export, _is_written_once),
]
