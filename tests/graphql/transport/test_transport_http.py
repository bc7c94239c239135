"""GraphQL over HTTP: statuses, media types, methods, bodies."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

import httpx
import pytest

from tests.graphql.transport.toy_schema import journal

GRAPHQL = "application/graphql-response+json"


def code_of(response: httpx.Response) -> str:
    codes = [error["extensions"]["code"] for error in response.json()["errors"]]
    assert len(codes) == 1, codes
    code: str = codes[0]
    return code


async def test_a_query_with_variables_and_an_operation_name(http: httpx.AsyncClient) -> None:
    query = "query A($name: String!) { hello(name: $name) } query B { hello }"
    body = {"query": query, "operationName": "A", "variables": {"name": "shop"}}

    response = await http.post("/graphql", json=body)

    assert response.status_code == 200
    assert response.content == b'{"data":{"hello":"hello shop"}}'
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["vary"] == "Accept, Accept-Language, Origin"
    assert response.headers["cache-control"] == "no-store"


async def test_interfaces_fragments_and_recursive_types(http: httpx.AsyncClient) -> None:
    query = """
        { named { __typename name ...Friends ... on Pet { owner { name } } } }
        fragment Friends on Person { friend { friend { name } } }
    """

    response = await http.post("/graphql", json={"query": query})

    assert response.json() == {
        "data": {
            "named": [
                {
                    "__typename": "Person",
                    "name": "Ada",
                    "friend": {"friend": {"name": "friend of friend of Ada"}},
                },
                {"__typename": "Pet", "name": "Rex", "owner": {"name": "Ada"}},
            ]
        }
    }


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, application/json", GRAPHQL),
        (f"application/json, {GRAPHQL};q=0.9", "application/json"),
        (f"{GRAPHQL};q=0, */*", "application/json"),
        ("application/json, */*;q=0.1", "application/json"),
        # What urql sends with every operation: a query is not streamed for it.
        (f"{GRAPHQL}, application/json, text/event-stream, multipart/mixed", GRAPHQL),
        ("text/event-stream", "text/event-stream"),
    ],
)
async def test_the_answer_has_the_type_the_client_prefers(
    http: httpx.AsyncClient, accept: str | None, answered: str
) -> None:
    headers = {"accept": accept} if accept else {}
    request = http.build_request("POST", "/graphql", json={"query": "{ hello }"}, headers=headers)
    if accept is None:
        del request.headers["accept"]

    response = await http.send(request)

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "text/html"])
async def test_an_accept_without_json_is_406(http: httpx.AsyncClient, accept: str) -> None:
    response = await http.post("/graphql", json={"query": "{ hello }"}, headers={"accept": accept})

    assert response.status_code == 406
    assert code_of(response) == "REQUEST_INVALID"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "DOCUMENT_SYNTAX"),
        ({"query": "{ nothing }"}, "DOCUMENT_INVALID"),
        ({"query": "query A { hello } query B { hello }"}, "OPERATION_UNKNOWN"),
        ({"query": "{ hello }", "operationName": "B"}, "OPERATION_UNKNOWN"),
        ({"query": "fragment F on Query { hello }"}, "DOCUMENT_INVALID"),
        ({"query": "query($n: Int!) { double(value: $n) }"}, "VARIABLES_INVALID"),
        (
            {"query": "query($n: Int!) { double(value: $n) }", "variables": {"n": "1"}},
            "VARIABLES_INVALID",
        ),
        (
            {"query": "query($n: Int = 1) { double(value: $n) }", "variables": {"n": 2**31}},
            "VARIABLES_INVALID",
        ),
    ],
)
async def test_a_request_that_cannot_run_is_400_or_200_by_media_type_and_has_no_data(
    http: httpx.AsyncClient, body: dict[str, Any], code: str
) -> None:
    modern = await http.post("/graphql", json=body, headers={"accept": GRAPHQL})
    legacy = await http.post("/graphql", json=body, headers={"accept": "application/json"})

    assert (modern.status_code, legacy.status_code) == (400, 200)
    assert code_of(modern) == code_of(legacy) == code
    assert "data" not in modern.json()
    assert journal.contexts_made == (2 if code == "VARIABLES_INVALID" else 0)


async def test_null_where_an_argument_takes_none_is_the_clients_mistake(
    http: httpx.AsyncClient,
) -> None:
    body = {
        "query": "query($n: Int = 1) { double(value: $n) }",
        "variables": {"n": None},
    }

    response = await http.post("/graphql", json=body)

    assert code_of(response) == "ARGUMENT_INVALID"
    assert response.json()["data"] is None


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_other_methods_are_405(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, "/graphql")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("query", ["mutation { add(amount: 1) }", "subscription { count(to: 1) }"])
async def test_only_queries_are_run_by_get(http: httpx.AsyncClient, query: str) -> None:
    for accept in ("application/json", "*/*"):
        response = await http.get("/graphql", params={"query": query}, headers={"accept": accept})

        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
        assert code_of(response) == "OPERATION_NOT_ALLOWED"
    assert journal.added == []
    assert journal.contexts_made == 0


async def test_an_event_stream_is_not_served_by_get(http: httpx.AsyncClient) -> None:
    headers = {"accept": "text/event-stream"}

    response = await http.get("/graphql", params={"query": "{ hello }"}, headers=headers)

    assert response.status_code == 406


async def test_a_subscription_needs_a_stream(http: httpx.AsyncClient) -> None:
    body = {"query": "subscription { count(to: 1) }"}

    response = await http.post("/graphql", json=body, headers={"accept": "application/json"})

    assert response.status_code == 406
    assert code_of(response) == "OPERATION_NOT_ALLOWED"
    assert journal.closed == []


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=iso-8859-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_other_content_is_415(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await http.post("/graphql", content=b'{"query":"{ hello }"}', headers=headers)

    assert response.status_code == 415


async def test_a_batch_is_refused_and_nothing_of_it_runs(http: httpx.AsyncClient) -> None:
    mutation = {"query": "mutation { add(amount: 1) }"}

    response = await http.post("/graphql", json=[mutation, mutation])

    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == (
        "Batches are not supported: send one operation per request."
    )
    assert journal.added == []


async def test_a_body_beyond_the_limit_is_413_declared_or_not(http: httpx.AsyncClient) -> None:
    limit = 100 * 1024
    frame = len('{"query":"{ hello }","x":""}')
    largest = json.dumps(
        {"query": "{ hello }", "x": "x" * (limit - frame)}, separators=(",", ":")
    ).encode()
    assert len(largest) == limit

    async def chunks() -> Any:
        for start in range(0, limit + 1, 10_000):
            yield (largest + b" ")[start : start + 10_000]

    headers = {"content-type": "application/json"}
    fits = await http.post("/graphql", content=largest, headers=headers)
    declared = await http.post("/graphql", content=largest + b" ", headers=headers)
    streamed = await http.post("/graphql", content=chunks(), headers=headers)

    assert fits.status_code == 200
    assert (declared.status_code, streamed.status_code) == (413, 413)
    assert code_of(declared) == code_of(streamed) == "REQUEST_TOO_LARGE"


async def test_a_browser_gets_the_editor_and_a_link_with_a_query_its_result(
    http: httpx.AsyncClient,
) -> None:
    headers = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

    editor = await http.get("/graphql", headers=headers)
    result = await http.get("/graphql", params={"query": "{ hello }"}, headers=headers)

    assert editor.status_code == 200
    assert editor.headers["content-type"] == "text/html; charset=utf-8"
    assert "GraphiQL" in editor.text
    # Its policy names each file it loads, and its own script by its hash.
    policy = editor.headers["content-security-policy"]
    sources = re.findall(r'<(?:script|link)[^>]*?(?:src|href)="(https:[^"]+)"', editor.text)
    assert len(sources) == 6
    assert [source for source in sources if f" {source}" not in policy] == []
    # It reads no cookie: there is none that counts.
    assert "cookie" not in editor.text.lower()
    (own,) = (text for text in re.findall(r"<script>(.+?)</script>", editor.text, re.DOTALL))
    assert f"'sha256-{b64encode(sha256(own.encode()).digest()).decode()}'" in policy
    assert result.json() == {"data": {"hello": "hello world"}}


@pytest.mark.parametrize(
    ("query", "cache_control"),
    [
        ("{ hello }", "no-cache"),
        ("{ cached(seconds: 0) }", "no-cache"),
        ("{ cached(seconds: 60) }", "public, max-age=60"),
        ("{ a: cached(seconds: 60) b: cached(seconds: 5) }", "public, max-age=5"),
        ("{ a: cached(seconds: 60, public: false) b: cached(seconds: 90) }", "private, max-age=60"),
        ("{ cached(seconds: 60) broken }", "no-store"),
    ],
)
async def test_cache_control_of_a_get_follows_the_narrowest_hint(
    http: httpx.AsyncClient, query: str, cache_control: str
) -> None:
    response = await http.get("/graphql", params={"query": query})

    assert response.headers["cache-control"] == cache_control


async def test_an_identified_caller_never_gets_a_public_answer(http: httpx.AsyncClient) -> None:
    params = {"query": "{ cached(seconds: 60) }"}

    response = await http.get("/graphql", params=params, headers={"authorization": "Bearer x"})

    assert response.headers["cache-control"] == "private, max-age=60"


async def test_an_unchanged_answer_is_304_without_a_body(http: httpx.AsyncClient) -> None:
    params = {"query": "{ cached(seconds: 60) }"}
    first = await http.get("/graphql", params=params)
    tag = first.headers["etag"]

    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await http.get("/graphql", params=params, headers={"if-none-match": given})

        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "public, max-age=60"
    changed = await http.get("/graphql", params=params, headers={"if-none-match": '"other"'})
    assert (changed.status_code, changed.content) == (200, first.content)


async def test_post_and_errors_have_no_entity_tag(http: httpx.AsyncClient) -> None:
    posted = await http.post("/graphql", json={"query": "{ cached(seconds: 60) }"})
    failed = await http.get("/graphql", params={"query": "{ broken }"})

    assert "etag" not in posted.headers
    assert posted.headers["cache-control"] == "no-store"
    assert "etag" not in failed.headers


async def test_a_browser_s_event_source_is_told_that_it_cannot(http: httpx.AsyncClient) -> None:
    response = await http.get(
        "/graphql",
        params={"query": "subscription { count(to: 1) }"},
        headers={"accept": "text/event-stream"},
    )

    assert response.status_code == 406
    assert "cannot be sent by GET" in response.json()["errors"][0]["message"]
