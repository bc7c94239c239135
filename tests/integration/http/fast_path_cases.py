"""Requests that are asked of the fast path and of the middleware alike."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from resolvers.global_ids import seal
from tests.support.shop import Sale

OURS, FOREIGN = "https://forge.example", "https://evil.example"
PAGE = "query ($id: ID!) { node(id: $id) { ... on Campaign { handle title slotsLeft story } } }"


@dataclass(frozen=True)
class Case:
    """A request, but for the address it comes from.

    Attributes:
        length: whether its length is told; as usual when not given.
        is_fast: whether the fast path takes it.
        times: how often it is asked over one connection.
    """

    name: str
    method: str = "POST"
    target: str = "/graphql"
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    version: str = "1.1"
    length: bool | None = None
    is_fast: bool = True
    times: int = 2

    def written(self, address: str) -> bytes:
        """Return it as it is sent."""
        headers = [("Host", "shop.example"), *self.headers, ("X-Forwarded-For", address)]
        if not any(name.lower() == "x-request-id" for name, _ in headers):
            headers.append(("X-Request-ID", "asked-by-both"))
        if self.length or (self.length is None and self.method == "POST"):
            headers.append(("Content-Length", str(len(self.body))))
        lines = [f"{self.method} {self.target} HTTP/{self.version}"]
        lines += [f"{name}: {value}" for name, value in headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


JSON = ("Content-Type", "application/json")
ASK = b'{"query": "{ __typename }"}'


def cases(sale: Sale) -> Iterator[Case]:
    """Yield what both ways are asked."""
    page = json.dumps({"query": PAGE, "variables": {"id": campaign_id(sale)}}).encode()
    yield Case("a page", body=page, headers=[JSON], times=3)
    target = page_address(sale)
    yield Case("a page by GET", "GET", target, times=3)
    yield Case("an unknown tag", "GET", target, headers=[("If-None-Match", '"x"')])
    yield Case("any tag", "GET", target, headers=[("If-None-Match", "*")])
    for accept in (
        "*/*",
        "application/json",
        "application/graphql-response+json",
        "application/graphql-response+json, application/json;q=0.5",
        "text/html,*/*;q=0.8",
        "image/png",
    ):
        yield Case(f"POST for {accept}", body=page, headers=[JSON, ("Accept", accept)])
        yield Case(f"GET for {accept}", "GET", target, headers=[("Accept", accept)])
    yield Case("the editor", "GET", headers=[("Accept", "text/html")])
    stream = [JSON, ("Accept", "text/event-stream")]
    yield Case("a stream", body=page, headers=stream, is_fast=False)
    yield Case("a language", body=page, headers=[JSON, ("Accept-Language", "zh-CN,en;q=0.5")])
    for told in ("Bearer nonsense", "Basic Zm9vOmJhcg==", ""):
        yield Case(f"token {told}", body=page, headers=[JSON, ("Authorization", told)])
    yield Case("a cookie", body=page, headers=[JSON, ("Cookie", "a=b")])
    yield from _faults(page)
    for origin in ("https://api.example", "http://shop.example"):
        yield Case(f"page of {origin}", body=page, headers=[JSON, ("Origin", origin)])
    for origin in (OURS, FOREIGN, "null"):
        # Which sites shops name is not known at first, nor for long.
        headers = [JSON, ("Origin", origin)]
        yield Case(f"page of {origin}", body=page, headers=headers, is_fast=False)
    yield Case("an id that is not plain", body=page, headers=[JSON, ("X-Request-ID", "a b")])
    yield Case("many hops", body=page, headers=[JSON, ("X-Forwarded-For", "203.0.113.9, junk")])
    yield Case("often", body=ASK, headers=[JSON], times=45)
    yield Case("often by GET", "GET", target, times=45)
    yield from _plain_ways(page)


def _faults(page: bytes) -> Iterator[Case]:
    yield Case("no type", body=page)
    yield Case("a form", body=page, headers=[("Content-Type", "text/plain")])
    yield Case("packed", body=page, headers=[JSON, ("Content-Encoding", "gzip")])
    yield Case("nothing", headers=[JSON])
    yield Case("no JSON", body=b"{", headers=[JSON])
    yield Case("a list", body=b"[]", headers=[JSON])
    yield Case("no such field", body=b'{"query": "{ nothing }"}', headers=[JSON])
    yield Case("no document", body=b'{"query": "{"}', headers=[JSON])
    yield Case("an unknown hash", body=_by_hash("0" * 64), headers=[JSON])
    yield Case("too much", body=ASK + b" " * 3_000, headers=[JSON])
    yield Case("too long", "GET", "/graphql?query=" + "x" * 3_100)
    yield Case("a change by GET", "GET", "/graphql?query=mutation%20%7B__typename%7D")
    yield Case("nothing by GET", "GET", "/graphql?")


def _plain_ways(page: bytes) -> Iterator[Case]:
    """What is not for the fast path, each for a reason of its own."""
    large = ASK + b" " * 66_000
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(page), page)
    sent_in_pieces = [JSON, ("Transfer-Encoding", "chunked")]
    for case in (
        Case("much too much", body=large, headers=[JSON]),
        Case("in pieces", body=chunked, headers=sent_in_pieces, length=False),
        Case("GET with a body", "GET", body=page, headers=[JSON], length=True),
        Case("before HTTP/1.1", body=page, headers=[JSON], version="1.0"),
        Case("PUT", "PUT", body=page, headers=[JSON], length=True),
        Case("OPTIONS", "OPTIONS", headers=[("Origin", OURS)]),
        Case("a path below", body=page, headers=[JSON], target="/graphql/"),
        Case("a path that is written otherwise", body=page, headers=[JSON], target="/%67raphql"),
        Case("another path", "GET", "/schema.graphql"),
    ):
        yield Case(**{**vars(case), "is_fast": False})
    yield Case("the last one", body=page, headers=[JSON, ("Connection", "close")])


def _by_hash(digest: str) -> bytes:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    return json.dumps({"extensions": extensions}).encode()


def campaign_id(sale: Sale) -> str:
    """Return the global id of a sale's campaign."""
    return seal("Campaign", sale.campaign.id)


def page_address(sale: Sale) -> str:
    """Return where a sale's page is asked for by GET."""
    variables = quote(json.dumps({"id": campaign_id(sale)}))
    return f"/graphql?query={quote(PAGE)}&variables={variables}"
