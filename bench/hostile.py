"""``make bench BENCH_ARGS=hostile``: what it costs to turn a hostile request down.

Processor time of this process from the first byte of a request to the last of its answer, at the
GraphQL endpoint itself: it does not depend on who else uses the machine. What the start has made
is set aside, as the server does. No engine is needed: none of these comes as far as one.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import orjson
from pydantic import SecretStr
from starlette.types import Message, Scope

from headless_presale.cli.garbage import set_aside
from headless_presale.kernel.live import LiveHub
from headless_presale.runtime import Runtime
from headless_presale.settings import Settings
from schema.asgi import create_graphql_app
from schema.transport import PresaleGraphQL

REPEATS = 30


def fragment_bomb(levels: int) -> str:
    """Fragments that each spread the next one twice: 2**levels fields."""
    chain = " ".join(
        f"fragment F{n} on Product {{ a: shop {{ ...G{n} }} b: shop {{ ...G{n} }} }} "
        f"fragment G{n} on Shop {{ product(handle: 1) {{ ...F{n + 1} }} }}"
        for n in range(levels)
    )
    return f"{{ ...F0 }} {chain} fragment F{levels} on Product {{ id }}"


def doubling(levels: int) -> str:
    """The same without aliases or fields of their own: spreads alone."""
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ ...F0 }} {chain} fragment F{levels} on Query {{ serverTime }}"


def _deep_object(levels: int) -> str:
    return "{a:" * levels + "1" + "}" * levels


DOCUMENTS: Mapping[str, str] = {
    "30 fragments that each spread the next twice": fragment_bomb(15),
    "the same, spreads alone": doubling(30),
    "100 fragments that each spread the next twice": doubling(100),
    "1,000 aliases": "{ " + " ".join(f"a{n}: serverTime" for n in range(1_000)) + " }",
    "600 aliases, as many as the tokens allow": (
        "{ " + " ".join(f"a{n}: serverTime" for n in range(600)) + " }"
    ),
    "1,000 times the same field": "{ " + "serverTime " * 1_000 + "}",
    "400 times the same object": "{ " + 'shop(slug: "a") { id } ' * 200 + "}",
    "a list 900 deep as an argument": "{ shop(slug: " + "[" * 900 + "]" * 900 + ") { id } }",
    "an input object 400 deep": (
        "mutation { orderPlace(input: " + _deep_object(400) + ") { orderToken } }"
    ),
    "1,000 fields deep": "{ shop " * 1_000 + "}" * 1_000,
    "150 fields deep": '{ shop(slug: "a") ' + "{ shop " * 150 + "{ id }" + " }" * 151,
    "190 inline fragments deep": "{ ... " * 190 + "{ serverTime }" + "}" * 190,
    "1,000 directives": "{ serverTime " + "@skip(if: false) " * 1_000 + "}",
    "300 directives": "{ serverTime " + "@skip(if: false) " * 300 + "}",
    "600 directives that do not exist": "{ serverTime " + "@a " * 600 + "}",
    "a number of 40,000 digits": "{ shop(slug: " + "9" * 40_000 + ") { id } }",
    "a text of 40,000 characters": '{ shop(slug: "' + "x" * 40_000 + '") { nothing } }',
    "300 operations": " ".join(f"query Q{n} {{ serverTime }}" for n in range(300)),
    "fragments in a circle of 200": (
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{(n + 1) % 200} }}" for n in range(200))
    ),
    "fragments in a circle of 40": (
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{(n + 1) % 40} }}" for n in range(40))
    ),
    "introspection, 12 levels of fields and types": (
        "{ __schema { types { " + "fields { type { " * 12 + "name" + " } }" * 12 + " } } }"
    ),
    "500 errors": "{ " + " ".join(f"nothing{n}" for n in range(500)) + " }",
    "400 variables": "query (" + " ".join(f"$v{n}: Int" for n in range(400)) + ") { serverTime }",
    "24,000 comments": "#\n" * 24_000 + "{ serverTime }",
    "20,000 braces": "{" * 20_000,
}
"""Each is refused before anything runs."""

BODIES: Mapping[str, bytes] = {
    "a body of 10 MB": b'{"query":"' + b"x" * 10_000_000 + b'"}',
    "a body just below the limit, no JSON": b"[" * 99_000,
    "variables 900 deep": (
        b'{"query":"{ nothing }","variables":' + b'{"a":' * 900 + b"1" + b"}" * 901
    ),
    "a hash that nobody knows": orjson.dumps(
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "a" * 64}}}
    ),
    "a batch of 1,000": orjson.dumps([{"query": "{ serverTime }"}] * 1_000),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One kind of request: processor time, status and size of the answer, by its repeats."""

    median_ms: float
    largest_ms: float
    status: int
    answer_bytes: int


def bodies() -> dict[str, bytes]:
    """Return what is sent, by what it is."""
    return {
        **{name: orjson.dumps({"query": text}) for name, text in DOCUMENTS.items()},
        **BODIES,
    }


async def run(*, repeats: int = REPEATS) -> dict[str, Figure]:
    """Send each kind of request so often, one after the other."""
    settings = Settings(secret_key=SecretStr("of no use here"), mode="production")
    endpoint = create_graphql_app(settings)
    runtime = Runtime(settings, LiveHub())
    set_aside()
    figures = {}
    for name, body in bodies().items():
        times, status, size = [], 0, 0
        for _ in range(repeats):
            began = time.process_time()
            status, size = await send(endpoint, runtime, body)
            times.append((time.process_time() - began) * 1_000)
        figures[name] = Figure(median(times), max(times), status, size)
    return figures


async def send(endpoint: PresaleGraphQL, runtime: Runtime, body: bytes) -> tuple[int, int]:
    """Send one request; return the status and the size of its answer."""
    said: dict[str, Any] = {"status": 0, "size": 0}
    left = [body[at : at + 65_536] for at in range(0, len(body), 65_536)] or [b""]

    async def receive() -> Message:
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            said["status"] = message["status"]
        else:
            said["size"] += len(message.get("body", b""))

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"accept", b"application/graphql-response+json"),
        ],
        "state": {"runtime": runtime},
    }
    await endpoint(scope, receive, answer)
    return said["status"], said["size"]
