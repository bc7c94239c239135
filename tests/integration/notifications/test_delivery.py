"""Sending: to a real server, once, through its refusals."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from headless_presale.checkout import Buyer
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import drain
from headless_presale.notifications import (
    FileTransport,
    MailNotAccepted,
    Message,
    MessageBusy,
    SmtpTransport,
    deliver,
    set_order_link,
    set_transport,
)
from headless_presale.notifications.delivery import CLAIM_SECONDS
from headless_presale.payments import PaymentLeg
from tests.integration.notifications.conftest import SENDER
from tests.integration.notifications.mail_server import MailServer
from tests.integration.notifications.orders import open_deposit_sale, pay, place
from tests.support.shop import open_sale

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def a_message(*, locale: str = "en", email: str = "lin@example.com") -> UUID:
    """Write a confirmation and return its id."""
    order = await place(await open_deposit_sale(), locale=locale, email=email)
    await pay(order, PaymentLeg.DEPOSIT)
    return (await Message.get()).id


async def test_a_mail_arrives_and_is_noted_as_sent(
    mail_server: MailServer, clock: ManualClock
) -> None:
    message_id = await a_message(locale="zh-CN")

    await deliver(message_id)

    (mail,) = mail_server.mails
    message = await Message.get()
    assert mail_server.recipients == ["lin@example.com"]
    assert mail["Message-ID"] == f"<{message_id}@shop.example>"
    assert mail["Subject"] == (
        f"【Moonlit Forge】定金支付成功，订单 {message.context['order_number']} 已确认"
    )
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "已付定金：¥20.00" in text.get_content().splitlines()
    assert "¥20.00" in html.get_content()
    assert (message.sent_at, message.failed_at, message.claimed_until) == (clock.now(), None, None)


async def test_a_message_that_is_sent_is_not_sent_again(mail_server: MailServer) -> None:
    message_id = await a_message()

    await deliver(message_id)
    await deliver(message_id)

    assert len(mail_server.mails) == 1
    assert mail_server.attempts == 1


async def test_two_workers_at_once_send_one_mail(mail_server: MailServer) -> None:
    message_id = await a_message()
    mail_server.is_open.clear()

    first = asyncio.create_task(deliver(message_id))
    await asyncio.wait_for(mail_server.was_tried.wait(), 30)
    with pytest.raises(MessageBusy):
        await deliver(message_id)
    mail_server.is_open.set()
    await first

    assert len(mail_server.mails) == 1
    assert (await Message.get()).sent_at is not None


async def test_a_worker_that_dies_gives_way_after_a_while(
    mail_server: MailServer, clock: ManualClock
) -> None:
    message_id = await a_message()
    # As a killed worker leaves it: claimed, and nobody left to say how it went.
    await Message.filter(id=message_id).update(
        claimed_until=clock.now() + timedelta(seconds=CLAIM_SECONDS)
    )

    clock.advance(timedelta(seconds=CLAIM_SECONDS - 1))
    with pytest.raises(MessageBusy):
        await deliver(message_id)
    assert mail_server.mails == []
    clock.advance(timedelta(seconds=1))
    await deliver(message_id)

    assert len(mail_server.mails) == 1


async def test_a_second_copy_after_a_crash_is_the_same_mail(mail_server: MailServer) -> None:
    message_id = await a_message()
    await deliver(message_id)
    # The mail is out, but the process died before it could note that.
    await Message.filter(id=message_id).update(sent_at=None)

    await deliver(message_id)

    first, second = mail_server.mails
    assert first.as_bytes() == second.as_bytes()
    assert first["Message-ID"] == f"<{message_id}@shop.example>"


@pytest.mark.parametrize("step", ["at_recipient", "at_content"])
async def test_a_temporary_refusal_is_tried_again(mail_server: MailServer, step: str) -> None:
    message_id = await a_message()
    setattr(mail_server, step, ["451 4.7.1 Greylisted, try again later"])

    with pytest.raises(MailNotAccepted, match=r"451 4\.7\.1 Greylisted"):
        await deliver(message_id)
    waiting = await Message.get()
    assert (waiting.sent_at, waiting.failed_at, waiting.claimed_until) == (None, None, None)
    assert mail_server.mails == []
    await deliver(message_id)

    assert len(mail_server.mails) == 1
    assert (await Message.get()).sent_at is not None


@pytest.mark.parametrize("step", ["at_recipient", "at_content"])
async def test_a_permanent_refusal_is_final_and_recorded(
    mail_server: MailServer, clock: ManualClock, step: str
) -> None:
    message_id = await a_message()
    setattr(mail_server, step, ["550 5.1.1 No such user"])

    await deliver(message_id)
    await deliver(message_id)

    message = await Message.get()
    assert mail_server.mails == []
    assert mail_server.attempts == 1
    assert message.sent_at is None
    assert message.failed_at == clock.now()
    assert message.failure == "550 5.1.1 No such user"


async def test_a_server_that_is_gone_is_tried_again(mail_server: MailServer) -> None:
    message_id = await a_message()
    set_transport(SmtpTransport(SENDER, host="127.0.0.1", port=1))

    with pytest.raises(MailNotAccepted, match="SMTPConnectError"):
        await deliver(message_id)
    set_transport(SmtpTransport(SENDER, host="127.0.0.1", port=mail_server.port))
    await deliver(message_id)

    assert len(mail_server.mails) == 1


async def test_a_server_that_does_not_answer_is_given_up_in_time(mail_server: MailServer) -> None:
    message_id = await a_message()
    mail_server.is_open.clear()
    set_transport(
        SmtpTransport(SENDER, host="127.0.0.1", port=mail_server.port, step_timeout_seconds=0.2)
    )

    with pytest.raises(MailNotAccepted, match="Timeout"):
        await deliver(message_id)

    message = await Message.get()
    assert (message.sent_at, message.failed_at, message.claimed_until) == (None, None, None)


async def test_a_caller_that_goes_away_does_not_tear_a_mail_in_half(
    mail_server: MailServer,
) -> None:
    message_id = await a_message()
    mail_server.is_open.clear()
    caller = asyncio.create_task(deliver(message_id))
    await asyncio.wait_for(mail_server.was_tried.wait(), 30)

    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    mail_server.is_open.set()

    assert await drain(5) == 0
    assert len(mail_server.mails) == 1
    assert (await Message.get()).sent_at is not None


async def test_a_message_that_is_gone_is_let_go(mail_server: MailServer) -> None:
    await deliver(uuid4())

    assert mail_server.attempts == 0


async def test_without_a_transport_nothing_is_claimed() -> None:
    message_id = await a_message()

    with pytest.raises(RuntimeError, match="no mail transport is set"):
        await deliver(message_id)

    assert (await Message.get()).claimed_until is None


async def test_a_hostile_buyer_reaches_only_himself(mail_server: MailServer) -> None:
    name = '王小明", <victim@example.com>\r\nBcc: victim@example.com\r\n\r\n<b>hello</b>'
    order = await place(await open_sale(), buyer=Buyer(email="lin@example.com", name=name))
    await pay(order, PaymentLeg.FULL)

    await deliver((await Message.get()).id)

    (mail,) = mail_server.mails
    html = mail.get_body(("html",))
    assert html is not None
    assert mail_server.recipients == ["lin@example.com"]
    assert [address.addr_spec for address in mail["To"].addresses] == ["lin@example.com"]
    assert mail["Bcc"] is None
    assert "&lt;b&gt;hello&lt;/b&gt;" in html.get_content()
    assert "<b>hello" not in html.get_content()


async def test_a_link_is_made_when_the_mail_is_and_kept_nowhere(mail_server: MailServer) -> None:
    message_id = await a_message()
    order_id = (await Message.get()).context["order_id"]
    set_order_link(lambda order: f"https://shop.example/orders/{order.id}?token=s3cret")

    await deliver(message_id)

    text = mail_server.mails[0].get_body(("plain",))
    assert text is not None
    assert f"https://shop.example/orders/{order_id}?token=s3cret" in text.get_content().splitlines()
    assert "s3cret" not in str((await Message.get()).context)


async def test_the_file_transport_writes_one_file_per_message(tmp_path: Path) -> None:
    message_id = await a_message()
    set_transport(FileTransport(SENDER, tmp_path))
    try:
        await deliver(message_id)
        await Message.filter(id=message_id).update(sent_at=None)
        await deliver(message_id)
    finally:
        set_transport(None)

    assert os.listdir(tmp_path) == [f"{message_id}.eml"]
    assert (await Message.get()).sent_at is not None
