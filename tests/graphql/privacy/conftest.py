"""The stage on which people live and are forgotten."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.logs import NOISY
from headless_presale.notifications import SmtpTransport, set_transport
from headless_presale.notifications.mail import parse_sender
from tests.graphql.endpoint import Api
from tests.graphql.privacy.life import Stage
from tests.integration.notifications.mail_server import running_mail_server
from tests.support.receiver import open_outlet, receiving
from tests.support.till import till_open


@pytest.fixture
async def stage(
    api: Api, database_admin: asyncpg.Connection, redis: Redis, clock: ManualClock
) -> AsyncIterator[Stage]:
    async with running_mail_server() as mails, receiving() as receiver, open_outlet():
        sender = parse_sender("Presale <no-reply@shop.example>")
        set_transport(SmtpTransport(sender, host="127.0.0.1", port=mails.port))
        with till_open("sandbox", "other") as till:
            yield Stage(api, database_admin, redis, clock, till, mails, receiver)
        set_transport(None)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """Collect what the process logs: all of it, but what no configuration of ours lets through."""
    for noisy in NOISY:
        caplog.set_level(logging.WARNING, noisy)
    caplog.set_level(logging.DEBUG)
    with capture_logs() as entries:
        collected: list[Any] = [entries, caplog]
        yield collected
