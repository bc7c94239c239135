"""What a use case does to the world, in order, and the failpoints it passes on its way."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from importlib.resources import files
from typing import Any
from unittest.mock import patch

import asyncpg
import httpx
from redis.asyncio import Redis
from tortoise.connection import get_connection

from headless_presale.kernel.failpoints import observed
from headless_presale.kernel.redis_batches import Batches, Command
from headless_presale.notifications.transports import FileTransport
from headless_presale.slots import scripts
from headless_presale.webhooks.outlet import Line

WRITING = (
    "INSERT",
    "UPDATE",
    "DELETE",
    "WITH PLACED",
    "WITH MOVED",
    "WITH NOTED",
    "WITH BATCH",
    "WITH WAITING",
    "WITH OLDER",
    "SELECT PROCRASTINATE_DEFER",
    "COMMIT",
)
"""How statements begin that change something. Reads and locks need no place to die after."""
WRITING_IN_REDIS = frozenset({"EVALSHA", "EVAL"})
"""Staging of a load is left out: it expires by itself and is nothing to anybody."""
COUNTING = sha1((files(scripts) / "remaining.lua").read_bytes(), usedforsecurity=False).hexdigest()
"""The script that only reads."""


class Steps(list[tuple[bool, str]]):
    """In order: (False, an effect) or (True, the name of a failpoint)."""

    def effect(self, what: str) -> None:
        """Note that something was changed outside the process."""
        self.append((False, what))

    def place(self, name: str) -> None:
        """Note that a failpoint was reached."""
        self.append((True, name))

    @property
    def places(self) -> list[str]:
        """The failpoints in the order in which they were reached."""
        return [name for is_place, name in self if is_place]

    def gaps(self) -> list[tuple[str, str]]:
        """Return the pairs of effects, one right after the other, without a place between them."""
        pairs = zip(self, [*self[1:], (False, "the end")], strict=True)
        return [
            (first, second)
            for (is_place, first), (is_next_place, second) in pairs
            if not is_place and not is_next_place
        ]


@contextmanager
def recorded() -> Iterator[Steps]:
    """Record what this process changes: rows, Redis, the gateway, mail, merchants' systems."""
    steps = Steps()

    @contextmanager
    def noting(connection: Any, query: str, args: Any, timeout: Any) -> Iterator[None]:
        yield
        sql = " ".join(query.split())
        if sql.upper().startswith(WRITING):
            steps.effect(sql[:60])

    command: Callable[..., Awaitable[Any]] = Redis.execute_command
    send_batch = Batches._send
    ask, send, tell = httpx.AsyncClient.send, FileTransport.send, Line.post

    async def note_command(self: Any, *args: Any, **options: Any) -> Any:
        answer = await command(self, *args, **options)
        if args[0] in WRITING_IN_REDIS and args[1] != COUNTING:
            steps.effect(f"redis {args[0]}")
        return answer

    async def note_batch(self: Batches, commands: Sequence[Command]) -> list[Any]:
        answers = await send_batch(self, commands)
        # Several in one batch are of several askers: whose step it is, is not known here.
        name, script, *_ = commands[0]
        if len(commands) == 1 and name in WRITING_IN_REDIS and script != COUNTING:
            steps.effect(f"redis {name}")
        return answers

    async def note_request(self: Any, request: httpx.Request, **options: Any) -> Any:
        answer = await ask(self, request, **options)
        if request.method == "POST":
            steps.effect(f"gateway {request.url.path}")
        return answer

    async def note_mail(self: Any, mail: Any) -> None:
        await send(self, mail)
        steps.effect("mail")

    async def note_webhook(self: Any, *args: Any) -> Any:
        reply = await tell(self, *args)
        steps.effect("webhook")
        return reply

    with (
        patch.object(asyncpg.Connection, "_time_and_log", noting),
        patch.object(Redis, "execute_command", note_command),
        patch.object(Batches, "_send", note_batch),
        patch.object(httpx.AsyncClient, "send", note_request),
        patch.object(FileTransport, "send", note_mail),
        patch.object(Line, "post", note_webhook),
        observed(steps.place),
    ):
        yield steps


@contextmanager
def listening() -> Iterator[None]:
    """Let every connection that is opened inside the block be heard by ``recorded``."""
    connect = asyncpg.Connection.__init__

    def connect_and_listen(self: Any, *args: Any, **kwargs: Any) -> None:
        connect(self, *args, **kwargs)
        self.add_query_logger(lambda record: None)  # what makes it time its queries at all

    with patch.object(asyncpg.Connection, "__init__", connect_and_listen):
        yield


async def reopen() -> None:
    """Close this process's connections, so that the next statement opens new ones."""
    await get_connection("default").close()
