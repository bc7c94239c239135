"""httpx over the guarded network goes to public addresses alone, and no answer is too much for it.

Every defence has its control: the same request where only that defence is missing arrives.
"""

import gzip
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from headless_presale.kernel import guarded_transport
from headless_presale.kernel.guarded_transport import MAX_ANSWER_BYTES, GuardedTransport
from tests.support.receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as listening:
        yield listening


async def ask(url: str, *, allow_private: bool = True, **options: Any) -> httpx.Response:
    transport = GuardedTransport(allow_private=allow_private, **options)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        return await client.post(url, json={"asked": 1})


async def test_what_is_allowed_arrives_whole(receiver: Receiver) -> None:
    answer = await ask(f"{receiver.url}/a?b=c")

    assert (answer.status_code, answer.content) == (200, b"taken")
    (request,) = receiver.requests
    assert (request.path, request.body) == ("/a", b'{"asked":1}')
    assert request.headers["accept-encoding"] == "identity"


async def test_this_machine_is_not_reached_and_http_is_not_spoken(receiver: Receiver) -> None:
    with pytest.raises(httpx.ConnectError, match="not on the public internet"):
        await ask(receiver.url.replace("http:", "https:"), allow_private=False)
    with pytest.raises(httpx.UnsupportedProtocol):
        await ask(receiver.url, allow_private=False)

    async def lead_inside(host: str, port: int) -> Sequence[str]:
        return ["1.1.1.1", "10.0.0.1"]

    with pytest.raises(httpx.ConnectError, match=r"10\.0\.0\.1"):
        await ask("https://login.example/", allow_private=False, resolve=lead_inside)
    assert receiver.requests == []


async def test_an_answer_is_read_for_so_many_bytes(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.content = b"a" * (MAX_ANSWER_BYTES + 1)
    with pytest.raises(httpx.ConnectError, match="too long"):
        await ask(receiver.url)

    monkeypatch.setattr(guarded_transport, "MAX_ANSWER_BYTES", MAX_ANSWER_BYTES + 1)
    assert len((await ask(receiver.url)).content) == MAX_ANSWER_BYTES + 1


async def test_an_answer_that_unfolds_into_more_is_refused(receiver: Receiver) -> None:
    receiver.headers = {"content-encoding": "gzip"}
    receiver.content = gzip.compress(b"a" * 10_000_000)
    assert len(receiver.content) < MAX_ANSWER_BYTES

    with pytest.raises(httpx.ConnectError, match="compressed"):
        await ask(receiver.url)

    # Control: httpx by itself unfolds it
    async with httpx.AsyncClient(trust_env=False) as client:
        assert len((await client.get(receiver.url)).content) == 10_000_000


async def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.default, receiver.headers = 302, {"location": f"{receiver.url}/inside"}

    assert (await ask(receiver.url)).status_code == 302
    assert receiver.at("/inside") == []


async def test_who_never_answers_costs_so_many_seconds(receiver: Receiver) -> None:
    receiver.delays["/"] = float("inf")

    with pytest.raises(httpx.ReadTimeout):
        await ask(receiver.url, total_seconds=0.2)


async def test_who_is_away_is_told() -> None:
    with pytest.raises(httpx.ConnectError):
        await ask("http://127.0.0.1:1/")
