"""The gateway as a process: what it keeps through kill -9, how it starts and how it stops."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from headless_presale.sandbox_gateway.database import Database, DataFileError
from headless_presale.sandbox_gateway.settings import GatewaySettings
from tests.integration.sandbox_gateway.parties import (
    API_KEY,
    WEBHOOK_SECRET,
    Receiver,
    Shop,
    connected,
)
from tests.support.servers import bind_free_port, until


def _free_port() -> int:
    with bind_free_port() as listener:
        port: int = listener.getsockname()[1]
        return port


def _environment(settings: GatewaySettings) -> dict[str, str]:
    return os.environ | {
        "SANDBOX_GATEWAY_PORT": str(settings.port),
        "SANDBOX_GATEWAY_DATA_FILE": str(settings.data_file),
        "SANDBOX_GATEWAY_API_KEY": API_KEY,
        "SANDBOX_GATEWAY_WEBHOOK_URL": str(settings.webhook_url),
        "SANDBOX_GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SANDBOX_GATEWAY_RETRY_BASE_SECONDS": "0.05",
        "SANDBOX_GATEWAY_SHUTDOWN_SECONDS": "1",
    }


@pytest.fixture
def settings(receiver: Receiver, tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(
        port=_free_port(),
        data_file=tmp_path / "new folder" / "gateway.sqlite3",
        api_key=API_KEY,  # type: ignore[arg-type]
        webhook_url=receiver.url,  # type: ignore[arg-type]
        webhook_secret=WEBHOOK_SECRET,  # type: ignore[arg-type]
    )


async def start_process(settings: GatewaySettings, **changes: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "headless_presale.sandbox_gateway",
        env=_environment(settings) | changes,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@asynccontextmanager
async def process_running(
    settings: GatewaySettings, receiver: Receiver
) -> AsyncIterator[tuple[Shop, Process]]:
    process = await start_process(settings)
    try:
        async with connected(settings, receiver) as shop:

            async def is_up() -> bool:
                assert process.returncode is None
                try:
                    return (await shop.client.get("/healthz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(is_up)
            yield shop, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_webhook_cut_off_by_kill_9_is_delivered_after_the_restart(
    settings: GatewaySettings, receiver: Receiver
) -> None:
    body = {"amount": 700, "currency": "CNY", "reference": "kill-9"}
    # Given a payment whose webhook the shop has been given but not yet accepted
    receiver.silent = True
    async with process_running(settings, receiver) as (shop, process):
        created = await shop.post("/v1/payment_intents", body, key="before-the-crash")
        intent_id = created.json()["id"]
        await shop.post(f"/v1/test_helpers/payment_intents/{intent_id}/pay")
        (cut_off,) = await receiver.wait_for(intent_id, 1)

        # When
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    receiver.silent = False

    # Then the next process delivers it unasked
    async with process_running(settings, receiver) as (shop, _):
        messages = await receiver.wait_for(intent_id, 2)
        assert messages[1].body == cut_off.body
        assert messages[1].headers["webhook-id"] == cut_off.headers["webhook-id"]
        # And remembers what it had answered
        assert (await shop.get_intent(intent_id))["status"] == "succeeded"
        repeated = await shop.post("/v1/payment_intents", body, key="before-the-crash")
        assert repeated.json() == created.json()
        assert await shop.event_types_of(intent_id) == ["payment_intent.succeeded"]


async def test_what_it_was_told_and_what_falls_due_survive_kill_9(
    settings: GatewaySettings, receiver: Receiver
) -> None:
    # Given webhooks paused, a refund on its way, and no time for either
    async with process_running(settings, receiver) as (shop, process):
        await shop.set_webhooks(paused=True)
        await shop.set_refunds(delay_seconds=0.5)
        intent = await shop.create_paid_intent(amount=900)
        await shop.post(
            "/v1/refunds", {"payment_intent": intent["id"], "amount": 900, "reference": "r"}
        )

        # When
        process.send_signal(signal.SIGKILL)
        await process.wait()

    # Then the refund settles, and the pause holds until it is ended
    async with process_running(settings, receiver) as (shop, _):

        async def settled() -> bool:
            return bool((await shop.get_intent(intent["id"]))["amount_refunded"] == 900)

        await until(settled)
        assert receiver.of(intent["id"]) == []
        await shop.set_webhooks(paused=False)
        await receiver.wait_for(intent["id"], 2)
        assert receiver.types_of(intent["id"]) == ["payment_intent.succeeded", "refund.succeeded"]


async def test_sigterm_lets_a_delivery_finish_and_leaves_a_clean_file(
    settings: GatewaySettings, receiver: Receiver
) -> None:
    async with process_running(settings, receiver) as (shop, process):
        intent = await shop.create_paid_intent()

        process.terminate()
        await process.wait()

        # uvicorn stops in order, then lets the signal end the process as its sender expects.
        assert process.returncode == -signal.SIGTERM
        assert len(receiver.of(intent["id"])) == 1
        # No write-ahead log is left: the file was closed, not dropped.
        assert [path.name for path in settings.data_file.parent.iterdir()] == ["gateway.sqlite3"]


async def test_a_second_gateway_on_the_same_file_does_not_start(
    settings: GatewaySettings, receiver: Receiver
) -> None:
    async with process_running(settings, receiver) as (shop, process):
        rival = settings.model_copy(update={"port": _free_port()})

        refused = await start_process(rival)
        _, complaint = await refused.communicate()

        assert refused.returncode == 3
        assert b"is in use by another gateway" in complaint
        assert (await shop.get("/healthz")) == {"status": "ok"}
        # And the first ends on Ctrl-C without a word
        process.send_signal(signal.SIGINT)
        _, complaint = await process.communicate()
        assert (process.returncode, complaint) == (0, b"")


async def test_a_file_of_another_version_is_left_alone(settings: GatewaySettings) -> None:
    # Given
    settings.data_file.parent.mkdir()
    with closing(sqlite3.connect(settings.data_file)) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.commit()
    before = settings.data_file.read_bytes()

    # When
    database = Database(settings.data_file, base_url="http://gateway", sends_webhooks=True)
    with pytest.raises(DataFileError, match="is of version 99, not 1"):
        await database.open(on_change=lambda: None)

    # Then
    assert settings.data_file.read_bytes() == before


async def test_settings_that_cannot_work_end_it_with_their_names(
    settings: GatewaySettings,
) -> None:
    refused = await start_process(
        settings, SANDBOX_GATEWAY_API_KEY="short", SANDBOX_GATEWAY_PORT="70000"
    )
    _, complaint = await refused.communicate()

    assert refused.returncode == 2
    assert [line.partition(":")[0] for line in complaint.decode().splitlines()] == [
        "SANDBOX_GATEWAY_PORT",
        "SANDBOX_GATEWAY_API_KEY",
    ]
    assert not settings.data_file.parent.exists()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"webhook_secret": "no-prefix"}, "starts with whsec_"),
        ({"webhook_secret": "whsec_!!"}, "is base64"),
        ({"webhook_secret": "whsec_c2hvcnQ="}, "at least 16 bytes"),
        ({"webhook_url": "ftp://shop"}, "URL scheme"),
        ({"webhook_url": "http://shop"}, "needs a webhook_secret"),
        ({"retry_attempts": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_are_checked_before_anything_starts(
    changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        GatewaySettings(**({"api_key": API_KEY} | changes))
