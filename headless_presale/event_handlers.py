"""The one table of who hears of what. Handlers run in the transaction that emits the event."""

from collections.abc import Mapping, Sequence

from headless_presale.campaigns import CampaignCancelled, CampaignOpened
from headless_presale.carts import move_cart
from headless_presale.customers import CustomersMerged, SignInCodeRequested
from headless_presale.identity import PasswordResetRequested, SecurityChanged, StaffInvited
from headless_presale.kernel.events import Event, Handler
from headless_presale.notifications import (
    on_balance_reminded,
    on_campaign_opened,
    on_late_payment_refused,
    on_notify_me_asked,
    on_notify_me_confirmed,
    on_order_cancelled,
    on_order_confirmed,
    on_order_forfeited,
    on_order_refunded,
    on_order_token_revoked,
    on_password_reset_requested,
    on_security_changed,
    on_sign_in_code_requested,
    on_staff_invited,
    on_webhook_endpoint_disabled,
)
from headless_presale.notify_me import NotifyMeAsked, NotifyMeConfirmed
from headless_presale.orders import (
    BalanceReminded,
    LatePaymentRefused,
    OrderCancelled,
    OrderConfirmed,
    OrderForfeited,
    OrderRefunded,
    OrderTokenRevoked,
    move_orders,
    refund_campaign,
    settle_payment,
)
from headless_presale.payments import PaymentCaptured
from headless_presale.webhooks import WebhookEndpointDisabled

EVENT_HANDLERS: Mapping[type[Event], Sequence[Handler]] = {
    CampaignCancelled: (refund_campaign,),
    CampaignOpened: (on_campaign_opened,),
    PaymentCaptured: (settle_payment,),
    OrderConfirmed: (on_order_confirmed,),
    BalanceReminded: (on_balance_reminded,),
    OrderCancelled: (on_order_cancelled,),
    OrderForfeited: (on_order_forfeited,),
    OrderRefunded: (on_order_refunded,),
    OrderTokenRevoked: (on_order_token_revoked,),
    LatePaymentRefused: (on_late_payment_refused,),
    NotifyMeAsked: (on_notify_me_asked,),
    NotifyMeConfirmed: (on_notify_me_confirmed,),
    SignInCodeRequested: (on_sign_in_code_requested,),
    CustomersMerged: (move_orders, move_cart),
    StaffInvited: (on_staff_invited,),
    PasswordResetRequested: (on_password_reset_requested,),
    SecurityChanged: (on_security_changed,),
    WebhookEndpointDisabled: (on_webhook_endpoint_disabled,),
}
