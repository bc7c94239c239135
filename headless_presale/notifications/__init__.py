"""Notifications: what people are told by e-mail, in their language, once."""

from headless_presale.notifications.account_mails import (
    on_password_reset_requested,
    on_security_changed,
    on_sign_in_code_requested,
    on_staff_invited,
    on_webhook_endpoint_disabled,
)
from headless_presale.notifications.announcing import (
    on_campaign_opened,
    on_notify_me_asked,
    on_notify_me_confirmed,
    set_campaign_link,
)
from headless_presale.notifications.delivery import (
    deliver,
    deliver_many,
    set_order_link,
    set_transport,
)
from headless_presale.notifications.errors import MailNotAccepted, MailRefused, MessageBusy
from headless_presale.notifications.handlers import (
    on_balance_reminded,
    on_late_payment_refused,
    on_order_cancelled,
    on_order_confirmed,
    on_order_forfeited,
    on_order_refunded,
    on_order_token_revoked,
)
from headless_presale.notifications.models import (
    AccountMailKind,
    ListMailKind,
    Message,
    MessageKind,
)
from headless_presale.notifications.transports import (
    ConsoleTransport,
    FileTransport,
    MailTransport,
    SmtpTransport,
    make_transport,
)

__all__ = [
    "AccountMailKind",
    "ConsoleTransport",
    "FileTransport",
    "ListMailKind",
    "MailNotAccepted",
    "MailRefused",
    "MailTransport",
    "Message",
    "MessageBusy",
    "MessageKind",
    "SmtpTransport",
    "deliver",
    "deliver_many",
    "make_transport",
    "on_balance_reminded",
    "on_campaign_opened",
    "on_late_payment_refused",
    "on_notify_me_asked",
    "on_notify_me_confirmed",
    "on_order_cancelled",
    "on_order_confirmed",
    "on_order_forfeited",
    "on_order_refunded",
    "on_order_token_revoked",
    "on_password_reset_requested",
    "on_security_changed",
    "on_sign_in_code_requested",
    "on_staff_invited",
    "on_webhook_endpoint_disabled",
    "set_campaign_link",
    "set_order_link",
    "set_transport",
]
