"""What a page can make a browser send without asking first changes nothing, whatever it is.

A browser asks (by a preflight) before it sends JSON to another site, and not before it sends what a
form or a link could. Those are sent here in every form there is, with changes that need no token,
to the whole application; then the database and Redis are looked at.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from headless_presale.kernel.clock import ManualClock
from headless_presale.settings import Settings
from schema.transport import incoming
from tests.conftest import SECRET_KEY
from tests.graphql.customers import REQUEST
from tests.graphql.ordering import CANCEL, PLACE, START, order_input
from tests.support.api import api_serving
from tests.support.shop import open_sale
from tests.support.state import everything

SIMPLE_TYPES = (
    None,
    "",
    "text/plain",
    "TEXT/PLAIN",
    "text/plain;charset=utf-8",
    "text/plain; application/json",
    "text/plain;application/json",
    "text/plain; charset=application/json",
    "text/plain\t;application/json",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-8",
    "application/x-www-form-urlencoded;application/json",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=application/json",
)
"""What needs no preflight (Fetch, "CORS-safelisted request-header"), or cannot be sent at all."""
ODD_TYPES = (
    "application/graphql",
    "application/octet-stream",
    "application/jsonx",
    "application/ld+json",
    "application/json, text/plain",
    "text/plain, application/json",
    "text/json",
    "json",
    "*/*",
    "application/*",
    ";application/json",
    "application/json; charset=utf-7",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
    'application/json; charset="utf-16"',
)
ACCEPTED_TYPES = (
    "application/json",
    "Application/JSON",
    "application/json;charset=UTF-8",
    'application/json ; charset="utf8"',
    "application/json; profile=x",
)
ACCEPTS = ("application/json", "text/event-stream", "*/*", "text/html", None)
TYPE = "content-type"


@dataclass(frozen=True, slots=True)
class Change:
    """A change that needs no token in a header, so that a page could ask for it."""

    name: str
    query: str
    variables: dict[str, Any]

    def body(self) -> dict[str, Any]:
        return {"query": self.query, "variables": self.variables}

    def fields(self) -> dict[str, str]:
        return {"query": self.query, "variables": json.dumps(self.variables)}

    def bodies(self) -> Iterator[bytes]:
        """As JSON, as a form, as what a form of plain text makes of JSON, and in parts."""
        written = json.dumps(self.body()).encode()
        yield written
        yield urlencode(self.fields()).encode()
        yield written[:-1] + b',"x":"="}\r\n'
        for parts in (self.fields(), {"operations": written.decode(), "map": "{}"}):
            yield (
                b"".join(
                    b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
                    % (name.encode(), value.encode())
                    for name, value in parts.items()
                )
                + b"--x--\r\n"
            )


@dataclass(frozen=True, slots=True)
class Site:
    """The application, changes to ask it for, and what it holds."""

    client: httpx.AsyncClient
    changes: tuple[Change, ...]
    admin: asyncpg.Connection
    redis: Redis

    async def holds(self) -> object:
        return await everything(self.admin, self.redis)

    @property
    def placing(self) -> Change:
        return self.changes[0]


@pytest.fixture
async def site(
    database: str,
    redis: Redis,
    redis_url: str,
    tmp_path: Path,
    database_admin: asyncpg.Connection,
    clock: ManualClock,
) -> AsyncIterator[Site]:
    sale = await open_sale()
    settings = Settings.model_validate(
        {
            "database_url": database,
            "redis_url": redis_url,
            "data_dir": tmp_path,
            "secret_key": SECRET_KEY,
            "rate_limit_requests": 0,
        }
    )
    async with api_serving(settings) as client:
        body = {"query": PLACE, "variables": {"input": order_input(sale)}}
        placed = (await client.post("/graphql", json=body)).json()["data"]["orderPlace"]
        key = {"orderId": placed["order"]["id"], "token": placed["orderToken"]}
        pay = {"leg": "DEPOSIT", "gateway": "sandbox", "idempotencyKey": "p"}
        mail = {"shop": sale.shop.slug, "email": "eve@example.com"}
        another = order_input(sale, idempotencyKey="another")
        changes = (
            Change("orderPlace", PLACE, {"input": another}),
            Change("orderCancel", CANCEL, {"input": key}),
            Change("paymentStart", START, {"input": {**key, **pay}}),
            Change("signInCodeRequest", REQUEST, {"input": mail}),
        )
        yield Site(client, changes, database_admin, redis)


def headers_of(content_type: str | None, accept: str | None) -> dict[str, str]:
    given = {TYPE: content_type, "accept": accept, "origin": "https://evil.example"}
    return {name: value for name, value in given.items() if value is not None}


async def test_no_content_type_but_json_changes_anything(site: Site) -> None:
    before = await site.holds()
    # Twenty bodies, nine of them with each type: all with all would take long and tell no more.
    bodies = itertools.cycle([body for change in site.changes for body in change.bodies()])
    count = 0
    for content_type in (*SIMPLE_TYPES, *ODD_TYPES):
        for accept, body in itertools.product(ACCEPTS, itertools.islice(bodies, 9)):
            # httpx would name a type of its own for nothing but a form: these are bytes.
            headers = headers_of(content_type, accept)
            answer = await site.client.post("/graphql", content=body, headers=headers)
            assert answer.status_code in (406, 415), (content_type, accept, answer.text)
            count += 1
        assert await site.holds() == before, content_type
    assert count == 30 * 5 * 9


async def test_no_method_but_post_changes_anything(site: Site) -> None:
    before = await site.holds()
    overrides: tuple[dict[str, str], ...] = (
        {},
        {"x-http-method-override": "POST"},
        {"x-http-method": "POST", "x-method-override": "POST"},
        {"x-graphql-event-stream-token": "1", "content-type": "application/json"},
    )
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"):
        changes = site.changes if method == "GET" else site.changes[:1]
        for change, accept, more in itertools.product(changes, ACCEPTS, overrides):
            for content in (None, json.dumps(change.body()).encode()):
                answer = await site.client.request(
                    method,
                    "/graphql",
                    params={**change.fields(), "_method": "POST"},
                    content=content,
                    headers={**headers_of(None, accept), **more},
                )
                assert answer.status_code in (400, 405, 406), (method, accept, answer.text)
        assert await site.holds() == before, method


async def test_what_stands_in_an_address_changes_nothing_by_post_either(site: Site) -> None:
    before = await site.holds()
    for change, accept, path in itertools.product(site.changes, ACCEPTS, ("/graphql", "/graphql/")):
        harmless = json.dumps({"query": "{ __typename }"}).encode()
        for content, content_type in ((b"", "text/plain"), (harmless, "application/json")):
            await site.client.post(
                path,
                params=change.fields(),
                content=content,
                headers=headers_of(content_type, accept),
            )
    assert await site.holds() == before


async def test_a_handshake_or_a_frame_out_of_order_changes_nothing(site: Site) -> None:
    before = await site.holds()
    address = str(site.client.base_url).replace("http", "ws", 1).rstrip("/") + "/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    begin = json.dumps({"type": "connection_init"})
    for change in site.changes:
        url = f"{address}?{urlencode(change.fields())}"
        frame = json.dumps({"id": "1", "type": "subscribe", "payload": change.body()})
        openings: tuple[tuple[list[Subprotocol] | None, list[str | bytes]], ...] = (
            (protocols, []),
            (None, [begin, frame]),
            ([Subprotocol("graphql-ws")], [begin, frame]),
            (protocols, [frame]),
            (protocols, [frame.encode()]),
            (protocols, [begin, frame.encode()]),
            (protocols, [begin, json.dumps({"id": "1", "type": "start", "payload": {}})]),
            (protocols, [begin, json.dumps([json.loads(frame)])]),
        )
        for offered, frames in openings:
            async with connect(url, subprotocols=offered) as socket:
                try:
                    for sent in frames:
                        await socket.send(sent)
                    while frames:
                        await asyncio.wait_for(socket.recv(), 30)
                except ConnectionClosed:
                    assert 4400 <= (socket.close_code or 0) < 4500
    assert await site.holds() == before


async def test_control_json_by_post_changes_something_in_every_spelling(site: Site) -> None:
    change = site.placing
    for number, content_type in enumerate(ACCEPTED_TYPES):
        change.variables["input"]["idempotencyKey"] = f"key {number}"
        before = await site.holds()
        body = json.dumps(change.body()).encode()
        answer = await site.client.post("/graphql", content=body, headers={TYPE: content_type})
        assert answer.json()["data"]["orderPlace"]["userErrors"] == [], content_type
        assert await site.holds() != before


async def test_control_without_the_check_a_form_of_any_page_orders(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "_require_json_content", lambda request: None)
    before = await site.holds()
    *_, plain, _, _ = site.placing.bodies()

    answer = await site.client.post("/graphql", content=plain, headers={TYPE: "text/plain"})

    assert answer.json()["data"]["orderPlace"]["order"]["status"] == "AWAITING_PAYMENT"
    assert await site.holds() != before
