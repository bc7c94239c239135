"""A worker is killed while it writes a copy, and the next one writes it: one copy, one mail."""

import json
from pathlib import Path

import asyncpg
import pytest

from headless_presale.customers import export_token
from headless_presale.privacy import (
    PersonalDataExport,
    PersonalDataExportPiece,
    find_document,
    read_document,
)
from tests.conftest import ISSUER, SECRET_KEY
from tests.integration.notifications.conftest import mail_server
from tests.integration.notifications.mail_server import MailServer
from tests.integration.worker.processes import recover, working
from tests.support.asking_for_copies import EMAIL, order_and_ask
from tests.support.drop import open_drop
from tests.support.processes import work_until_killed
from tests.support.servers import until

__all__ = ["mail_server"]
pytestmark = pytest.mark.usefixtures("redis")

SUBJECT = "Your data from "


async def test_a_killed_copy_is_written_once(
    database: str,
    redis_url: str,
    database_admin: asyncpg.Connection,
    mail_server: MailServer,
    tmp_path: Path,
) -> None:
    # given: a copy of three orders that is asked for
    export_id = await order_and_ask(await open_drop(capacity=5, limit=5), orders=3)
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "PRESALE_DATA_DIR": str(tmp_path / "data"),
        "PRESALE_SECRET_KEY": SECRET_KEY,
        "PRESALE_PUBLIC_URL": ISSUER,
    }

    # when: a worker dies with the second piece in hand
    await work_until_killed(tmp_path, environment, "privacy.export_piece_kept:2")

    # then: the first one is there, and cannot be fetched
    assert await PersonalDataExportPiece.all().count() == 1
    assert (await PersonalDataExport.get()).ready_at is None
    assert await find_document(export_id, export_token(export_id)) is None

    # and: the next worker comes to the end
    await recover(database)
    async with working(database):
        await until(lambda: _is_mailed(mail_server), seconds=60)
    copy = await find_document(export_id, export_token(export_id))
    assert copy is not None
    read = json.loads(b"".join([piece async for piece in read_document(copy)]))
    assert len(read["orders"]) == 3
    # and: nothing of the first attempt is left, and he is told once
    assert await PersonalDataExportPiece.all().count() == copy.pieces
    mails = [mail for mail in mail_server.mails if mail["Subject"].startswith(SUBJECT)]
    assert [mail["To"] for mail in mails] == [EMAIL]


async def _is_mailed(server: MailServer) -> bool:
    return any(mail["Subject"].startswith(SUBJECT) for mail in server.mails)
