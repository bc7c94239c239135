"""Ways out: a mail server, a folder, the terminal."""

import asyncio
import contextlib
import os
import re
import sys
import tempfile
from email.headerregistry import Address
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from pydantic import SecretStr

from headless_presale.kernel.later import later
from headless_presale.notifications.errors import MailNotAccepted, MailRefused
from headless_presale.notifications.mail import Mail, parse_sender

if TYPE_CHECKING:
    import aiosmtplib
else:
    aiosmtplib = later("aiosmtplib")

STEP_TIMEOUT_SECONDS = 20.0
"""How long a mail server may take for one answer."""
SEND_TIMEOUT_SECONDS = 60.0
"""How long all of it may take. Below ``delivery.CLAIM_SECONDS``: a slow send keeps its claim."""
TLS_PORT = 465
"""Submission over TLS from the first byte (RFC 8314)."""


_ADDRESS = re.compile(r"[^\s<>(),:;\"]+@[^\s<>(),:;\"]+")


class MailTransport(Protocol):
    """Takes a mail, or says why not."""

    @property
    def sender(self) -> Address:
        """Whom mails are from."""

    async def send(self, mail: Mail) -> None:
        """Hand the mail over; it is accepted once this returns.

        Raises:
            MailRefused: refused for good.
            MailNotAccepted: not now; try again later.
        """


class ConsoleTransport:
    """Prints what a buyer would read."""

    def __init__(self, sender: Address, *, stream: TextIO | None = None) -> None:
        self.sender = sender
        self._stream = stream

    async def send(self, mail: Mail) -> None:
        content = mail.content
        body = content.get_body(("plain",))
        text = body.get_content().replace("\r\n", "\n") if body else ""
        headers = "".join(f"{name}: {content[name]}\n" for name in ("From", "To", "Subject"))
        print(
            f"{headers}\n{text}",
            file=self._stream or sys.stdout,
            flush=True,
        )


class FileTransport:
    """Writes one ``<message id>.eml`` per message; the same message again is the same file."""

    def __init__(self, sender: Address, directory: Path) -> None:
        self.sender = sender
        self._directory = directory

    async def send(self, mail: Mail) -> None:
        try:
            await asyncio.to_thread(self._write, f"{mail.message_id}.eml", mail.as_bytes())
        except OSError as error:
            raise MailNotAccepted(f"the mail cannot be written: {error}") from error

    def _write(self, name: str, content: bytes) -> None:
        """Write all or nothing; names and addresses in it are for the owner only."""
        self._directory.mkdir(parents=True, exist_ok=True)
        descriptor, path = tempfile.mkstemp(dir=self._directory, prefix=f".{name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(path, self._directory / name)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            raise


class SmtpTransport:
    """Hands mails to a mail server, one connection each."""

    def __init__(
        self,
        sender: Address,
        *,
        host: str,
        port: int,
        username: str | None = None,
        password: SecretStr | None = None,
        starttls: bool = False,
        step_timeout_seconds: float = STEP_TIMEOUT_SECONDS,
    ) -> None:
        """Set up; nothing is connected yet.

        Args:
            port: 465 speaks TLS from the first byte.
            starttls: insist on STARTTLS; without it the connection stays as it is.

        Raises:
            ValueError: ``starttls`` on port 465.
        """
        if starttls and port == TLS_PORT:
            raise ValueError("port 465 is TLS already: turn STARTTLS off")
        self.sender = sender
        self._host = host
        self._port = port
        self._username = username
        self._password = password
        self._starttls = starttls
        self._step_timeout_seconds = step_timeout_seconds

    async def send(self, mail: Mail) -> None:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password.get_secret_value() if self._password else None,
            use_tls=self._port == TLS_PORT,
            start_tls=self._starttls,
            timeout=self._step_timeout_seconds,
        )
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._hand_over(client, mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _verdict(error.recipients[0]) from error
        except aiosmtplib.SMTPDataError as error:
            raise _verdict(error) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Also a 5xx to our greeting, login or sender: that is our set-up, which somebody can
            # mend, and not this buyer's mail.
            raise MailNotAccepted(without_addresses(f"{type(error).__name__}: {error}")) from error
        else:
            # The mail is the server's now, whatever becomes of the goodbye.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.quit(timeout=5)
        finally:
            client.close()

    async def _hand_over(self, client: "aiosmtplib.SMTP", mail: Mail) -> None:
        await client.connect()
        options: list[str] = []
        if mail.needs_smtputf8:
            await client.ehlo()
            if not client.supports_extension("smtputf8"):
                raise MailRefused("the mail server takes no addresses beyond ASCII")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        await client.sendmail(mail.sender, [mail.recipient], mail.as_bytes(), mail_options=options)


def _verdict(answer: "aiosmtplib.SMTPResponseException") -> MailRefused | MailNotAccepted:
    """Read a server's answer to the recipient or to the content: 5xx is final (RFC 5321, 4.2.1)."""
    kind = MailRefused if 500 <= answer.code < 600 else MailNotAccepted
    return kind(without_addresses(f"{answer.code} {answer.message}"))


def without_addresses(text: str) -> str:
    """Return what a server said without the addresses it repeated: it goes into logs."""
    return _ADDRESS.sub("...", text)


class MailSettings(Protocol):
    """The settings that choose a transport."""

    @property
    def mail_transport(self) -> str: ...
    @property
    def mail_from(self) -> str: ...
    @property
    def mail_dir(self) -> Path | None: ...
    @property
    def data_dir(self) -> Path: ...
    @property
    def smtp_host(self) -> str: ...
    @property
    def smtp_port(self) -> int: ...
    @property
    def smtp_username(self) -> str | None: ...
    @property
    def smtp_password(self) -> SecretStr | None: ...
    @property
    def smtp_starttls(self) -> bool: ...


def make_transport(settings: MailSettings) -> MailTransport:
    """Return the transport that the settings name.

    Raises:
        ValueError: the settings contradict each other or name no sender.
    """
    sender = parse_sender(settings.mail_from)
    match settings.mail_transport:
        case "console":
            return ConsoleTransport(sender)
        case "file":
            return FileTransport(sender, settings.mail_dir or settings.data_dir / "mail")
        case "smtp":
            return SmtpTransport(
                sender,
                host=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username,
                password=settings.smtp_password,
                starttls=settings.smtp_starttls,
            )
        case unknown:
            raise ValueError(f"there is no mail transport {unknown!r}")
