"""The running gateway: its parts, put together once and found by every request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from starlette.requests import Request

from headless_presale.sandbox_gateway.clockwork import Clockwork
from headless_presale.sandbox_gateway.courier import Courier
from headless_presale.sandbox_gateway.database import Database
from headless_presale.sandbox_gateway.outage import OutageBoard
from headless_presale.sandbox_gateway.settings import GatewaySettings


class Gateway:
    """Owns the data file and the two background tasks."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.outages = OutageBoard()
        self.database = Database(
            settings.data_file,
            base_url=settings.base_url,
            sends_webhooks=settings.webhook_url is not None,
        )
        self.courier = Courier(self.database, settings)
        self.clockwork = Clockwork(self.database)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the file, resume what an earlier process left, and close in order."""
        async with AsyncExitStack() as stack:
            # Left in reverse: the tasks end, then deliveries under way, and the file last.
            stack.push_async_callback(self.database.close)
            stack.push_async_callback(self.courier.close)
            await self.database.open(on_change=self._wake)
            for work in (self.courier.run, self.clockwork.run):
                task = asyncio.create_task(work())
                stack.push_async_callback(_end, task)
            yield

    def _wake(self) -> None:
        self.courier.wake()
        self.clockwork.wake()


def get_gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
