"""Commands that are asked for at about the same time go to Redis together: one write, one read.

A round trip costs a process several times what Redis works for it, most of it in the two system
calls. So one batch is on its way at a time, and what is asked meanwhile goes with the next: alone a
command waits for nobody, and the more there are, the less each costs. Every command stands for
itself; an error of one is nothing to the others.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from redis.asyncio import Redis

MOST = 256
"""Commands of a batch: what is left goes with the next one."""

Command = tuple[str | int | bytes, ...]


class Batches:
    """Sends the commands of one client.

    Args:
        client: whose connections are used, which ``exchange`` commands; a batch that got no answer
            may be sent once more, so every command has to be safe to repeat.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._sender: asyncio.Task[None] | None = None
        self._connection: Any = None

    def ask(self, *commands: Command) -> list[asyncio.Future[Any]]:
        """Send these commands with whatever else is asked for now; return what will answer them.

        Each answers or raises by itself: RedisError or OSError.
        """
        loop = asyncio.get_running_loop()
        answers = [loop.create_future() for _ in commands]
        self._waiting += zip(commands, answers, strict=True)
        if self._sender is None:
            self._sender = loop.create_task(self._send_all(), name="redis-batches")
        return answers

    async def drain(self) -> None:
        """Wait for what is on its way."""
        if self._sender is not None:
            await asyncio.wait({self._sender})

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                try:
                    results = await self._send([command for command, _ in batch])
                except Exception as error:
                    results = [error] * len(batch)
                except BaseException:
                    # Ended from outside, with its loop: nobody waits for ever.
                    for _, answer in (*batch, *self._waiting):
                        answer.cancel()
                    self._waiting = []
                    raise
                for (_, answer), result in zip(batch, results, strict=True):
                    _tell(answer, result)
        finally:
            self._sender = None

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        """Return the answers of a batch, and errors of single commands among them.

        One connection stays taken for all batches: taking it anew costs more than two commands.
        """
        pool: Any = self._client.connection_pool
        connection = self._connection
        if connection is None:
            connection = self._connection = await pool.get_connection()
        elif connection.is_connected and await connection.can_read():
            # Closed by the server meanwhile, as the pool would have found.
            await connection.disconnect()
        try:
            answers: list[Any] = await connection.retry.call_with_retry(
                partial(connection.exchange, commands), lambda _: connection.disconnect()
            )
        except BaseException:
            self._connection = None
            await pool.release(connection)
            raise
        return answers


def _tell(answer: "asyncio.Future[Any]", result: Any) -> None:
    if answer.done():
        # Whoever asked has gone.
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
