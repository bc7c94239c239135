"""The stage on which people live and are forgotten."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.kernel.clock import ManualClock
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
