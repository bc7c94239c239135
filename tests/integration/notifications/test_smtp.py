"""The SMTP transport itself: TLS, login, addresses beyond ASCII."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from headless_presale.notifications import MailNotAccepted, MailRefused, SmtpTransport
from tests.integration.notifications.conftest import SENDER
from tests.integration.notifications.mail_server import running_mail_server
from tests.unit.notifications.mails import make


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Return a self-signed certificate for localhost, and a server's context with it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the program openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


def login(port: int, *, password: str = "right", starttls: bool = True) -> SmtpTransport:
    return SmtpTransport(
        SENDER,
        host="localhost",
        port=port,
        username="shop",
        password=SecretStr(password),
        starttls=starttls,
    )


async def test_a_login_goes_through_tls(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    async with running_mail_server(tls=certificate[1]) as server:
        await login(server.port).send(make())

        assert len(server.mails) == 1
        assert server.logins == [(b"shop", b"right")]


async def test_a_wrong_password_is_our_fault_and_not_the_mails(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    async with running_mail_server(tls=certificate[1]) as server:
        with pytest.raises(MailNotAccepted, match="SMTPAuthenticationError"):
            await login(server.port, password="wrong").send(make())

        assert server.mails == []


async def test_a_certificate_nobody_vouches_for_gets_no_password(
    certificate: tuple[Path, ssl.SSLContext],
) -> None:
    async with running_mail_server(tls=certificate[1]) as server:
        with pytest.raises(MailNotAccepted):
            await login(server.port).send(make())

        assert server.logins == []
        assert server.mails == []


async def test_a_server_without_tls_gets_nothing_when_tls_is_asked_for() -> None:
    async with running_mail_server() as server:
        with pytest.raises(MailNotAccepted, match="STARTTLS"):
            await login(server.port).send(make())

        assert server.logins == []
        assert server.mails == []


async def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    mail = make(recipient="林@example.com")

    async with running_mail_server(takes_utf8=True) as server:
        await SmtpTransport(SENDER, host="127.0.0.1", port=server.port).send(mail)
        assert server.recipients == ["林@example.com"]
        assert "To: Lin <林@example.com>\r\n".encode() in server.contents[0]
    async with running_mail_server() as server:
        with pytest.raises(MailRefused, match="no addresses beyond ASCII"):
            await SmtpTransport(SENDER, host="127.0.0.1", port=server.port).send(mail)
        assert server.attempts == 0


async def test_a_server_that_hangs_up_after_the_mail_has_it() -> None:
    """The answer to the mail counts; how the connection ends does not."""
    said: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test ESMTP\r\n")
        while not reader.at_eof():
            line = await reader.readline()
            said.append(line.strip())
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                while await reader.readline() != b".\r\n":
                    pass
                writer.write(b"250 taken\r\n")
                await writer.drain()
                writer.close()
                await writer.wait_closed()
                return
            writer.write(b"250 OK\r\n")

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await SmtpTransport(SENDER, host="127.0.0.1", port=port).send(make())

    assert said[-1] == b"DATA"
