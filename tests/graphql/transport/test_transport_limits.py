"""What a document may ask for, and what it costs to find out."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import get_introspection_query
from strawberry.extensions import QueryDepthLimiter

from schema.transport import DocumentLimits
from schema.transport.documents import DocumentCache
from schema.transport.errors import DocumentRefused
from schema.transport.execution import Engine
from schema.transport.requests import OperationRequest
from tests.graphql.transport.toy_schema import Pet, doubling, schema
from tests.support.effort import count_calls
from tests.support.node import NODE_FOLDER

CORE = schema._schema


def make_engine(limits: DocumentLimits) -> Engine:
    return Engine(
        schema, limits=limits, document_memory_bytes=2**20, renew_context=lambda context: context
    )


def refusal(
    query: str, limits: DocumentLimits | None = None, variables: dict[str, Any] | None = None
) -> str | None:
    """The code and message a document is refused with; None when it may run."""
    try:
        make_engine(limits or DocumentLimits()).prepare(OperationRequest(query, variables))
    except DocumentRefused as refused:
        (error,) = refused.errors
        assert error.extensions is not None
        return f"{error.extensions['code']}: {error.message}"
    return None


def too_complex(limit: str, found: str) -> str:
    return (
        "DOCUMENT_TOO_COMPLEX: The document is too complex: "
        f"at most {limit} are allowed, it {found}."
    )


FRAGMENTS = (
    "fragment A on Query { hello } fragment B on Query { ...A } fragment C on Query { ...B }"
)


@pytest.mark.parametrize(
    ("limits", "query", "expected"),
    [
        ({"characters": 9}, "{ hello }", None),
        ({"characters": 8}, "{ hello }", ("8 characters", "has 9")),
        ({"tokens": 3}, "{ hello }", None),
        ({"tokens": 2}, "{ hello }", ("2 tokens", "has more")),
        ({"tokens": 3}, "{ hello } #\n#\n#", None),
        ({"tokens": 3}, "{ hello } #\n#\n#\n#", ("3 tokens", "has more")),
        ({"depth": 3}, "{ person { friend { name } } }", None),
        ({"depth": 2}, "{ person { friend { name } } }", ("2 levels", "has 3")),
        ({"depth": 2}, "{ ... { person { ... on Named { name } } } }", None),
        (
            {"depth": 2},
            "{ person { ...A } } fragment A on Person { friend { name } }",
            ("2 levels", "has 3"),
        ),
        ({"aliases": 2}, "{ a: hello b: hello }", None),
        ({"aliases": 1}, "{ a: hello b: hello }", ("1 aliases", "has 2")),
        (
            {"aliases": 3},
            "{ person { ...A friend { ...A } } } fragment A on Person { a: name b: name }",
            ("3 aliases", "has 4"),
        ),
        ({"root_fields": 2}, "{ hello double }", None),
        (
            {"root_fields": 1},
            "{ hello ...A } fragment A on Query { double }",
            ("1 root fields", "has 2"),
        ),
        ({"fragments": 3}, "{ ...C } " + FRAGMENTS, None),
        ({"fragments": 2}, "{ ...C } " + FRAGMENTS, ("2 fragments", "has 3")),
        ({"operations": 1}, "{ hello }", None),
        ({"operations": 1}, "query A { hello } query B { hello }", ("1 operations", "has 2")),
        ({"directives": 2}, "{ hello @skip(if: false) @include(if: true) }", None),
        (
            {"directives": 1},
            "{ hello @skip(if: false) ... @include(if: true) { double } }",
            ("1 directives", "has 2"),
        ),
        (
            {"directives": 3},
            "query($n: String @a) @b { person { ...A @c friend { ...A } } } "
            "fragment A on Person @d { name @e }",
            ("3 directives", "has 7"),
        ),
        ({"repeats": 1}, "{ person { name name } }", None),
        ({"repeats": 1}, "{ person { name name name } }", ("1 repeated fields", "has 2")),
        (
            {"repeats": 0},
            "{ person { name ...A } } fragment A on Person { name }",
            ("0 repeated fields", "has 1"),
        ),
        ({"repeats": 0}, "{ person { name friend { name } } }", None),
    ],
)
def test_a_document_is_refused_above_each_limit_and_not_at_it(
    limits: dict[str, int], query: str, expected: tuple[str, str] | None
) -> None:
    found = refusal(query, replace(DocumentLimits(), **limits))

    assert found == (too_complex(*expected) if expected else None)


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ hello }", None, 1),
        ("{ person { name friend { name } } }", None, 4),
        # person + friends + 7 names
        ("{ person { friends(first: 7) { name } } }", None, 2 + 7),
        # The schema's default for first is 10.
        ("{ person { friends { name } } }", None, 2 + 10),
        # followers has none: a page is assumed to be 20; its edges are that same page.
        ("{ person { followers { edges { node { name } } } } }", None, 2 + 20 * 3),
        # Beside its page, what a connection has is there once.
        ("{ person { followers(first: 9) { size edges { node { name } } } } }", None, 3 + 9 * 3),
        ("{person {followers(first: 9) {... on PersonConnection {size}}}}", None, 3),
        ("{person {followers(first: 2) {edges {node {pets {name}}}}}}", None, 2 + 2 * (3 + 3)),
        # A list without arguments is assumed to be 3 long.
        ("{ person { pets { name } } }", None, 2 + 3),
        ("{ person { friends(first: 4) { friends(first: 5) { name } } } }", None, 2 + 4 * (1 + 5)),
        ("{ person { ...A } } fragment A on Person { friends(first: 4) { name } }", None, 2 + 4),
        ("query($n: Int!) { person { friends(first: $n) { name } } }", {"n": 8}, 2 + 8),
        ("query($n: Int = 6) { person { friends(first: $n) { name } } }", {}, 2 + 6),
        ("query($n: Int = 6) { person { friends(first: $n) { name } } }", {"n": 9}, 2 + 9),
        ("{ person { friends(first: -5) { name } } }", None, 2),
        ("{ __type(name: \"Person\") { fields { name } } }", None, 3),
    ],
)  # fmt: skip
def test_the_cost_is_the_fields_times_the_lists_around_them(
    query: str, variables: dict[str, Any] | None, cost: int
) -> None:
    at, below = DocumentLimits(cost=cost), DocumentLimits(cost=cost - 1)

    assert refusal(query, at, variables) is None
    assert refusal(query, below, variables) == too_complex(f"{cost - 1} cost points", f"has {cost}")


def test_a_variable_page_size_is_checked_with_every_request() -> None:
    engine = make_engine(DocumentLimits(cost=100))
    query = "query($n: Int!) { person { friends(first: $n) { name } } }"

    engine.prepare(OperationRequest(query, {"n": 98}))
    with pytest.raises(DocumentRefused):
        engine.prepare(OperationRequest(query, {"n": 99}))
    engine.prepare(OperationRequest(query, {"n": 98}))

    assert len(engine.documents) == 1


def test_the_standard_introspection_query_is_admitted() -> None:
    query = get_introspection_query(
        descriptions=True,
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )

    assert refusal(query) is None


async def test_the_introspection_query_of_graphql_js_runs(
    server: Any, node: Any, http: Any
) -> None:
    script = NODE_FOLDER / "node_modules" / "graphql" / "utilities" / "getIntrospectionQuery.js"
    assert script.is_file()
    run = await node("--print", f"require({str(script)!r}).getIntrospectionQuery()")

    response = await http.post("/graphql", json={"query": run.stdout})

    assert "errors" not in response.json()
    assert len(response.json()["data"]["__schema"]["types"]) > 10


def test_introspection_cannot_go_round_in_circles() -> None:
    query = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"

    with pytest.raises(DocumentRefused) as refused:
        make_engine(DocumentLimits()).prepare(OperationRequest(query))

    assert {error.message for error in refused.value.errors} == {
        "Maximum introspection depth exceeded"
    }


def test_nineteen_doubling_fragments_are_refused_in_a_moment() -> None:
    query = doubling(19)
    assert len(query) < 1_500
    limits = DocumentLimits(depth=30)

    assert refusal(query, limits) == too_complex("50 aliases", f"has {2**20 - 2}")
    # Expanded it has a million fields; 15,000 calls are what parsing and measuring it took.
    assert count_calls(lambda: refusal(query, limits)) < 30_000


def test_measuring_grows_with_the_document_and_not_with_what_it_expands_to() -> None:
    generous = DocumentLimits(
        characters=10**6, tokens=10**5, depth=10**3, aliases=10**12, cost=10**12, fragments=10**3
    )
    effort = {
        fragments: count_calls(partial(refusal, doubling(fragments), generous))
        for fragments in (20, 40, 80)
    }

    assert refusal(doubling(80), generous) is None
    # Twice as long costs twice as much, a little overhead left aside.
    assert effort[40] < 2.1 * effort[20]
    assert effort[80] < 2.1 * effort[40]


# Each with nearly as many repeated fields as the limit lets through.
REPEATED = [
    "{ person { " + "friend { friend { name pets { name } } } " * 50 + "} }",
    "{ person { ...A ...B ...C ...D } } "
    + " ".join(f"fragment {n} on Person {{ {'friend { name } ' * 12} }}" for n in "ABCD"),
    "{ " + "person { friend { name } friend { name } } " * 20 + "}",
    "{ person { " + " ".join(f"...F{n}" for n in range(26)) + " } } "
    + " ".join(f"fragment F{n} on Person {{ name friend {{ name }} }}" for n in range(26)),
]  # fmt: skip


@pytest.mark.parametrize("query", REPEATED)
def test_validation_stays_fast_for_what_the_limits_let_through(query: str) -> None:
    assert refusal(query) is None
    # The first of them takes 255,000 calls, the others 90,000.
    assert count_calls(lambda: refusal(query)) < 400_000


@pytest.mark.parametrize(
    "query",
    [
        "{ ...Nowhere }",
        "{ ...A } fragment A on Query { ...A hello }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ person { ...A } } fragment A on Person { friend { ...A } }",
        "{ ...A } fragment A on Nothing { a { b } }",
        "{ hello { name } }",
        "mutation { nothing { at { all } } }",
        "{ person { friends(first: $undefined) { name } } }",
    ],
)
def test_what_is_wrong_with_a_document_is_left_to_validation(query: str) -> None:
    engine = make_engine(DocumentLimits())

    with pytest.raises(DocumentRefused) as refused:
        engine.prepare(OperationRequest(query))

    codes = {(error.extensions or {}).get("code") for error in refused.value.errors}
    assert codes == {"DOCUMENT_INVALID"}
    assert len(engine.documents) == 0


def test_documents_are_kept_by_recency_within_their_memory() -> None:
    texts = ["{ hello }", "{  hello}", "{hello  }", "{hello },"]
    # Three tokens at 400 bytes and nine characters at 4.
    one = 3 * 400 + 9 * 4
    cache = DocumentCache(CORE, DocumentLimits(), memory_bytes=3 * one)

    first, second, third = (cache.get(text) for text in texts[:3])
    assert cache.get(texts[0]) is first
    cache.get(texts[3])

    assert (len(cache), cache.memory_bytes) == (3, 3 * one)
    assert cache.get(texts[0]) is first
    assert cache.get(texts[2]) is third
    assert cache.get(texts[1]) is not second


def test_a_schema_whose_extensions_would_be_skipped_is_refused() -> None:
    with_extension = strawberry.Schema(
        query=Pet, extensions=[lambda: QueryDepthLimiter(max_depth=3)]
    )

    with pytest.raises(ValueError, match="skipped silently"):
        Engine(
            with_extension,
            limits=DocumentLimits(),
            document_memory_bytes=1,
            renew_context=lambda context: context,
        )


def test_the_transport_knows_no_shop() -> None:
    package = Path(__file__).parents[3] / "schema" / "transport"
    imports = [
        line
        for module in sorted(package.glob("*.py"))
        for line in module.read_text().splitlines()
        if line.startswith(("from ", "import "))
    ]

    assert imports
    assert [line for line in imports if "headless_presale" in line or "resolvers" in line] == []
    assert [
        line
        for line in imports
        if line.startswith("from schema") and "schema.transport" not in line
    ] == []
