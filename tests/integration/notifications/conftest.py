"""A mail server that messages go to, and orders to write about."""

from collections.abc import AsyncIterator

import pytest

from headless_presale.notifications import SmtpTransport, set_order_link, set_transport
from headless_presale.notifications.mail import parse_sender
from tests.integration.notifications.mail_server import MailServer, running_mail_server

SENDER = parse_sender("Presale <no-reply@shop.example>")


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    """Run a mail server and send all messages there."""
    async with running_mail_server() as server:
        set_transport(SmtpTransport(SENDER, host="127.0.0.1", port=server.port))
        yield server
        set_transport(None)
        set_order_link(None)
