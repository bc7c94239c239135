"""The three customers before each test, and the count of all that was asked."""

import pickle
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from headless_presale.campaigns import forget_all
from headless_presale.identity.oauth.keys import ensure_keys, forget_keys
from headless_presale.kernel.clock import ManualClock
from tests.graphql.admin.tenancy import snapshot
from tests.graphql.endpoint import Api
from tests.graphql.storefront.matrix.asking import KEPT, Asker
from tests.graphql.storefront.matrix.world import World, build

_worlds: dict[str, bytes] = {}


@pytest.fixture
async def world(
    api: Api, clock: ManualClock, database: str, database_admin: asyncpg.Connection
) -> World:
    """Return the customers as they were made; the database holds nothing else.

    The clock stands, so that their tokens last as long as the run does.
    """
    if database not in _worlds:
        forget_keys()
        await ensure_keys()
        _worlds[database] = pickle.dumps(await build(api))
        await snapshot.save(database_admin, KEPT)
    await snapshot.restore(database_admin, KEPT)
    forget_all()
    forget_keys()
    built: World = pickle.loads(_worlds[database])
    return built


@pytest.fixture
async def asker(
    api: Api,
    world: World,
    database_admin: asyncpg.Connection,
    record_property: Callable[[str, Any], None],
) -> AsyncIterator[Asker]:
    """Return what asks and compares; what it has asked is counted when the test is over."""
    made = Asker(api, world, database_admin)
    yield made
    record_property("customer_checks", made.checks)
