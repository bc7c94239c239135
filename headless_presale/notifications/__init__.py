"""Notifications: what buyers are told by e-mail, in their language, once."""

from headless_presale.notifications.delivery import deliver, set_order_link, set_transport
from headless_presale.notifications.errors import MailNotAccepted, MailRefused, MessageBusy
from headless_presale.notifications.handlers import (
    on_balance_reminded,
    on_late_payment_refused,
    on_order_cancelled,
    on_order_confirmed,
    on_order_forfeited,
    on_order_refunded,
)
from headless_presale.notifications.models import Message, MessageKind
from headless_presale.notifications.transports import (
    ConsoleTransport,
    FileTransport,
    MailTransport,
    SmtpTransport,
    make_transport,
)

__all__ = [
    "ConsoleTransport",
    "FileTransport",
    "MailNotAccepted",
    "MailRefused",
    "MailTransport",
    "Message",
    "MessageBusy",
    "MessageKind",
    "SmtpTransport",
    "deliver",
    "make_transport",
    "on_balance_reminded",
    "on_late_payment_refused",
    "on_order_cancelled",
    "on_order_confirmed",
    "on_order_forfeited",
    "on_order_refunded",
    "set_order_link",
    "set_transport",
]
