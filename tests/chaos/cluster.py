"""The product's processes of one run, the proxies between them, and what starts them again."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headless_presale.kernel.failpoints import VARIABLE
from tests.chaos.engines import Engines
from tests.chaos.journal import Journal
from tests.chaos.proxy import Proxy, Way, is_commit
from tests.support.processes import ProductProcess, free_port, until_ready
from tests.support.servers import until

GATEWAY_KEY = "chaos-gateway-api-key"
WEBHOOK_SECRET = "whsec_Y2hhb3Mtd2ViaG9vay1zZWNyZXQtMDAwMQ=="
SECRET_KEY = "chaos-secret-key"
PRODUCT = "headless_presale.cli"
RESTART_PAUSE_SECONDS = 0.3
LOOK_EVERY_SECONDS = 0.1
STARTING_SECONDS = 60.0
WORKER_START_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Programs:
    """What is run as API and as worker; controls run them with a part of the product removed."""

    api: str = PRODUCT
    worker: str = PRODUCT


@dataclass(slots=True)
class Member:
    """A process that is looked after.

    Attributes:
        held_until: it is not started before this moment of the monotonic clock.
        is_awaited: its next death is of our making.
    """

    name: str
    process: ProductProcess
    environment: Mapping[str, str]
    ready_url: str | None = None
    held_until: float = 0.0
    is_awaited: bool = False


@dataclass(slots=True)
class Wires:
    """The proxies by what runs through them."""

    clients: Proxy
    database: Proxy
    redis: Proxy
    gateway: Proxy

    def all(self) -> Iterator[Proxy]:
        yield from (self.clients, self.database, self.redis, self.gateway)

    def named(self, name: str) -> Proxy:
        """Return the proxy of these connections."""
        return {
            "clients": self.clients,
            "database": self.database,
            "redis": self.redis,
            "gateway": self.gateway,
        }[name]


@dataclass
class Cluster:
    """API processes, workers and the sandbox gateway, as an operator would run them.

    Attributes:
        url: the API's address, through the proxy that balances over all API processes.
        gateway_url: the gateway's own address, for buyers and for those who look.
    """

    folder: Path
    engines: Engines
    journal: Journal
    apis: int = 2
    workers: int = 1
    programs: Programs = field(default_factory=Programs)
    seed: int = 0
    url: str = ""
    gateway_url: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    _wires: Wires | None = None
    _keeper: asyncio.Task[None] | None = None

    @property
    def wires(self) -> Wires:
        assert self._wires is not None
        return self._wires

    async def start(self) -> None:
        """Start everything on a migrated database and wait until it answers."""
        ports = [free_port() for _ in range(self.apis)]
        gateway_port = free_port()
        self.gateway_url = f"http://127.0.0.1:{gateway_port}"
        self._wires = Wires(
            clients=Proxy([("127.0.0.1", port) for port in ports], seed=self.seed),
            database=Proxy(
                [self.engines.postgres_socket],
                chance=0.5,
                is_at_stake=is_commit,
                seed=self.seed,
            ),
            redis=Proxy([self.engines.redis_socket], seed=self.seed),
            gateway=Proxy([("127.0.0.1", gateway_port)], chance=0.5, seed=self.seed),
        )
        self.url = f"http://127.0.0.1:{await self.wires.clients.start()}"
        environment = {
            "DATABASE_URL": (
                f"postgresql://postgres@127.0.0.1:{await self.wires.database.start()}/presale"
            ),
            "REDIS_URL": f"redis://127.0.0.1:{await self.wires.redis.start()}/0",
            "PRESALE_DATA_DIR": str(self.folder / "data"),
            "PRESALE_PUBLIC_URL": self.url,
            "PRESALE_SECRET_KEY": SECRET_KEY,
            "PRESALE_STATEMENT_TIMEOUT_MS": "2000",
            "PRESALE_LOG_FORMAT": "json",
            "PRESALE_SANDBOX_GATEWAY_URL": f"http://127.0.0.1:{await self.wires.gateway.start()}",
            "PRESALE_SANDBOX_GATEWAY_API_KEY": GATEWAY_KEY,
            "PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        gateway = {
            "SANDBOX_GATEWAY_PORT": str(gateway_port),
            "SANDBOX_GATEWAY_API_KEY": GATEWAY_KEY,
            "SANDBOX_GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "SANDBOX_GATEWAY_WEBHOOK_URL": f"{self.url}/webhooks/payments/sandbox",
            "SANDBOX_GATEWAY_WEBHOOK_TIMEOUT_SECONDS": "3",
            "SANDBOX_GATEWAY_RETRY_BASE_SECONDS": "0.1",
            # Outages of a run are shorter than what thirty doubling pauses wait for.
            "SANDBOX_GATEWAY_RETRY_ATTEMPTS": "30",
            "SANDBOX_GATEWAY_DATA_FILE": str(self.folder / "gateway.sqlite3"),
        }
        self._add("gateway", PRODUCT, "sandbox-gateway", gateway, f"{self.gateway_url}/healthz")
        for number, port in enumerate(ports):
            named = {**environment, "PORT": str(port)}
            ready = f"http://127.0.0.1:{port}/readyz"
            self._add(f"api-{number}", self.programs.api, "serve", named, ready)
        for number in range(self.workers):
            self._add(f"worker-{number}", self.programs.worker, "worker", environment, None)
        for member in self.members.values():
            member.process.start()
        await self.until_all_ready()
        self._keeper = asyncio.create_task(self._keep(), name="keeper")

    def _add(
        self,
        name: str,
        module: str,
        command: str,
        environment: Mapping[str, str],
        ready_url: str | None,
    ) -> None:
        process = ProductProcess([command], environment, self.folder / f"{name}.log", module)
        self.members[name] = Member(name, process, environment, ready_url)

    async def until_all_ready(self) -> None:
        """Wait until every process that serves is ready, engines included."""
        for member in self.members.values():
            if member.ready_url is not None:
                await until_ready(member.ready_url, member.process, seconds=STARTING_SECONDS)

    def kill(self, name: str, *, away_seconds: float = RESTART_PAUSE_SECONDS) -> None:
        """Kill a process; it is started again after so many seconds."""
        member = self.members[name]
        member.held_until = time.monotonic() + away_seconds
        member.is_awaited = True
        if member.process.is_alive():
            member.process.kill()

    def hold(self, name: str) -> None:
        """Kill a process and leave it dead until it is released."""
        self.kill(name, away_seconds=float("inf"))

    def release(self, name: str) -> None:
        """Let a process be started again."""
        self.members[name].held_until = 0.0

    async def arm(self, name: str, failpoint: str, *, seconds: float) -> bool:
        """Start a process again with a failpoint armed; return whether it died of it in time.

        It is started without it afterwards, whether it did or not.
        """
        member = self.members[name]
        self.hold(name)
        armed = ProductProcess(
            ["serve" if name.startswith("api") else "worker"],
            {**member.environment, VARIABLE: failpoint},
            member.process.log,
            self.programs.api if name.startswith("api") else self.programs.worker,
        )
        with armed:
            with contextlib.suppress(AssertionError):
                if member.ready_url is not None:
                    await until_ready(member.ready_url, armed, seconds=STARTING_SECONDS)
                else:
                    await asyncio.sleep(WORKER_START_SECONDS)
                await until(lambda: not armed.is_alive(), seconds=seconds)
            has_died = not armed.is_alive() and armed.wait_dead(1) == -signal.SIGKILL
        self.release(name)
        return has_died

    async def _keep(self) -> None:
        """Start again what died, after a short pause, as an init system does."""
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            at = time.monotonic()
            for member in self.members.values():
                if member.process.is_alive() or at < member.held_until:
                    continue
                if not member.is_awaited:
                    # Seen for the first time, and not of our making.
                    self.journal.note("died", name=member.name, code=member.process.wait_dead(1))
                    member.is_awaited = True
                    member.held_until = at + RESTART_PAUSE_SECONDS
                    continue
                member.is_awaited = False
                member.process.start()
                self.journal.note("started", name=member.name)

    async def heal(self) -> None:
        """End every fault: all passes, nothing is frozen, what is dead is started."""
        for wire in self.wires.all():
            wire.behave(Way.PASS)
        for engine in (self.engines.postgres, self.engines.redis):
            engine.thaw()
            await engine.start()
        for member in self.members.values():
            member.held_until = 0.0
            if member.process.is_alive():
                member.process.thaw()
        await until(
            lambda: all(member.process.is_alive() for member in self.members.values()),
            seconds=STARTING_SECONDS,
        )
        async with asyncio.timeout(STARTING_SECONDS):
            while True:
                # One that has just died is started again meanwhile.
                with contextlib.suppress(AssertionError):
                    await self.until_all_ready()
                    return

    async def stop(self) -> None:
        """Kill everything."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for member in self.members.values():
            if member.process.is_alive():
                member.process.kill()
        if self._wires is not None:
            for wire in self._wires.all():
                await wire.stop()
