"""Documents named by their hash, in Apollo's wire format, over every transport."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from schema.transport import DocumentLimits
from schema.transport.errors import DocumentRefused
from schema.transport.execution import Engine
from schema.transport.persisted import PersistedTexts, digest_of
from schema.transport.requests import OperationRequest
from tests.graphql.transport.conftest import RunningServer, open_socket
from tests.graphql.transport.toy_schema import journal, schema
from tests.support.node import NodeRun

RunNode = Callable[..., Awaitable[NodeRun]]

NOT_FOUND = {
    "errors": [
        {
            "message": "PersistedQueryNotFound",
            "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
        }
    ]
}


def by_hash(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest_of(text)}}


def in_address(text: str, **more: str) -> dict[str, str]:
    return {"extensions": json.dumps(by_hash(text)), **more}


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_hash_is_asked_for_its_text_once(http: httpx.AsyncClient, accept: str) -> None:
    text = f"query Once {{ hello }} # {accept}"
    headers = {"accept": accept}
    only_hash = {"extensions": by_hash(text)}

    unknown = await http.post("/graphql", json=only_hash, headers=headers)
    told = await http.post("/graphql", json={"query": text, **only_hash}, headers=headers)
    known = await http.post("/graphql", json=only_hash, headers=headers)

    assert (unknown.status_code, unknown.json()) == (200, NOT_FOUND)
    assert unknown.headers["cache-control"] == "no-store"
    assert told.content == known.content == b'{"data":{"hello":"hello world"}}'
    assert known.status_code == 200


async def test_variables_and_the_operation_name_go_with_a_hash(http: httpx.AsyncClient) -> None:
    text = "query A($name: String!) { hello(name: $name) } query B { hello }"
    body = {"extensions": by_hash(text), "operationName": "A", "variables": {"name": "shop"}}

    await http.post("/graphql", json={"query": text, **body})
    known = await http.post("/graphql", json=body)

    assert known.json() == {"data": {"hello": "hello shop"}}


async def test_a_get_by_hash_is_cached_as_one_by_text(http: httpx.AsyncClient) -> None:
    text = "query Cached { cached(seconds: 5) }"
    assert (await http.get("/graphql", params=in_address(text))).json() == NOT_FOUND
    by_text = await http.get("/graphql", params=in_address(text, query=text))

    by_hash_alone = await http.get("/graphql", params=in_address(text))
    unchanged = await http.get(
        "/graphql", params=in_address(text), headers={"if-none-match": by_text.headers["etag"]}
    )

    for name in ("etag", "cache-control", "vary", "content-type"):
        assert by_hash_alone.headers[name] == by_text.headers[name]
    assert by_hash_alone.headers["cache-control"] == "public, max-age=5"
    assert by_hash_alone.content == by_text.content
    assert unchanged.status_code == 304


async def test_a_browser_that_opens_a_hash_gets_data_and_no_editor(http: httpx.AsyncClient) -> None:
    text = "query Opened { hello }"
    await http.get("/graphql", params=in_address(text, query=text))

    opened = await http.get(
        "/graphql", params=in_address(text), headers={"accept": "text/html, */*;q=0.8"}
    )

    assert opened.json() == {"data": {"hello": "hello world"}}


async def test_a_mutation_by_hash_is_no_way_around_get(http: httpx.AsyncClient) -> None:
    text = "mutation Changes { add(amount: 5) }"
    told = await http.get("/graphql", params=in_address(text, query=text))
    posted = await http.post("/graphql", json={"extensions": by_hash(text)})
    got = await http.get("/graphql", params=in_address(text))

    assert (told.status_code, got.status_code) == (405, 405)
    assert posted.json() == {"data": {"add": 5}}
    assert journal.added == [5]


async def test_a_hash_of_something_else_is_refused_and_not_kept(http: httpx.AsyncClient) -> None:
    text = "query Honest { hello }"
    lie = {"query": "mutation { add(amount: 1) }", "extensions": by_hash(text)}

    refused = await http.post("/graphql", json=lie)
    asked = await http.post("/graphql", json={"extensions": by_hash(text)})

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["extensions"] == {"code": "PERSISTED_QUERY_MISMATCH"}
    assert asked.json() == NOT_FOUND
    assert journal.added == []


@pytest.mark.parametrize("text", ["{ nothing }", "{", "{ person " * 40 + "{ name }" + "}" * 40])
async def test_a_document_that_may_not_run_is_not_kept(http: httpx.AsyncClient, text: str) -> None:
    await http.post("/graphql", json={"query": text, "extensions": by_hash(text)})

    asked = await http.post("/graphql", json={"extensions": by_hash(text)})

    assert asked.json() == NOT_FOUND


@pytest.mark.parametrize(
    "said",
    [
        1,
        [],
        "x",
        {},
        {"version": 2, "sha256Hash": "a" * 64},
        {"version": 1},
        {"version": 1, "sha256Hash": None},
        {"version": 1, "sha256Hash": "a" * 63},
        {"version": 1, "sha256Hash": "A" * 64},
        {"version": 1, "sha256Hash": "\u0661" * 64},
        {"version": 1, "sha256Hash": ["a" * 64]},
    ],
)
async def test_what_is_no_hash_is_refused(http: httpx.AsyncClient, said: object) -> None:
    extensions = {"persistedQuery": said}
    posted = await http.post("/graphql", json={"extensions": extensions})
    got = await http.get("/graphql", params={"extensions": json.dumps(extensions)})

    for response in (posted, got):
        assert response.status_code == 400
        assert response.json()["errors"][0]["extensions"] == {"code": "REQUEST_INVALID"}


async def test_a_hash_over_an_event_stream(http: httpx.AsyncClient) -> None:
    text = "subscription Streamed { count(to: 2) }"
    headers = {"accept": "text/event-stream"}
    unknown = await http.post("/graphql", json={"extensions": by_hash(text)}, headers=headers)
    await http.post("/graphql", json={"query": text, "extensions": by_hash(text)}, headers=headers)

    known = await http.post("/graphql", json={"extensions": by_hash(text)}, headers=headers)

    assert f"data: {json.dumps(NOT_FOUND, separators=(',', ':'))}" in unknown.text
    assert [line for line in known.text.splitlines() if line.startswith("data: {")] == [
        'data: {"data":{"count":1}}',
        'data: {"data":{"count":2}}',
    ]


async def test_a_hash_over_a_socket(server: RunningServer) -> None:
    text = "query Socketed { hello }"
    async with open_socket(server) as client:
        await client.init()
        await client.send(
            {"id": "1", "type": "subscribe", "payload": {"extensions": by_hash(text)}}
        )
        unknown = await client.receive()
        await client.subscribe("2", text, extensions=by_hash(text))
        told = [await client.receive(), await client.receive()]
        await client.send(
            {"id": "3", "type": "subscribe", "payload": {"extensions": by_hash(text)}}
        )
        known = [await client.receive(), await client.receive()]

    assert unknown == {"id": "1", "type": "error", "payload": NOT_FOUND["errors"]}
    data = {"data": {"hello": "hello world"}}
    for number, got in (("2", told), ("3", known)):
        assert got == [
            {"id": number, "type": "next", "payload": data},
            {"id": number, "type": "complete"},
        ]


async def test_a_socket_that_names_no_hash_is_closed(server: RunningServer) -> None:
    async with open_socket(server) as client:
        await client.init()
        extensions = {"persistedQuery": {"version": 1, "sha256Hash": "no"}}
        await client.send({"id": "1", "type": "subscribe", "payload": {"extensions": extensions}})

        assert await client.close_code() == 4400


def requested(text: str, *, with_text: bool = True) -> OperationRequest:
    return OperationRequest(text if with_text else "", digest=digest_of(text))


async def test_what_a_process_keeps_is_bounded_by_its_memory() -> None:
    texts = ["{ a }", "{ b }", "{ c }"]
    # Five characters at 4 bytes, and 300 for the place.
    store = PersistedTexts(memory_bytes=2 * (5 * 4 + 300))
    for text in texts[:2]:
        await store.learn(requested(text))
    await store.resolve(requested(texts[0], with_text=False))

    await store.learn(requested(texts[2]))

    assert (len(store), store.memory_bytes) == (2, 2 * 320)
    for text in (texts[0], texts[2]):
        assert (await store.resolve(requested(text, with_text=False))).query == text
    with pytest.raises(DocumentRefused):
        await store.resolve(requested(texts[1], with_text=False))


class Shelf(dict[str, str]):
    """What two processes share."""

    async def find(self, digest: str) -> str | None:
        return self.get(digest)

    async def keep(self, digest: str, text: str) -> None:
        self[digest] = text


def engine_with(shelf: Shelf) -> Engine:
    return Engine(
        schema,
        limits=DocumentLimits(),
        document_memory_bytes=2**20,
        renew_context=lambda context: context,
        shared_texts=shelf,
    )


async def test_what_one_process_is_told_the_others_know() -> None:
    shelf = Shelf()
    await engine_with(shelf).receive(requested("{ hello }"))

    operation = await engine_with(shelf).receive(requested("{ hello }", with_text=False))

    assert operation.request.query == "{ hello }"


async def test_a_shared_text_under_a_wrong_hash_is_not_believed() -> None:
    shelf = Shelf({digest_of("{ hello }"): "mutation { add(amount: 1) }"})

    with pytest.raises(DocumentRefused, match="PersistedQueryNotFound"):
        await engine_with(shelf).receive(requested("{ hello }", with_text=False))


async def test_how_documents_were_named_is_counted() -> None:
    shelf = Shelf()
    names = ("known", "shared", "unknown", "mismatch")

    def counts() -> list[float]:
        name = "presale_graphql_persisted_queries_total"
        return [REGISTRY.get_sample_value(name, {"outcome": o}) or 0 for o in names]

    before = counts()
    engine = engine_with(shelf)
    with pytest.raises(DocumentRefused):
        await engine.receive(requested("{ hello }", with_text=False))
    with pytest.raises(DocumentRefused):
        await engine.receive(OperationRequest("{ hello }", digest="a" * 64))
    await engine.receive(requested("{ hello }"))
    await engine.receive(requested("{ hello }", with_text=False))
    await engine_with(shelf).receive(requested("{ hello }", with_text=False))

    assert [after - was for after, was in zip(counts(), before, strict=True)] == [1, 1, 1, 1]


async def test_apollo_client_sends_the_text_once(server: RunningServer, node: RunNode) -> None:
    query = "query Apollo($name: String!) { hello(name: $name) cached(seconds: 60) }"

    run = await node("apollo_persisted.mjs", server.url, query, json.dumps({"name": "shop"}))

    assert (run.code, run.stderr) == (0, "")
    first, second, wire = run.results
    assert first == second == {"hello": "hello shop", "cached": "fresh"}
    cached = "public, max-age=60"
    assert wire == [
        {"method": "GET", "text": False, "status": 200, "caching": "no-store"},
        {"method": "POST", "text": True, "status": 200, "caching": "no-store"},
        {"method": "GET", "text": False, "status": 200, "caching": cached},
    ]
