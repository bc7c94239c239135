"""Hostile requests, as bytes on a connection."""

import base64
import json
import random
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

from tests.hostile.cases import Request
from tests.hostile.documents import Documents
from tests.hostile.values import RAW_NUMBERS, TEXTS, Values, encode

JSON_TYPE = b"application/json"
OTHER_PATHS = (
    *(b"/oauth/token", b"/oauth/revoke", b"/oauth/introspect", b"/oauth/authorize", b"/sign-in"),
    *(b"/webhooks/payments/sandbox", b"/uploads/media?shop=atelier", b"/uploads/product-files"),
    *(b"/.well-known/openid-configuration", b"/media/x", b"/schema.graphql", b"/reset", b"/"),
    *(b"/invitation", b"/account", b"/admin/", b"/nothing"),
)


class HttpCases:
    """Draws requests.

    Attributes:
        weighted: what draws one, and how often.
    """

    def __init__(
        self,
        chance: random.Random,
        values: Values,
        documents: Documents,
        token: Callable[[], str],
    ) -> None:
        self.chance = chance
        self.values = values
        self.documents = documents
        self.token = token
        self.weighted = (
            (self.by_schema, 8),
            (self.as_merchant, 8),
            (self.tokens, 3),
            (self.damaged, 4),
            (self.noise, 2),
            (self.deep, 2),
            (self.parameters, 4),
            (self.raw_json, 2),
            (self.query_string, 4),
            (self.headers, 5),
            (self.broken_http, 4),
            (self.elsewhere, 4),
        )

    def by_schema(self) -> Request:
        return self._post("schema", encode(self.documents.request()))

    def as_merchant(self) -> Request:
        bearer = [(b"authorization", b"Bearer " + self.token().encode())]
        return self._post("merchant", encode(self.documents.request()), bearer)

    def tokens(self) -> Request:
        return self._post("tokens", encode({"query": self.documents.tokens()}))

    def damaged(self) -> Request:
        return self._post("damaged", self.values.damaged(encode(self.documents.request())))

    def noise(self) -> Request:
        return self._post("noise", self.values.noise(2_000))

    def deep(self) -> Request:
        levels = self.chance.choice((50, 200, 900, 5_000, 20_000))
        opening, closing, inner = self.chance.choice(
            ((b"[", b"]", b""), (b'{"a":', b"}", b"1"), (b'{"query":', b"}", b'"{ a }"'))
        )
        nested = opening * levels + inner + closing * levels
        wrap = self.chance.choice((b"%b", b'{"query":"{ serverTime }","variables":{"a":%b}}'))
        if self.chance.random() < 0.4:
            brackets = self.chance.choice((("{a", "}"), ("{a(b:", ")}"), ("...{", "}"), ("[", "]")))
            text = brackets[0] * levels + brackets[1] * self.chance.choice((levels, 0))
            return self._post("deep", encode({"query": text[:40_000]}))
        return self._post("deep", wrap % nested)

    def parameters(self) -> Request:
        body: dict[str, Any] = {"query": "{ serverTime }"}
        for name in ("query", "variables", "operationName", "extensions", "id", self.values.text()):
            if self.chance.random() < 0.4:
                body[name] = self.values.json()
        return self._post("parameters", encode(self.chance.choice((body, body, [body], [[body]]))))

    def raw_json(self) -> Request:
        number = self.chance.choice((*RAW_NUMBERS, b"9" * self.chance.randrange(1, 20_000)))
        text = self.chance.choice(
            (b'"\\ud800"', b'"\xff\xfe"', b'"\\x"', b'"\x00"', b"'a'", b"\xed\xa0\x80", number)
        )
        return self._post(
            "json",
            self.chance.choice((b"%b", b'{"query":%b}', b'{"query":"{a}","variables":{"a":%b}}'))
            % text,
        )

    def query_string(self) -> Request:
        if self.chance.random() < 0.5:
            request = self.documents.request()
            given = {"query": request["query"], "variables": json.dumps(request["variables"])}
            encoded = urlencode(given, errors="replace").encode()
        else:
            noise = quote_from_bytes(self.values.noise(300)).encode()
            encoded = self.chance.choice((b"query=", b"variables=", b"", b"query&")) + noise
        if self.chance.random() < 0.2:
            encoded = self.values.damaged(encoded).translate(None, b" \r\n\t\x0b\x0c\x00#")
        return Request("address", self._head(b"GET", b"/graphql?" + encoded, []) + b"\r\n", True)

    def headers(self) -> Request:
        names = (
            *(
                b"accept",
                b"accept-language",
                b"authorization",
                b"content-type",
                b"origin",
                b"cookie",
            ),
            *(
                b"x-request-id",
                b"x-forwarded-for",
                b"x-forwarded-proto",
                b"if-none-match",
                b"range",
            ),
            *(
                b"content-encoding",
                b"host",
                b"forwarded",
                b"te",
                b"expect",
                b"x-challenge-response",
            ),
        )
        more = [
            (self.chance.choice(names), self._header_value())
            for _ in range(self.chance.choice((1, 1, 2, 3, 60)))
        ]
        return self._post("headers", encode(self.documents.request()), more, is_last=True)

    def broken_http(self) -> Request:
        body = b'{"query":"{ serverTime }"}'
        host = b"host: a\r\ncontent-type: application/json\r\n"
        post = b"POST /graphql HTTP/1.1\r\n" + host
        chunked = post + b"transfer-encoding: chunked\r\n\r\n"
        data = self.chance.choice(
            (
                self.values.noise(400),
                self.values.noise(100) + b"\r\n\r\n",
                b"GET /graphql HTTP/9.9\r\n\r\n",
                b"GET /graphql\r\n\r\n",
                b"FETCH /graphql HTTP/1.1\r\nhost: a\r\n\r\n",
                b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\n\r\n",
                b"GET /graphql HTTP/1.1\r\n" + b"a: b\r\n" * 2_000 + b"\r\n",
                b"GET /graphql HTTP/1.1\r\na: " + b"b" * 80_000 + b"\r\n\r\n",
                b"GET /graphql HTTP/1.1\r\nhost: a\r\n b: folded\r\n\r\n",
                b"GET /%ff%00%2e%2e/graphql HTTP/1.1\r\nhost: a\r\n\r\n",
                b"GET http://evil.example/graphql HTTP/1.1\r\nhost: a\r\n\r\n",
                b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
                b"CONNECT evil.example:443 HTTP/1.1\r\nhost: a\r\n\r\n",
                post + b"content-length: 5000\r\n\r\n" + body,
                post + b"content-length: 1\r\ncontent-length: 26\r\n\r\n" + body,
                post + b"content-length: -1\r\n\r\n" + body,
                post + b"content-length: 9999999999999999999999\r\n\r\n" + body,
                post + b"content-length: 1\r\n\r\n" + body,
                post + b"content-length: 10000000\r\n\r\n" + b" " * 150_000,
                chunked + b"zz\r\n" + body,
                chunked + b"ffffffffffffffffff\r\n" + body,
                chunked + b"1a\r\n" + body,
                chunked + b"1a\r\n" + body + b"\r\n0\r\nevil: 1\r\n\r\n",
                chunked + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n",
                post + b"expect: 100-continue\r\ncontent-length: 26\r\n\r\n",
                post + b"content-encoding: gzip\r\ncontent-length: 26\r\n\r\n" + body,
                self.values.damaged(self._post("", body).data),
            )
        )
        return Request("http", data, is_last=True)

    def elsewhere(self) -> Request:
        form = urlencode(
            {
                self.chance.choice(("grant_type", "token", "code", "email", "password", "csrf")): (
                    self.values.text().encode(errors="replace")
                )
                for _ in range(3)
            }
        ).encode()
        body, media = self.chance.choice(
            (
                (form, b"application/x-www-form-urlencoded"),
                (self.values.noise(), b"application/x-www-form-urlencoded"),
                (self.values.noise(), b"multipart/form-data; boundary=x"),
                (b"--x\r\n" + self.values.noise(), b"multipart/form-data; boundary=x"),
                (encode(self.values.json()), JSON_TYPE),
                (self.values.noise(), JSON_TYPE),
            )
        )
        method = self.chance.choice((b"POST", b"POST", b"PUT", b"DELETE", b"GET"))
        path = self.chance.choice(OTHER_PATHS)
        if method == b"GET":
            joint = b"&" if b"?" in path else b"?"
            head = self._head(b"GET", path + joint + form, [])
            return Request("elsewhere", head + b"\r\n", is_last=True)
        more = [(b"content-type", media)]
        if self.chance.random() < 0.3:
            more.append((b"authorization", b"Bearer " + self.token().encode()))
        return Request("elsewhere", self._whole(method, path, more, body), is_last=True)

    def _post(
        self,
        family: str,
        body: bytes,
        more: Sequence[tuple[bytes, bytes]] = (),
        *,
        is_last: bool = False,
    ) -> Request:
        accept = self.chance.choice(
            (
                JSON_TYPE,
                JSON_TYPE,
                b"application/graphql-response+json",
                b"text/event-stream",
                b"*/*",
            )
        )
        named = {name for name, _ in more}
        usual = [(b"content-type", JSON_TYPE), (b"accept", accept)]
        headers = [*(pair for pair in usual if pair[0] not in named), *more]
        return Request(family, self._whole(b"POST", b"/graphql", headers, body), is_last)

    def _whole(
        self, method: bytes, path: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> bytes:
        length = (b"content-length", str(len(body)).encode())
        return self._head(method, path, [*headers, length]) + b"\r\n" + body

    def _head(self, method: bytes, path: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        lines = [b"%b %b HTTP/1.1" % (method, path), b"host: api.example"]
        lines += [b"%b: %b" % header for header in headers]
        return b"\r\n".join(lines) + b"\r\n"

    def _header_value(self) -> bytes:
        value = self.chance.choice(
            (
                self.values.noise(100),
                self.chance.choice(TEXTS).encode(errors="replace"),
                b"Bearer " + base64.urlsafe_b64encode(self.values.noise(60)),
                b"Bearer eyJhbGciOiJub25lIn0.e30.",
                b"Bearer " + self.values.damaged(self.token().encode()),
                b"Basic " + base64.b64encode(self.values.noise(40)),
                b"*/*;q=nan, ;;;, a/b;q=" + b"9" * 400,
                b"text/html, application/json;q=0",
                b",".join(b"a-%d;q=0.%d" % (n, n) for n in range(300)),
                b"application/json; charset=" + self.values.noise(20),
                b"a" * 6_000,
            )
        )
        return value.translate(None, b"\r\n\x00")
