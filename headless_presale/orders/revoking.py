"""Taking an order's token back: by its customer, or by its merchant.

From the commit on the old token opens nothing. Whoever the order is of is mailed the new link; it
is answered to nobody, for a token that leaked may have leaked on the way to whoever asks.

Whom a provider outside knows by no address may order under a stranger's, and revoke as often as he
likes. So of what nobody has paid nothing is mailed there: he opens it by being signed in.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import EventRecord
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.idempotency import check_key
from headless_presale.kernel.ids import customer_id_of, reservation_id_of
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.kernel.versions import check_version
from headless_presale.orders.access import CustomerAccess
from headless_presale.orders.events import OrderTokenRevoked
from headless_presale.orders.models import Order
from headless_presale.orders.service import lock_order
from headless_presale.orders.states import CLAIMING
from headless_presale.orders.view import OrderView

MOST_REVOCATIONS = 100
"""Each is a mail to the buyer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken:
    """An order whose token is to end, and what makes a repetition known.

    Attributes:
        access: of its customer, who asks; None where its merchant does.
        shop_ids: the merchant's, and ``version`` what he read of the order.
    """

    order_id: UUID
    idempotency_key: str
    access: CustomerAccess | None = None
    shop_ids: Collection[UUID] | None = None
    version: int | None = None

    def own_id(self) -> UUID:
        """Return the id of this revocation: a repetition has the same one."""
        return reservation_id_of(self.order_id, f"revoke:{self.idempotency_key}")


def is_new_link_mailed(order: OrderView) -> bool:
    """Tell whether a new link of an order goes to its address: one that is its customer's, by the
    customer's id, or from which somebody has paid."""
    is_own = order.customer_id == customer_id_of(order.shop_id, order.buyer["email"])
    return is_own or order.status in CLAIMING


@shielded
async def revoke_order_token(command: RevokeToken) -> Order:
    """End the tokens that are out, and have the new link mailed. Done once per idempotency key.

    Raises:
        OrderNotFound: there is none, or not for him.
        VersionConflict: the order has changed since the merchant read it.
        InvalidInput: it was done too often, or the key cannot be one.
    """
    check_key(command.idempotency_key)
    async with unit_of_work() as work:
        order = await lock_order(command.order_id, shop_ids=command.shop_ids, access=command.access)
        if await _is_done(command):
            return order
        if command.version is not None:
            check_version(expected=command.version, current=order.version, yours={}, stored={})
        if order.access_generation >= MOST_REVOCATIONS:
            raise InvalidInput(
                reason="the token of an order is revoked at most {most} times",
                most=MOST_REVOCATIONS,
            )
        order.access_generation += 1
        order.version += 1
        order.updated_at = clock.now()
        await order.save(update_fields=["access_generation", "version", "updated_at"])
        reach("orders.access_raised")
        work.emit(
            OrderTokenRevoked(
                order_id=order.id,
                campaign_id=order.campaign_id,
                generation=order.access_generation,
                revocation_id=command.own_id(),
            )
        )
        if command.shop_ids is not None:
            await record_change(
                work,
                action="order.token_revoke",
                owner_id=order.shop_id,
                subject_type="Order",
                subject_id=order.id,
                subject_label=order.number,
                before={"access_generation": order.access_generation - 1},
                after={"access_generation": order.access_generation},
            )
    return order


async def _is_done(command: RevokeToken) -> bool:
    """Tell whether this very command has been carried out; its event remembers."""
    done = EventRecord.filter(topic=f"order:{command.order_id}", type=OrderTokenRevoked.type)
    return str(command.own_id()) in [event.payload["revocation_id"] for event in await done]
