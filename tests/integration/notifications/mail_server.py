"""A mail server that speaks real SMTP and answers as it is told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class MailServer:
    """Keeps what it accepted.

    Before it accepts, it gives the answers it was told, one per attempt: ``at_recipient`` to the
    recipient, ``at_content`` to the mail itself.
    """

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []
        self.contents: list[bytes] = []
        self.recipients: list[str] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.at_recipient: list[str] = []
        self.at_content: list[str] = []
        self.attempts = 0
        self.was_tried = asyncio.Event()
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.attempts += 1
        self.was_tried.set()
        await self.is_open.wait()
        if self.at_recipient:
            return self.at_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.at_content:
            return self.at_content.pop(0)
        assert isinstance(envelope.content, bytes)
        self.contents.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    def check_login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


@asynccontextmanager
async def running_mail_server(
    *, tls: ssl.SSLContext | None = None, takes_utf8: bool = False
) -> AsyncIterator[MailServer]:
    """Run a mail server; with ``tls`` it insists on STARTTLS and a login."""
    mailbox = MailServer()
    loop = asyncio.get_running_loop()

    def connect() -> SMTP:
        return SMTP(
            mailbox,
            hostname="mail.test",
            loop=loop,
            enable_SMTPUTF8=takes_utf8,
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=tls is not None,
            authenticator=mailbox.check_login,
        )

    server = await loop.create_server(connect, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        mailbox.is_open.set()
        server.close()
        await server.wait_closed()
