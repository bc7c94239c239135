"""The way out goes to public addresses alone, and ends whatever a receiver does.

Every defence has its control: the same request where only that defence is missing arrives.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from headless_presale.kernel.addresses import check_public
from headless_presale.webhooks.outlet import MAX_RESPONSE_BYTES, Outlet, Reply
from tests.support.receiver import Receiver, receiving

BODY = b'{"type":"webhook.test"}'


async def post(outlet: Outlet, url: str) -> Reply:
    async with outlet.line(connections=1) as line:
        return await line.post(url, {"webhook-id": "msg_1"}, BODY)


class Names:
    """A resolver whose answers are told; it remembers how often it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as listening:
        yield listening


def named(url: str, host: str) -> str:
    """Return the address with another name for this machine."""
    return url.replace("127.0.0.1", host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "0"])
async def test_this_machine_is_not_reached_by_any_name(receiver: Receiver, host: str) -> None:
    reply = await post(Outlet(), named(receiver.url, host))

    assert reply.code is None
    assert "not on the public internet" in reply.error or "no address" in reply.error
    assert receiver.requests == []
    # Control: with private addresses allowed the same request arrives, where the machine knows it.
    if "no address" not in reply.error:
        assert (await post(Outlet(allow_private=True), named(receiver.url, host))).code == 200


async def test_a_name_that_leads_inside_is_refused(receiver: Receiver) -> None:
    for inside in ("127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"):
        names = Names([inside])

        reply = await post(Outlet(resolve=names), named(receiver.url, "erp.example.com"))

        assert reply.error == f"erp.example.com is at {inside}, which is not on the public internet"
    assert receiver.requests == []


async def test_a_name_is_resolved_once_so_a_second_answer_is_of_no_use(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a name that is public when it is looked at and this machine afterwards
    names = Names(["93.184.215.14"], ["127.0.0.1"])
    connected: list[str] = []
    connect = httpcore.AnyIOBackend.connect_tcp

    async def note(self: object, host: str, *args: object, **kwargs: object) -> object:
        connected.append(host)
        raise httpcore.ConnectError("no such network here")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", note)

    await post(Outlet(resolve=names), named(receiver.url, "rebinding.example"))

    # Then the connection goes to what was looked at, and nobody is asked again
    assert (names.asked, connected) == (["rebinding.example"], ["93.184.215.14"])
    assert receiver.requests == []

    # Control: a check that looks at one answer and connects to another lets it in
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    checked_apart = Names(["93.184.215.14"], ["127.0.0.1"])
    check_public("rebinding.example", await checked_apart("rebinding.example", 80))
    unguarded = Outlet(allow_private=True, resolve=checked_apart)
    assert (await post(unguarded, named(receiver.url, "rebinding.example"))).code == 200


async def test_each_connection_is_looked_at_anew(receiver: Receiver) -> None:
    outlet = Outlet(resolve=Names(["127.0.0.1"]))
    async with outlet.line(connections=2) as line:
        for _ in range(2):
            assert (await line.post(named(receiver.url, "erp.example.com"), {}, BODY)).code is None
    assert receiver.requests == []


async def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.default, receiver.headers = 307, {"location": f"{receiver.url}/inside"}

    reply = await post(Outlet(allow_private=True), f"{receiver.url}/hooks")

    assert (reply.code, reply.is_accepted) == (307, False)
    assert [request.path for request in receiver.requests] == ["/hooks"]


async def test_proxies_of_the_environment_are_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        reply = await post(Outlet(allow_private=True), f"{receiver.url}/hooks")

        assert reply.code == 200
        assert (len(receiver.requests), len(proxy.requests)) == (1, 0)


async def test_only_the_first_kilobyte_of_an_answer_is_read_and_made_storable() -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n\x00\xff<b>")
        while not writer.is_closing() and sent < 200_000_000:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()

    async with raw_server(flood) as url:
        reply = await post(Outlet(allow_private=True), url)

    assert reply.code == 200
    assert len(reply.body) <= MAX_RESPONSE_BYTES
    assert reply.body.startswith("��<b>xxx")
    assert sent < 100_000_000


async def test_a_receiver_that_takes_and_never_answers_costs_so_many_seconds() -> None:
    async def freeze(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A header a moment for ever: no single wait is long.
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"x-more: 1\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def drip_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    for behaviour in (freeze, drip, drip_body):
        async with raw_server(behaviour) as url:
            began = time.monotonic()
            reply = await post(Outlet(allow_private=True, total_seconds=0.5), url)
        assert (reply.code, reply.error) == (None, "no whole answer within 0.5 s")
        assert time.monotonic() - began < 10


async def test_what_is_no_http_or_closes_or_refuses_is_told_apart() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with raw_server(close) as url:
        assert (await post(Outlet(allow_private=True), url)).error.startswith("RemoteProtocolError")
    async with raw_server(talk) as url:
        # Whether its words or its hanging up is noticed first is chance.
        error = (await post(Outlet(allow_private=True), url)).error
        assert error.startswith(("RemoteProtocolError", "ReadError", "WriteError"))
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    reply = await post(Outlet(allow_private=True), f"http://127.0.0.1:{port}/")
    assert (reply.code, reply.error.startswith("ConnectError")) == (None, True)


async def test_a_resolver_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    reply = await post(Outlet(resolve=never, total_seconds=0.3), "https://erp.example.com/")

    assert reply.error == "no whole answer within 0.3 s"


async def test_a_certificate_is_checked_against_the_name_that_was_asked_for(
    tmp_path: Path,
) -> None:
    files = certificate(tmp_path, "erp.example.com")
    trusting = ssl.create_default_context(cafile=str(files[0]))
    names = Names(["127.0.0.1"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    async with raw_server(answer, files=files) as url:
        url = url.replace("http://", "https://")
        right, wrong = named(url, "erp.example.com"), named(url, "other.example.com")
        outlet = Outlet(allow_private=True, resolve=names, ssl_context=trusting)
        assert (await post(outlet, right)).code == 204
        assert "certificate" in (await post(outlet, wrong)).error.lower()
        # Nor is a certificate taken that nobody vouches for.
        unknown = Outlet(allow_private=True, resolve=names)
        assert "certificate" in (await post(unknown, right)).error.lower()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(serve: Serve, *, files: tuple[Path, Path] | None = None) -> AsyncIterator[str]:
    """Let something listen that answers below HTTP."""
    tasks: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    context = None
    if files is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Write a certificate for a host that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
