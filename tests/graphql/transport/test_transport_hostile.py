"""Hostile requests: a clear answer, never a 5xx, and nothing changed."""

import json
from typing import Any

import httpx
import pytest

from tests.graphql.transport.toy_schema import doubling, journal

NESTED = 5_000
MUTATION = "mutation { add(amount: 1) }"


def with_query(query: object) -> bytes:
    return json.dumps({"query": query}).encode()


def with_variables(variables: object) -> bytes:
    query = "query($f: Filter!) { match(filter: $f) }"
    return json.dumps({"query": query, "variables": variables}).encode()


def nested_filter(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"name": "x"}
    for _ in range(levels):
        value = {"name": "x", "inner": value}
    return value


BODIES: dict[str, bytes] = {
    "empty": b"",
    "space": b"  ",
    "null": b"null",
    "number": b"1",
    "string": b'"{ hello }"',
    "true": b"true",
    "empty object": b"{}",
    "empty list": b"[]",
    "cut short": b'{"query": "{ hello',
    "not utf-8": b'{"query": "\xff\xfe"}',
    "utf-16": '{"query":"{ hello }"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"query":"{ hello }"}',
    "lone surrogate": b'{"query": "\\ud800"}',
    "null byte": b'{"query": "{ hello\\u0000 }"}',
    "NaN": b'{"query": "{ hello }", "variables": {"a": NaN}}',
    "huge number": b'{"query": "{ hello }", "variables": {"a": 1e999}}',
    "deep list": b"[" * NESTED + b"]" * NESTED,
    "deep object": b'{"query":' * NESTED + b"1" + b"}" * NESTED,
    "deep variables": b'{"query":"{ hello }","variables":' + b'{"a":' * 900 + b"1" + b"}" * 901,
    "query null": with_query(None),
    "query number": with_query(1),
    "query list": with_query([MUTATION]),
    "query object": with_query({"a": MUTATION}),
    "query empty": with_query(""),
    "query space": with_query("   "),
    "query comment": with_query("# nothing"),
    "many comments": with_query("#\n" * 5_000 + "{ hello }"),
    "unterminated string": with_query('{ hello(name: "'),
    "type definitions": with_query("type Query { hello: String }"),
    "schema extension": with_query("extend type Query { evil: String } { hello }"),
    "unknown fragment": with_query("{ ...Nowhere }"),
    "fragment cycle": with_query(
        "{ ...A } fragment A on Query { ...B } fragment B on Query {...A}"
    ),
    "fragment of itself": with_query("{ ...A } fragment A on Query { hello ...A }"),
    "same fragment twice": with_query("{...A} fragment A on Query {hello} fragment A on Query {a}"),
    "fragment on nothing": with_query("{ ...A } fragment A on Nothing { a { b { c } } }"),
    "fragment on a scalar": with_query("{ ...A } fragment A on String { a }"),
    "fragment on an input": with_query("{ ...A } fragment A on Filter { name }"),
    "doubling fragments": with_query(doubling(19)),
    "doubling cycle": with_query(doubling(19).replace("{ name }", "{ a: friend { ...F0 } }")),
    "deep fields": with_query("{ person " + "{ friend " * 150 + "{ name }" + "}" * 150 + " }"),
    "deep braces": with_query("{" * NESTED),
    "deep inline fragments": with_query("{ ... " * 190 + "{ hello }" + "}" * 190),
    "deep list value": with_query("{ hello(name: " + "[" * 900 + ") }"),
    "long chain of fragments": with_query(
        "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(240))
    ),
    "many aliases": with_query("{ " + " ".join(f"a{n}: hello" for n in range(600)) + " }"),
    "many repeats": with_query("{ person { " + "friend { name } " * 400 + "} }"),
    "many operations": with_query("query { hello } " * 300),
    "many directives": with_query("{ hello " + "@skip(if: false) " * 300 + "}"),
    "many variables": with_query(
        "query(" + " ".join(f"$v{n}: Int" for n in range(450)) + ") { hello }"
    ),
    "huge first": with_query("{ person { friends(first: 999999999) { name } } }"),
    "endless first": with_query("{ person { friends(first: " + "9" * 20_000 + ") { name } } }"),
    "nested first": with_query(
        "{ person { friends(first: 100) { friends(first: 100) { friends(first: 100) { name }}}}}"
    ),
    "negative first": with_query("{ person { friends(first: -5) { name } } }"),
    "string first": with_query('{ person { friends(first: "x") { name } } }'),
    "int out of range": with_query("{ double(value: 99999999999) }"),
    "unknown directive": with_query("{ hello @evil }"),
    "defer": with_query("{ ... @defer { hello } }"),
    "variables list": with_variables([1]),
    "variables string": with_variables("{}"),
    "variables number": with_variables(1),
    "variable missing": with_variables({}),
    "variable of wrong type": with_variables({"f": 1}),
    "variable with unknown field": with_variables({"f": {"name": "x", "evil": 1}}),
    "variable deep": with_variables({"f": nested_filter(300)}),
    "variable names": with_variables({"__proto__": 1, "": 2, "\u0000": 3}),
    "operationName list": b'{"query":"{ hello }","operationName":["a"]}',
    "operationName unknown": b'{"query":"{ hello }","operationName":"x"}',
    "extensions list": b'{"query":"{ hello }","extensions":[]}',
    "batch": json.dumps([{"query": MUTATION}] * 3).encode(),
    "batch of batches": json.dumps([[{"query": MUTATION}]]).encode(),
}


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_body_is_answered_and_changes_nothing(
    http: httpx.AsyncClient, name: str, accept: str
) -> None:
    headers = {"content-type": "application/json", "accept": accept}

    response = await http.post("/graphql", content=BODIES[name], headers=headers)

    assert response.status_code in (200, 400)
    answer = response.json()
    assert answer.keys() <= {"data", "errors"}
    for error in answer.get("errors", []):
        assert error["extensions"]["code"] not in ("INTERNAL", "")
    assert journal.added == []


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"query": ""},
        {"query": "{"},
        {"query": "{ hello }", "variables": "{"},
        {"query": "{ hello }", "variables": "[]"},
        {"query": "{ hello }", "variables": "1"},
        {"query": "{ hello }", "extensions": "nonsense"},
        {"query": "\ufffd"},
        {"variables": "{}"},
        {"query": MUTATION, "operationName": ""},
    ],
)
async def test_a_hostile_query_string_is_refused(
    http: httpx.AsyncClient, params: dict[str, str]
) -> None:
    headers = {"accept": "application/graphql-response+json"}

    response = await http.get("/graphql", params=params, headers=headers)

    assert response.status_code in (400, 405)
    assert [error["extensions"]["code"] for error in response.json()["errors"]]
    assert journal.added == []


@pytest.mark.parametrize(
    "raw", ["query=%ff%fe", "query=%00", "%=%", "query", "query=%7Bhello%7D&variables=%ff"]
)
async def test_an_undecodable_query_string_is_refused(http: httpx.AsyncClient, raw: str) -> None:
    headers = {"accept": "application/graphql-response+json"}

    response = await http.get(f"/graphql?{raw}", headers=headers)

    assert response.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": ";;;,,,q=1"},
        {"accept": "a/b;q=nonsense, */*;q=inf"},
        {"accept": "*/*;q=nan"},
        {"accept": "," * 5_000},
        {"content-length": "0"},
        {"content-type": ";;;"},
        {"content-type": 'application/json; charset="'},
        {"if-none-match": '"' * 1_000},
    ],
)
async def test_a_hostile_header_is_no_5xx(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    posted = (
        await http.post(
            "/graphql",
            content=with_query("{ hello }"),
            headers={"content-type": "application/json", **headers},
        )
        if "content-length" not in headers
        else await http.post("/graphql", headers=headers)
    )
    fetched = await http.get("/graphql", params={"query": "{ hello }"}, headers=headers)

    assert posted.status_code < 500
    assert fetched.status_code < 500
