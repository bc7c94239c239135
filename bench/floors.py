"""``python -m bench.floors KIND``: what the same work costs with nothing around it.

Bare Starlette on uvicorn, with the loop and the HTTP parser that the API has. A floor does the
durable work, or sends the bytes, and nothing else: no schema, no limits, no metrics, no checks.

- ``place``: one Lua call that takes a number and counts, one SQL statement that writes what an
  order writes, into the same tables.
- ``naive``: the same work as a mutation of Strawberry, as its documentation has it.
- ``read``: answers that are known beforehand, by their name: ``/answers/NAME``.
- ``start``: what such a server has to import, and nothing to do.
"""

import argparse
import json
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import asyncpg
import orjson
import uvicorn
from redis.asyncio import BlockingConnectionPool, Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ADMIT = """
local number = redis.call('LPOP', KEYS[1])
if number then redis.call('HINCRBY', KEYS[2], ARGV[1], 1) end
return number
"""
ORDER_TABLES = ("sales_order", "order_line", "event")


class Floor:
    """Places orders that look like a given one.

    Args:
        spec: ``rows`` (by table, a row of an order as JSON), ``shop_id``, ``pool_id``, ``first`` (a
            number) and ``free`` (how many there are from it on).
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec
        self._order = spec["rows"]["sales_order"]
        self._shop_id = UUID(spec["shop_id"])
        self._keys = [f"bench:{{{spec['first']}}}:{name}" for name in ("free", "taken")]

    async def open(self) -> None:
        """Connect, prepare the statement, and lay out the numbers."""
        self._database = await asyncpg.create_pool(
            os.environ["DATABASE_URL"], min_size=20, max_size=20, reset=_leave_as_it_is
        )
        self._redis: Redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                os.environ["REDIS_URL"], max_connections=64, decode_responses=True
            )
        )
        self._admit = self._redis.register_script(ADMIT)
        await self._redis.delete(*self._keys)
        first, free = self._spec["first"], self._spec["free"]
        for start in range(first, first + free, 10_000):
            await self._redis.rpush(self._keys[0], *range(start, min(start + 10_000, first + free)))
        async with self._database.acquire() as connection:
            literals = {
                table: await _literals(connection, table, self._spec["rows"][table])
                for table in ORDER_TABLES
            }
        self._sql = _statement(literals, self._spec["pool_id"])

    async def close(self) -> None:
        """Disconnect."""
        await self._database.close()
        await self._redis.aclose()

    async def place(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Place an order as the input of ``orderPlace`` has it."""
        buyer = asked["buyer"]
        customer_id = uuid5(self._shop_id, buyer["email"])
        order_id = uuid5(customer_id, asked["idempotencyKey"])
        number = int(await self._admit(keys=self._keys, args=[str(customer_id)]))
        now, display = datetime.now(UTC), secrets.token_hex(4)
        claimed = await self._database.fetchval(
            self._sql,
            order_id,
            customer_id,
            orjson.dumps({"phone": None, **buyer}).decode(),
            orjson.dumps(asked["shippingAddress"]).decode(),
            secrets.token_hex(32),
            display,
            now,
            now + timedelta(minutes=15),
            uuid4(),
            number,
        )
        if claimed != 1:
            raise RuntimeError("a floor's number was not free")
        return {
            "order": {
                "id": str(order_id),
                "number": display,
                "status": self._order["status"],
                "lines": [{"slotNumbers": [number]}],
                "total": {"minor": self._order["total_minor"]},
            },
            "orderToken": secrets.token_urlsafe(24),
            "userErrors": [],
        }


async def _leave_as_it_is(_: object) -> None:
    """Nothing that a floor does has to be undone: the pool would ask the database to, each time."""


async def _literals(
    connection: asyncpg.pool.PoolConnectionProxy, table: str, row: Mapping[str, str]
) -> dict[str, str]:
    """Return the row's columns that are written, as literals of SQL."""
    written = await connection.fetch(
        "SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1 "
        "AND table_schema = 'public' AND is_generated = 'NEVER' AND is_identity = 'NO' "
        "AND column_default IS DISTINCT FROM 'nextval(''event_id_seq''::regclass)' "
        "ORDER BY ordinal_position",
        table,
    )
    names = [column["name"] for column in written]
    quoted = ", ".join(f"quote_nullable({name}::text) AS {name}" for name in names)
    found = await connection.fetchrow(
        f"SELECT {quoted} FROM json_populate_record(NULL::{table}, $1::json)", json.dumps(row)
    )
    assert found is not None
    return dict(found)


ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "sales_order": {
        "id": "$1",
        "customer_id": "$2",
        "buyer": "$3",
        "shipping_address": "$4",
        "request_hash": "$5",
        "number": "$6",
        "placed_at": "$7",
        "updated_at": "$7",
        "hold_expires_at": "$8",
    },
    "order_line": {"id": "$9", "order_id": "$1", "numbers": "jsonb_build_array($10::int)"},
    "event": {"topic": "'order:' || $1::uuid", "created_at": "$7"},
}
"""What each order has of its own; all else is that of the pattern, and is sent to nobody."""


def _statement(literals: Mapping[str, Mapping[str, str]], pool_id: str) -> str:
    """Return the one statement: every row of an order, its quota, its slot."""
    parts = []
    for table, row in literals.items():
        values = {**row, **ARGUMENTS[table]}
        parts.append(
            f"in_{table} AS (INSERT INTO {table} ({', '.join(values)}) "
            f"VALUES ({', '.join(values.values())}) RETURNING 1)"
        )
    return (
        f"WITH {', '.join(parts)}, quota AS ("
        f"INSERT INTO customer_quota AS quota (pool_id, customer_id, taken) "
        f"VALUES ('{pool_id}', $2, 1) ON CONFLICT (pool_id, customer_id) "
        f"DO UPDATE SET taken = quota.taken + 1 RETURNING 1), claimed AS ("
        f"UPDATE slot SET order_id = $1 WHERE pool_id = '{pool_id}' AND number = $10 "
        f"AND order_id IS NULL RETURNING 1) SELECT count(*) FROM claimed"
    )


def _bare(spec: Mapping[str, Any]) -> Starlette:
    floor = Floor(spec)

    async def place(request: Request) -> Response:
        asked = orjson.loads(await request.body())["variables"]["input"]
        answer = {"data": {"orderPlace": await floor.place(asked)}}
        return Response(orjson.dumps(answer), media_type="application/json")

    return _application([Route("/graphql", place, methods=["POST"])], floor)


def _naive(spec: Mapping[str, Any]) -> Starlette:
    from bench.naive import endpoint

    floor = Floor(spec)
    return _application([Route("/graphql", endpoint(floor.place))], floor)


def _read(spec: Mapping[str, Any]) -> Starlette:
    """Answer what is in the spec: by name ``status``, ``body`` and ``headers``."""
    answers = {
        name: (said["status"], said["body"].encode(), said["headers"])
        for name, said in spec.items()
    }

    async def answer(request: Request) -> Response:
        if request.method == "POST":
            await request.body()
        status, body, headers = answers[request.path_params["name"]]
        return Response(body, status, headers)

    return _application([Route("/answers/{name}", answer, methods=["GET", "POST"])])


def _start(spec: Mapping[str, Any]) -> Starlette:
    return _application([])


def _application(routes: list[Route], floor: Floor | None = None) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if floor is not None:
            await floor.open()
        yield
        if floor is not None:
            await floor.close()

    async def ready(_: Request) -> Response:
        return Response(b"ready")

    return Starlette(routes=[*routes, Route("/readyz", ready)], lifespan=lifespan)


KINDS: Mapping[str, Callable[[Mapping[str, Any]], Starlette]] = {
    "place": _bare,
    "naive": _naive,
    "read": _read,
    "start": _start,
}


def main() -> None:
    """Serve a floor on a port of this machine."""
    parser = argparse.ArgumentParser(prog="python -m bench.floors", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--spec", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    application = KINDS[arguments.kind](json.loads(arguments.spec.read_text()))
    # What `serve` sets, where it costs or saves time.
    uvicorn.run(
        application,
        port=arguments.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
