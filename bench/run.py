"""One run of the cases: what they share, from the engines to the API process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.servers import Server, api


@dataclass(slots=True, kw_only=True)
class Run:
    """What a case is given.

    Attributes:
        folder: for whatever it writes; gone after the run.
        rounds: how often each contender has its turn.
        seconds: how long a turn is.
        tell: says how far it is.
    """

    folder: Path
    database_url: str
    redis_url: str
    rounds: int
    seconds: int
    tell: Callable[[str], None]
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _api: Server | None = None

    @property
    def is_quick(self) -> bool:
        """Whether it is only to see that everything works."""
        return self.rounds < 3

    async def api(self) -> Server:
        """Return the one API process that the cases share, started when it is first asked for.

        What it holds in memory at the end is what a process holds that has done all of that.
        """
        if self._api is None:
            self._api = await self._stack.enter_async_context(api(self.folder))
        return self._api


@asynccontextmanager
async def closing(run: Run) -> AsyncIterator[Run]:
    """Stop at the end what the run has started."""
    async with run._stack:
        yield run
