"""Sending a message that was written: once, as far as SMTP allows.

A worker claims the message, hands it over, and notes that it did. Between the last two a crash can
cause a second copy, which bears the same Message-ID; nothing else can. Mails of a list are claimed
many at a time, and noted one by one all the same.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications.account_mails import account_secret
from headless_presale.notifications.announcing import (
    find_obstacles,
    list_mail_link,
    unsubscribe_link,
)
from headless_presale.notifications.errors import MailNotAccepted, MailRefused, MessageBusy
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
from headless_presale.notifications.transports import SEND_TIMEOUT_SECONDS, MailTransport
from headless_presale.orders import OrderView, find_order

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 120
"""How long a worker may take over a message before another one may try."""
LAST_START_SECONDS = CLAIM_SECONDS - SEND_TIMEOUT_SECONDS - 10
"""How long after claiming many the last of them may be begun: its claim outlasts it."""

# In one order, and none that another worker is claiming: two never wait for each other.
_CLAIM = """
WITH waiting AS MATERIALIZED (
    SELECT id FROM message WHERE id = ANY($1::uuid[]) AND sent_at IS NULL AND failed_at IS NULL
        AND (claimed_until IS NULL OR claimed_until <= $3)
    ORDER BY id FOR UPDATE SKIP LOCKED)
UPDATE message SET claimed_until = $2 FROM waiting WHERE message.id = waiting.id
RETURNING message.id
"""

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
    await deliver_many([message_id])


async def deliver_many(message_ids: Sequence[UUID]) -> None:
    """Send messages in this order, as :func:`deliver` does: claimed, and judged, all at once.

    One that the server does not take now keeps none of the others back. Whoever unsubscribes
    while those before him are sent, within a minute, still gets his mail.

    Raises:
        MailNotAccepted: some wait to be tried again.
        MessageBusy: somebody else has some in hand, or there was no time for them.
    """
    transport = _transport
    if transport is None:
        raise RuntimeError("no mail transport is set")
    until = clock.now() + timedelta(seconds=LAST_START_SECONDS)
    claimed, are_busy = await _claim(message_ids)
    left = list(reversed(claimed))
    refusal: MailNotAccepted | None = None
    try:
        obstacles = await find_obstacles(claimed)
        while left and clock.now() < until:
            message = left.pop()
            try:
                await _send(message, transport, obstacles.get(message.id))
            except MailNotAccepted as error:
                refusal = error
    finally:
        await _release(left)
    if refusal is not None:
        raise refusal
    if left or are_busy:
        raise MessageBusy("messages are being sent by somebody else, or there was no time")


@shielded
async def _send(message: Message, transport: MailTransport, obstacle: str | None) -> None:
    """Send a claimed message and note what came of it.

    Raises:
        MailNotAccepted: not now; it is claimed no more.
    """
    try:
        if obstacle is not None:
            raise MailRefused(obstacle)
        await transport.send(await _compose(message, transport))
        reach("messages.sent")
    except MailRefused as refusal:
        await record_failure(message.id, str(refusal))
    except Exception:
        await _release([message])
        raise
    else:
        await _record_sent(message.id)


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


@shielded
async def _claim(message_ids: Sequence[UUID]) -> tuple[Sequence[Message], bool]:
    """Take in hand what is still to be sent; tell as well whether somebody else has some of it."""
    at = clock.now()
    async with unit_of_work() as work:
        rows = await work.fetch(
            _CLAIM, list(message_ids), at + timedelta(seconds=CLAIM_SECONDS), at
        )
        reach("messages.claimed")
        found = {message.id: message for message in await Message.filter(id__in=message_ids)}
    for message_id in message_ids:
        if message_id not in found:
            log.warning("notifications.message_gone", message_id=str(message_id))
    claimed = {row["id"] for row in rows}
    are_busy = any(
        message.sent_at is None and message.failed_at is None
        for message in found.values()
        if message.id not in claimed
    )
    return [found[id_] for id_ in message_ids if id_ in claimed], are_busy


@shielded
async def _release(messages: Sequence[Message]) -> None:
    if not messages:
        return
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE message SET claimed_until = NULL "
            "WHERE id = ANY($1::uuid[]) AND claimed_until = $2",
            [message.id for message in messages],
            messages[0].claimed_until,
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
