"""One gateway and one receiver for the folder; what a test changes about them is put back."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.integration.sandbox_gateway.parties import Receiver, Shop, gateway_running, receiving


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_shop(
    shared_receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    data_file = tmp_path_factory.mktemp("gateway") / "gateway.sqlite3"
    async with gateway_running(data_file, shared_receiver) as shop:
        yield shop


@pytest_asyncio.fixture(loop_scope="session")
async def shop(shared_shop: Shop, receiver: Receiver) -> AsyncIterator[Shop]:
    yield shared_shop
    receiver.answer_as_usual()
    if shared_shop.is_changed:
        await shared_shop.set_outage("none", 0)
        await shared_shop.set_refunds()
        await shared_shop.set_webhooks()
        await shared_shop.flush()
        shared_shop.is_changed = False


@pytest.fixture
def receiver(shared_receiver: Receiver) -> Iterator[Receiver]:
    yield shared_receiver
    shared_receiver.answer_as_usual()
