"""``python -m bench.broadcast``: the floor of telling many: bare ``websockets``, one broadcast.

Everybody who connects is sent the first message; what comes in the Redis channel goes to all.
"""

import argparse
import asyncio
import json
import os
from http import HTTPStatus
from pathlib import Path

import uvloop
from redis.asyncio import Redis
from websockets import Request, Response, Subprotocol
from websockets.asyncio.server import ServerConnection, broadcast, serve

CHANNEL = "bench:broadcast"


async def _serve(port: int, first: str) -> None:
    everybody: set[ServerConnection] = set()

    async def stay(connection: ServerConnection) -> None:
        await connection.send(first)
        everybody.add(connection)
        try:
            await connection.wait_closed()
        finally:
            everybody.discard(connection)

    def ready(connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/readyz":
            return None
        return connection.respond(HTTPStatus.OK, "ready")

    redis: Redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    async with (
        redis.pubsub(ignore_subscribe_messages=True) as channel,
        serve(
            stay,
            "127.0.0.1",
            port,
            process_request=ready,
            compression=None,
            subprotocols=[Subprotocol("graphql-transport-ws")],
        ),
    ):
        await channel.subscribe(CHANNEL)
        async for message in channel.listen():
            broadcast(everybody, message["data"])


def main() -> None:
    """Serve on a port of this machine."""
    parser = argparse.ArgumentParser(prog="python -m bench.broadcast", description=__doc__)
    parser.add_argument("--spec", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    first = json.loads(arguments.spec.read_text())["first"]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(arguments.port, first))


if __name__ == "__main__":
    main()
