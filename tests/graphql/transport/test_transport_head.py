"""What is read of a request before its operation: headers in one pass, bodies in any pieces."""

from typing import Any

import pytest

from schema.transport.errors import RequestRefused
from schema.transport.head import MAX_REMEMBERED_CHARACTERS, Head, remembered
from schema.transport.incoming import read_text


def head_of(*headers: tuple[str, str], method: str = "POST", query: bytes = b"") -> Head:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return Head({"type": "http", "method": method, "query_string": query, "headers": raw})


JSON = ("content-type", "application/json")


def test_of_a_header_that_is_sent_twice_the_first_counts() -> None:
    head = head_of(("accept", "text/html"), ("x-name", "é"), ("accept", "application/json"))

    assert head.get(b"accept") == "text/html"
    assert head.get(b"x-name") == "é"
    assert head.get(b"cookie") is None
    assert not head.identifies
    assert head_of(("cookie", "")).identifies
    assert head_of(("authorization", "")).identifies


def test_the_id_is_the_one_that_a_middleware_has_left_else_one_and_the_same() -> None:
    head = head_of()
    assert head.request_id == head.request_id
    head.scope["state"] = {"request_id": "given"}
    assert head.request_id == "given"


def test_short_values_are_read_once_and_long_ones_each_time() -> None:
    seen: list[str | None] = []

    @remembered
    def read(value: str | None) -> int:
        seen.append(value)
        return len(value or "")

    short, long = "a" * MAX_REMEMBERED_CHARACTERS, "a" * (MAX_REMEMBERED_CHARACTERS + 1)
    for value in (None, short, long) * 3:
        assert read(value) == len(value or "")
    assert seen == [None, short, long, long, long]


def pieces(*chunks: bytes, ends: bool = True) -> Any:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": not ends or n < len(chunks) - 1}
        for n, chunk in enumerate(chunks)
    ]
    messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return receive


@pytest.mark.parametrize("chunks", [(b"abcdef",), (b"ab", b"", b"cdef"), (b"", b"abcdef", b"")])
async def test_a_body_is_read_in_any_pieces(chunks: tuple[bytes, ...]) -> None:
    assert await read_text(head_of(JSON), pieces(*chunks), 6) == b"abcdef"
    with pytest.raises(RequestRefused) as too_large:
        await read_text(head_of(JSON), pieces(*chunks), 5)
    assert (too_large.value.http_status, too_large.value.headers) == (413, {"connection": "close"})
    with pytest.raises(RequestRefused, match="ended early"):
        await read_text(head_of(JSON), pieces(*chunks, ends=False), 6)


async def test_a_body_that_says_it_is_too_large_is_not_begun() -> None:
    with pytest.raises(RequestRefused) as refused:
        await read_text(head_of(JSON, ("content-length", "7")), pieces(), 6)
    assert refused.value.http_status == 413
    # What cannot be a length is left to the server, and to what really comes.
    assert await read_text(head_of(JSON, ("content-length", "x")), pieces(b"a"), 6) == b"a"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((JSON, ("content-encoding", "identity")), None),
        ((("content-type", "Application/JSON; charset=UTF-8"),), None),
        ((JSON, ("content-encoding", "")), 415),
        ((JSON, ("content-encoding", "gzip")), 415),
        ((("content-type", "application/json; charset=latin-1"),), 415),
        ((("content-type", "text/plain"),), 415),
        ((), 415),
    ],
)
async def test_what_a_body_has_to_be(
    headers: tuple[tuple[str, str], ...], status: int | None
) -> None:
    for _ in range(2):
        if status is None:
            assert await read_text(head_of(*headers), pieces(b"{}"), 6) == b"{}"
        else:
            with pytest.raises(RequestRefused) as refused:
                await read_text(head_of(*headers), pieces(b"{}"), 6)
            assert refused.value.http_status == status


async def test_a_query_string_is_taken_as_it_came() -> None:
    head = head_of(method="GET", query=b"query=%7Ba%7D")
    assert await read_text(head, pieces(), 13) == b"query=%7Ba%7D"
    with pytest.raises(RequestRefused) as refused:
        await read_text(head, pieces(), 12)
    assert refused.value.http_status == 414
