"""What is asked of an order before its numbers are: who, what, and whether it can be had now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from headless_presale.campaigns import (
    CampaignNotOpen,
    CampaignSnapshot,
    CampaignStatus,
    ItemNotFound,
    find_snapshots_of_items,
)
from headless_presale.carts import CurrencyMismatch, sum_lines
from headless_presale.checkout import rules
from headless_presale.checkout.command import PlaceOrder
from headless_presale.checkout.errors import CampaignMismatch, TermsOutdated
from headless_presale.kernel import clock
from headless_presale.kernel.idempotency import check_key
from headless_presale.kernel.ids import customer_id_of, reservation_id_of


@dataclass(frozen=True, slots=True)
class CheckedOrder:
    """An order whose form is right.

    Attributes:
        command: with addresses in their normal form.
        quantities: of each item, over all lines.
        order_id: what it has, or would have: the same for each repeat.
    """

    command: PlaceOrder
    quantities: Mapping[UUID, int]
    customer_id: UUID
    order_id: UUID


def check_form(command: PlaceOrder) -> CheckedOrder:
    """Check what needs nobody else to be asked.

    Raises:
        DomainError: of what was sent something is not as it has to be.
    """
    check_key(command.idempotency_key)
    rules.check_locale(command.locale)
    quantities = {} if command.is_of_an_empty_cart else sum_lines(command.lines)
    account, buyer = command.account, command.buyer
    command = replace(
        command,
        buyer=account.checked(buyer, command.shop_id) if account else buyer.checked(),
        shipping_address=command.shipping_address.checked(("shippingAddress",)),
    )
    if account is not None:
        customer_id = account.customer_id
    else:
        customer_id = customer_id_of(command.shop_id, command.buyer.email)
    order_id = reservation_id_of(customer_id, command.idempotency_key)
    return CheckedOrder(command, quantities, customer_id, order_id)


async def find_campaign(order: CheckedOrder, *, fresh: bool = False) -> CampaignSnapshot:
    """Return the campaign that an order is placed in, which takes orders now.

    Args:
        fresh: what is remembered of it is not enough.

    Raises:
        DomainError: it cannot be ordered, or not so.
    """
    command = order.command
    found = await find_snapshots_of_items(list(order.quantities), fresh=fresh)
    for index, line in enumerate(command.lines):
        campaign = found.get(line.item_id)
        if campaign is None or campaign.shop_id != command.shop_id:
            raise ItemNotFound(field=command.place_of(str(index), "campaignItemId"))
    if len({campaign.currency for campaign in found.values()}) > 1:
        raise CurrencyMismatch(field=command.place_of())
    if len({campaign.id for campaign in found.values()}) > 1:
        raise CampaignMismatch(field=command.place_of())
    campaign = next(iter(found.values()))
    status = campaign.status(clock.now())
    if status is CampaignStatus.DRAFT:
        # A draft is nobody's business yet.
        raise ItemNotFound(field=command.place_of("0", "campaignItemId"))
    if status is not CampaignStatus.LIVE:
        raise CampaignNotOpen(status=str(status))
    if campaign.terms is None or campaign.terms.version != command.accepted_terms_version:
        raise TermsOutdated(
            accepted=command.accepted_terms_version,
            current=campaign.terms.version if campaign.terms else 0,
            field=("acceptedTermsVersion",),
        )
    return campaign
