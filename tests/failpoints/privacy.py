"""Being forgotten: all of a person is gone, or nothing is."""

from uuid import UUID

from headless_presale.checkout import Buyer
from headless_presale.privacy import Erasure, PersonNotFound, erase_person
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


async def _is_forgotten(world: World, _: object) -> None:
    erasure = await Erasure.get()
    orders = "SELECT count(*) FROM sales_order WHERE customer_id = $1 AND status = 'CANCELLED'"
    assert await world.count(orders, erasure.id) == 1
    assert await world.entries("personal_data.erase") == 1
    for table in ("customer", "customer_grant", "customer_code", "customer_refresh_token"):
        assert await world.count(f"SELECT count(*) FROM {table}") == 0, table


SCENARIOS = [Scenario("being forgotten", _with_an_unpaid_order, _erase, _is_forgotten)]
