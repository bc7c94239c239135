"""The one table of who hears of what. Handlers run in the transaction that emits the event."""

from collections.abc import Mapping, Sequence

from headless_presale.campaigns import CampaignCancelled
from headless_presale.kernel.events import Event, Handler
from headless_presale.orders import refund_campaign, settle_payment
from headless_presale.payments import PaymentCaptured

EVENT_HANDLERS: Mapping[type[Event], Sequence[Handler]] = {
    CampaignCancelled: (refund_campaign,),
    PaymentCaptured: (settle_payment,),
}
