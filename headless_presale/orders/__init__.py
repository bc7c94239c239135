"""Orders: what was bought, what is due, what happened."""

from headless_presale.orders.calling_off import CallOffCampaign, call_off_campaign
from headless_presale.orders.errors import CancelNotAllowed, CancelPreviewOutdated, OrderNotFound
from headless_presale.orders.events import (
    BalanceOpened,
    BalanceReminded,
    LatePaymentRefused,
    OrderCancelled,
    OrderConfirmed,
    OrderEvent,
    OrderExpired,
    OrderForfeited,
    OrderPaidInFull,
    OrderPlaced,
)
from headless_presale.orders.jobs import refund_campaign
from headless_presale.orders.listing import (
    OrderCount,
    OrderFilter,
    OrderSort,
    Position,
    count_orders,
    find_order_by_number,
    list_orders,
    position_of,
)
from headless_presale.orders.models import MerchantRefund, Order, OrderLine, OrderNote
from headless_presale.orders.paying import StartPayment, amount_of, start_payment
from headless_presale.orders.rules import Due, cancel_rule, is_balance_in_time, leg_due
from headless_presale.orders.service import (
    cancel_order,
    cancel_orders_of_campaign,
    write_order,
)
from headless_presale.orders.settlement import settle_payment
from headless_presale.orders.states import (
    CLAIMING,
    HOLDING,
    ORDER_LIFECYCLE,
    RELEASED,
    OrderStatus,
)
from headless_presale.orders.sweeps import sweep_orders
from headless_presale.orders.tallies import (
    CancelPreview,
    ClosePreview,
    LegRefund,
    Tally,
    preview_cancellation,
    preview_close,
    tally_campaigns,
    tally_items,
)
from headless_presale.orders.view import LineView, OrderView, find_order, find_order_of, leg_amount

__all__ = [
    "CLAIMING",
    "HOLDING",
    "ORDER_LIFECYCLE",
    "RELEASED",
    "BalanceOpened",
    "BalanceReminded",
    "CallOffCampaign",
    "CancelNotAllowed",
    "CancelPreview",
    "CancelPreviewOutdated",
    "ClosePreview",
    "Due",
    "LatePaymentRefused",
    "LegRefund",
    "LineView",
    "MerchantRefund",
    "Order",
    "OrderCancelled",
    "OrderConfirmed",
    "OrderCount",
    "OrderEvent",
    "OrderExpired",
    "OrderFilter",
    "OrderForfeited",
    "OrderLine",
    "OrderNotFound",
    "OrderNote",
    "OrderPaidInFull",
    "OrderPlaced",
    "OrderSort",
    "OrderStatus",
    "OrderView",
    "Position",
    "StartPayment",
    "Tally",
    "amount_of",
    "call_off_campaign",
    "cancel_order",
    "cancel_orders_of_campaign",
    "cancel_rule",
    "count_orders",
    "find_order",
    "find_order_by_number",
    "find_order_of",
    "is_balance_in_time",
    "leg_amount",
    "leg_due",
    "list_orders",
    "position_of",
    "preview_cancellation",
    "preview_close",
    "refund_campaign",
    "settle_payment",
    "start_payment",
    "sweep_orders",
    "tally_campaigns",
    "tally_items",
    "write_order",
]
