"""Sending a message that was written: once, as far as SMTP allows.

A worker claims the message, hands it over, and notes that it did. Between the last two a crash can
cause a second copy, which bears the same Message-ID; nothing else can.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog

from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications.account_mails import account_secret
from headless_presale.notifications.announcing import (
    find_obstacle,
    list_mail_link,
    unsubscribe_link,
)
from headless_presale.notifications.errors import MailRefused, MessageBusy
from headless_presale.notifications.mail import Mail, compose
from headless_presale.notifications.models import (
    AccountMailKind,
    ListMailKind,
    Message,
    MessageKind,
)
from headless_presale.notifications.rendering import (
    render,
    render_account_mail,
    render_list_mail,
)
from headless_presale.notifications.transports import MailTransport
from headless_presale.orders import OrderView, find_order

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 120
"""How long a worker may take over a message before another one may try."""

OrderLink = Callable[[OrderView], str]

_transport: MailTransport | None = None
_order_link: OrderLink | None = None


def set_transport(transport: MailTransport | None) -> None:
    """Install the way out. Called by the composition root of a process that runs jobs."""
    global _transport
    _transport = transport


def set_order_link(link: OrderLink | None) -> None:
    """Install what makes an order's address in a storefront. Without it messages have no link.

    The address may carry the order's access token: the one that counts when the message is sent.
    It is kept nowhere.
    """
    global _order_link
    _order_link = link


@shielded
async def deliver(message_id: UUID) -> None:
    """Send a message, unless it is sent or failed already. Safe to repeat and to race.

    A mail that is refused for good is recorded as failed and not raised.

    Raises:
        MailNotAccepted: not now; the message waits to be tried again.
        MessageBusy: somebody else has it in hand.
    """
    transport = _transport
    if transport is None:
        raise RuntimeError("no mail transport is set")
    message = await _claim(message_id)
    if message is None:
        return
    try:
        if (obstacle := await find_obstacle(message)) is not None:
            raise MailRefused(obstacle)
        await transport.send(await _compose(message, transport))
        reach("messages.sent")
    except MailRefused as refusal:
        await record_failure(message_id, str(refusal))
    except Exception:
        await _release(message)
        raise
    else:
        await _record_sent(message_id)


async def _compose(message: Message, transport: MailTransport) -> Mail:
    leave = None
    if message.kind in list(AccountMailKind):
        secret = account_secret(AccountMailKind(message.kind), message.subject_id)
        words = render_account_mail(
            AccountMailKind(message.kind), message.locale, message.context, secret=secret
        )
        name = message.context["recipient_name"]
    elif message.kind in list(ListMailKind):
        leave = unsubscribe_link(message)
        words = render_list_mail(
            ListMailKind(message.kind),
            message.locale,
            message.context,
            link=list_mail_link(message),
            unsubscribe_link=leave,
        )
        name = ""
    else:
        words = render(
            MessageKind(message.kind),
            message.locale,
            message.context,
            order_link=await _find_order_link(UUID(message.context["order_id"])),
        )
        name = message.context["buyer_name"]
    return compose(
        message.id,
        words,
        sender=transport.sender,
        recipient=message.recipient,
        recipient_name=name,
        locale=message.locale,
        written_at=message.created_at,
        unsubscribe_url=leave,
    )


async def _find_order_link(order_id: UUID) -> str | None:
    if _order_link is None:
        return None
    order = await find_order(order_id)
    return None if order is None else _order_link(order)


async def _claim(message_id: UUID) -> Message | None:
    """Take a message in hand; None if there is nothing left to do."""
    at = clock.now()
    async with unit_of_work() as work:
        claimed = await work.execute(
            "UPDATE message SET claimed_until = $2 WHERE id = $1 AND sent_at IS NULL "
            "AND failed_at IS NULL AND (claimed_until IS NULL OR claimed_until <= $3)",
            message_id,
            at + timedelta(seconds=CLAIM_SECONDS),
            at,
        )
        reach("messages.claimed")
        message = await Message.get_or_none(id=message_id)
    if message is None:
        log.warning("notifications.message_gone", message_id=str(message_id))
        return None
    if claimed:
        return message
    if message.sent_at is None and message.failed_at is None:
        raise MessageBusy(f"message {message_id} is being sent")
    return None


async def _release(message: Message) -> None:
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE message SET claimed_until = NULL WHERE id = $1 AND claimed_until = $2",
            message.id,
            message.claimed_until,
        )


async def _record_sent(message_id: UUID) -> None:
    """Note that the mail is out; that counts for more than what anybody noted meanwhile."""
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE message SET sent_at = $2, claimed_until = NULL, failed_at = NULL, "
            "failure = '' WHERE id = $1 AND sent_at IS NULL",
            message_id,
            clock.now(),
        )
        reach("messages.sending_noted")
    log.info("notifications.sent", message_id=str(message_id))


@shielded
async def record_failure(message_id: UUID, failure: str) -> None:
    """Note that a message will not be sent, and why; one that was sent stays sent."""
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE message SET failed_at = $2, failure = $3, claimed_until = NULL WHERE id = $1 "
            "AND sent_at IS NULL AND failed_at IS NULL",
            message_id,
            clock.now(),
            failure[:500],
        )
    # Why is in the row: what a mail server says may name people.
    log.warning("notifications.failed", message_id=str(message_id))
