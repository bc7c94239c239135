"""The fast path says and does what the middleware does: both are asked the same."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from headless_presale import cross_origin, middleware
from headless_presale.cli.http import DoorProtocol
from headless_presale.fast_path import Answered, FastPath
from headless_presale.kernel.clock import ManualClock
from headless_presale.overload import Door
from headless_presale.settings import Settings
from headless_presale.shops.models import Shop
from schema.transport import PresaleGraphQL
from tests.conftest import SECRET_KEY
from tests.integration.http.fast_path_cases import (
    ASK,
    JSON,
    OURS,
    PAGE,
    Case,
    campaign_id,
    cases,
    page_address,
)
from tests.support.api import api_serving
from tests.support.servers import until
from tests.support.shop import Sale, open_sale

GUARD_SECONDS = 30


@pytest.fixture
def settings(database: str, redis: Redis, redis_url: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database,
            "redis_url": redis_url,
            "data_dir": tmp_path,
            "secret_key": SECRET_KEY,
            "public_url": "https://api.example",
            # This machine as the proxy in front: then a test chooses who it is.
            "trusted_proxies": "127.0.0.0/8",
            "rate_limit_requests": 40,
            "max_body_bytes": 3_000,
        }
    )


@pytest.fixture
async def sale(database: str, clock: ManualClock) -> Sale:
    sale = await open_sale()
    await Shop.filter(id=sale.shop.id).update(storefront_origins=[OURS])
    return sale


class LongWay(DoorProtocol):
    """The product's server as it would be without a fast path."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._fast = None


@asynccontextmanager
async def connected(
    settings: Settings, protocol: type[DoorProtocol] = DoorProtocol
) -> AsyncIterator[int]:
    """Serve; yield the port."""
    async with api_serving(settings, protocol=protocol) as client:
        assert client.base_url.port is not None
        yield client.base_url.port


async def read_answer(reader: asyncio.StreamReader) -> tuple[list[bytes], bytes]:
    """Return the lines of an answer, but for the date, and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"date:")]
    length = next((int(x[15:]) for x in lines if x.startswith(b"content-length:")), None)
    has_none = lines[0].startswith((b"HTTP/1.1 304", b"HTTP/1.1 204"))
    if length is not None and not has_none:
        return lines, await reader.readexactly(length)
    return lines, b"" if has_none else await reader.readuntil(b"0\r\n\r\n")


async def ask(port: int, request: bytes, times: int) -> list[tuple[list[bytes], bytes]]:
    """Ask the same so many times, over one connection as long as it lasts."""
    answers: list[tuple[list[bytes], bytes]] = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(GUARD_SECONDS):
            for _ in range(times):
                writer.write(request)
                answers.append(await read_answer(reader))
                if b"connection: close" in answers[-1][0]:
                    assert await reader.read() == b""
                    break
    finally:
        writer.close()
    return answers


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What came of the requests that went the fast path."""
    noted: list[object] = []
    begin = FastPath.begin

    def note(path: FastPath, scope: Any, body: bytes) -> Any:
        noted.append(begin(path, scope, body))
        return noted[-1]

    monkeypatch.setattr(FastPath, "begin", note)
    return noted


async def test_both_ways_answer_the_same(
    settings: Settings, sale: Sale, begun: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_origin, "REMEMBER_SECONDS", 0.0)
    monkeypatch.setattr(middleware, "getrandbits", lambda _: 7)
    kept = 0
    async with connected(settings) as fast, connected(settings, LongWay) as long:
        for number, case in enumerate(cases(sale)):
            del begun[:]
            said = await ask(fast, case.written(f"198.51.100.{number}"), case.times)
            assert len(begun) == (len(said) if case.is_fast else 0), case.name
            kept += sum(isinstance(each, Answered) for each in begun)
            del begun[:]
            expected = await ask(long, case.written(f"203.0.113.{number}"), case.times)
            assert begun == []
            assert [each for each, _ in said] == [each for each, _ in expected], case.name
            assert [each for _, each in said] == [each for _, each in expected], case.name
    # The pages that were asked again within the second were answered within the call.
    assert kept


async def test_an_unchanged_page_is_told_to_be_so(settings: Settings, sale: Sale) -> None:
    page = Case("a page", "GET", page_address(sale))
    async with connected(settings) as fast, connected(settings, LongWay) as long:
        (lines, body), *_ = await ask(fast, page.written("198.51.100.1"), 1)
        tag = next(line[6:].decode() for line in lines if line.startswith(b"etag: "))
        assert lines[0] == b"HTTP/1.1 200 OK"
        assert body
        for number, sent in enumerate((tag, f'"x", W/{tag}')):
            again = Case("again", "GET", page_address(sale), headers=[("If-None-Match", sent)])
            said = await ask(fast, again.written(f"198.51.100.1{number}"), 3)
            assert [lines[0] for lines, _ in said] == [b"HTTP/1.1 304 Not Modified"] * 3
            assert said == await ask(long, again.written(f"198.51.100.2{number}"), 3)


async def test_a_site_that_is_known_need_not_wait(
    settings: Settings, sale: Sale, begun: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_origin, "REMEMBER_SECONDS", 3_600.0)
    page = json.dumps({"query": PAGE, "variables": {"id": campaign_id(sale)}}).encode()
    case = Case("a site's", body=page, headers=[JSON, ("Origin", OURS)])
    async with connected(settings) as port:
        said = await ask(port, case.written("198.51.100.1"), 4)
    assert all(b"access-control-allow-origin: *" in lines for lines, _ in said)
    assert len(begun) == 3


async def test_a_stream_that_is_only_known_by_its_document(settings: Settings, sale: Sale) -> None:
    query = "subscription ($id: ID!) { campaignAvailability(campaignId: $id) { status } }"
    body = json.dumps({"query": query, "variables": {"id": campaign_id(sale)}}).encode()
    case = Case("a stream", body=body, headers=[JSON, ("Accept", "*/*")])
    heads = []
    for protocol in (DoorProtocol, LongWay):
        async with connected(settings, protocol) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(case.written("198.51.100.1"))
            async with asyncio.timeout(GUARD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"event: next\ndata: " in await reader.readuntil(b'"data":')
            heads.append([line for line in head.split(b"\r\n") if not line.startswith(b"date")])
            writer.close()
    assert heads[0] == heads[1]
    assert b"content-type: text/event-stream; charset=utf-8" in heads[0]
    assert b"x-frame-options: DENY" in heads[0]


@pytest.mark.parametrize("protocol", [DoorProtocol, LongWay])
async def test_what_nobody_caught_is_told_by_its_id_alone(
    settings: Settings, sale: Sale, monkeypatch: pytest.MonkeyPatch, protocol: type[DoorProtocol]
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(PresaleGraphQL, "_respond", fail)
    async with connected(settings, protocol) as port:
        ((lines, body),) = await ask(
            port, Case("any", body=ASK, headers=[JSON]).written("198.51.100.1"), 1
        )
    assert lines[0] == b"HTTP/1.1 500 Internal Server Error"
    assert json.loads(body) == {"error": {"code": "INTERNAL", "requestId": "asked-by-both"}}
    assert b"x-frame-options: DENY" in lines
    # What counted the request is inside of what tells of the failure.
    assert not any(line.startswith(b"ratelimit: ") for line in lines)


async def test_what_fails_on_the_short_way_is_answered_on_the_next(
    settings: Settings, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(PresaleGraphQL, "find_kept", fail)
    async with connected(settings) as port:
        page = Case("a page", "GET", page_address(sale))
        said = await ask(port, page.written("198.51.100.1"), 2)
    assert [lines[0] for lines, _ in said] == [b"HTTP/1.1 200 OK"] * 2


async def test_requests_that_come_together_are_answered_in_their_order(
    settings: Settings, sale: Sale
) -> None:
    page = Case("a page", "GET", page_address(sale))
    names = [f"request-{number}" for number in range(6)]
    written = b"".join(
        Case(**{**vars(page), "headers": [("X-Request-ID", name)]}).written("198.51.100.1")
        for name in names
    )
    async with connected(settings) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        # None is kept at first, then all are; cut anywhere, too.
        for cut in (len(written), 1, 700, len(written) - 1):
            writer.write(written[:cut])
            await asyncio.sleep(0)
            writer.write(written[cut:])
            async with asyncio.timeout(GUARD_SECONDS):
                answers = [await read_answer(reader) for _ in names]
            ids = [next(x for x in lines if x.startswith(b"x-request-id")) for lines, _ in answers]
            assert ids == [f"x-request-id: {name}".encode() for name in names]
            assert {lines[0] for lines, _ in answers} == {b"HTTP/1.1 200 OK"}
        writer.close()


async def test_places_are_given_back(
    settings: Settings, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors: list[Door] = []
    enter = Door.enter

    def noted(door: Door) -> Any:
        doors.append(door)
        return enter(door)

    monkeypatch.setattr(Door, "enter", noted)
    request = Case("any", body=ASK, headers=[JSON, ("Cookie", "a=b")]).written("198.51.100.1")
    async with connected(settings) as port:
        await ask(port, request, 3)
        assert len(doors) == 3
        # Who goes away in the middle of a body takes none; whose answer nobody waits for, neither.
        for cut in (len(request) - 1, len(request)):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request[:cut])
            await writer.drain()
            writer.transport.abort()
        await until(lambda: doors[0].count_inside() == 0)
        assert len(await ask(port, request, 2)) == 2
        await until(lambda: doors[0].count_inside() == 0)


class Unread(DoorProtocol):
    """The server's side of the newest connection."""

    newest: DoorProtocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        Unread.newest = self


class Heedless(Unread):
    """One that writes on, whether anybody reads or not."""

    def _is_free(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return (cycle is None or cycle.response_complete) and not self.pipeline


@pytest.mark.parametrize("protocol", [Unread, Heedless])
async def test_nothing_is_piled_up_for_who_does_not_read(
    settings: Settings, sale: Sale, protocol: type[Unread]
) -> None:
    unlimited = settings.model_copy(update={"rate_limit_requests": 0})
    request = Case("a page", "GET", page_address(sale)).written("198.51.100.1")
    many = 20_000
    async with connected(unlimited, protocol) as port:
        await ask(port, request, 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        server = Unread.newest
        writer.write(request * many)
        highest, before = 0, -1
        # When nothing moves any more, all is taken that is.
        while before != writer.transport.get_write_buffer_size():
            before = writer.transport.get_write_buffer_size()
            for _ in range(50):
                await asyncio.sleep(0.002)
                highest = max(highest, server.transport.get_write_buffer_size())
        is_bounded = highest < 200_000
        assert is_bounded is (protocol is Unread)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(GUARD_SECONDS):
            for _ in range(200):
                lines, _ = await read_answer(reader)
                assert lines[0] == b"HTTP/1.1 200 OK"
        writer.transport.abort()
