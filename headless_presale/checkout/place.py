"""Placing an order: the hot path.

Redis gives out numbers in one call per pool, one short transaction makes them the order's, then
Redis is told off the response path. Sold out ends after the Redis call, without a database. With
Redis gone the numbers come from the database, behind a semaphore: slower, never wrong.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from headless_presale.campaigns import (
    CampaignNotOpen,
    CampaignSnapshot,
    ItemSnapshot,
    PlanKind,
    forget,
)
from headless_presale.carts import (
    CartEmpty,
    PriceChanged,
)
from headless_presale.checkout import rules
from headless_presale.checkout.checks import CheckedOrder, check_form, find_campaign
from headless_presale.checkout.command import PlaceOrder
from headless_presale.checkout.emptying import emptying
from headless_presale.checkout.reservation import Reservation, reserve
from headless_presale.checkout.sold_out import note_sold_out
from headless_presale.checkout.together import Ready, write, write_in_company
from headless_presale.customers import SessionEnded, is_signed_in
from headless_presale.kernel import clock, metrics
from headless_presale.kernel.errors import DomainError, Unavailable
from headless_presale.kernel.events import acting
from headless_presale.kernel.idempotency import hash_request
from headless_presale.kernel.money import Money
from headless_presale.kernel.redis import is_troubled
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders import NewOrder, OrderStatus, OrderView, find_order
from headless_presale.payments import IdempotencyMismatch
from headless_presale.slots import (
    PoolOrder,
    PoolRefusal,
    PurchaseLimitReached,
    SlotConflict,
    SlotsSoldOut,
    pick_free,
)

log = structlog.get_logger(__name__)

ATTEMPTS = 4
"""How often numbers that the database refuses are exchanged before the database picks them."""
WITHOUT_REDIS = asyncio.Semaphore(8)
"""How many orders at once take their numbers from the database."""
BACKOFF_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Wish:
    """A checked order: everything but its numbers."""

    order_id: UUID
    customer_id: UUID
    campaign: CampaignSnapshot
    items: Mapping[UUID, ItemSnapshot]
    quantities: Mapping[UUID, int]
    command: PlaceOrder
    request_hash: str

    def pool_orders(self, numbers: Mapping[UUID, tuple[int, ...]]) -> tuple[PoolOrder, ...]:
        """Return what is wanted of each pool."""
        return tuple(
            PoolOrder(item.pool_id, numbers[item.id], item.limit_per_customer)
            for item in self.items.values()
        )


class _CampaignChanged(Exception):
    """The campaign is no longer of the version it was priced from, or the sign-in has ended."""


async def place_order(command: PlaceOrder) -> OrderView:
    """Place an order, or return the one this customer placed under this key before.

    Raises:
        DomainError: with a stable code; nothing has changed.
        Unavailable: the database does not answer; send the same request again.
    """
    try:
        order = await _place(command)
    except DomainError as refusal:
        metrics.ORDERS_REFUSED.labels(refusal.code).inc()
        raise
    metrics.ORDERS_PLACED.inc()
    return order


@shielded
async def _place(command: PlaceOrder) -> OrderView:
    order = check_form(command)
    account = command.account
    request_hash = hash_request(order.command.canonical())
    if command.is_of_an_empty_cart:
        if (ordered := await _find_placed(order.order_id, request_hash)) is None:
            raise CartEmpty(field=("cartId",))
        return ordered
    try:
        wish = _wish(order, await find_campaign(order), request_hash)
    except DomainError:
        # A retry may come after the campaign closed or the terms changed.
        placed = await _find_placed(order.order_id, request_hash)
        if placed is None:
            raise
        return placed
    try:
        return await _attempt(wish)
    except _CampaignChanged:
        if account is not None and not await is_signed_in(account.sign_in_id):
            raise SessionEnded() from None
        forget(wish.campaign.id)
        wish = _wish(order, await find_campaign(order, fresh=True), request_hash)
        try:
            return await _attempt(wish)
        except _CampaignChanged as error:
            raise Unavailable("campaign") from error


def _wish(order: CheckedOrder, campaign: CampaignSnapshot, request_hash: str) -> _Wish:
    return _Wish(
        order_id=order.order_id,
        customer_id=order.customer_id,
        campaign=campaign,
        items={item.id: item for item in campaign.items if item.id in order.quantities},
        quantities=order.quantities,
        command=order.command,
        request_hash=request_hash,
    )


async def _attempt(wish: _Wish) -> OrderView:
    """Reserve and commit; what a pool refuses is told of the line that asked for it."""
    try:
        return await _reserve_and_commit(wish)
    except PoolRefusal as refusal:
        for item in wish.items.values():
            if item.pool_id == refusal.pool_id:
                refusal.field = wish.command.place_of_item(item.id)
        raise


async def _reserve_and_commit(wish: _Wish) -> OrderView:
    """Reserve and commit; exchange numbers that the database refuses."""
    for attempt in range(ATTEMPTS):
        try:
            reservation = await reserve(
                wish.order_id,
                wish.customer_id,
                {item.pool_id: wish.quantities[item.id] for item in wish.items.values()},
            )
        except Unavailable:
            break
        except (SlotsSoldOut, PurchaseLimitReached, CampaignNotOpen) as refusal:
            if isinstance(refusal, SlotsSoldOut) and refusal.pool_id is not None:
                note_sold_out(refusal.pool_id)
            # The slots that are missing may be this very order's: Redis forgets those it was not
            # told of again. Sold out is asked in thousands, so there only where Redis may forget.
            if isinstance(refusal, SlotsSoldOut) and not is_troubled():
                raise
            placed = await _find_placed(wish.order_id, wish.request_hash)
            if placed is None:
                raise
            return placed
        if reservation is None:
            placed = await _find_placed(wish.order_id, wish.request_hash)
            if placed is not None:
                return placed
            break
        try:
            return await _commit(wish, reservation)
        except SlotConflict:
            metrics.SLOT_CONFLICTS.inc()
            log.info("checkout.slot_conflict", order_id=str(wish.order_id), attempt=attempt)
            await reservation.exchange()
            await asyncio.sleep(BACKOFF_SECONDS * attempt)
    return await _place_without_redis(wish)


async def _commit(wish: _Wish, reservation: Reservation) -> OrderView:
    numbers = {item.id: reservation.numbers[item.pool_id] for item in wish.items.values()}
    try:
        ready = _ready(wish, numbers)
        is_written = await write_in_company(ready, partial(_commit_alone, ready))
    except Unavailable:
        # Committed or not, nobody knows: the reconciler asks the database and decides.
        raise
    except DomainError:
        await reservation.end()
        raise
    if is_written:
        return ready.new.order
    await reservation.end()
    placed = await _find_placed(wish.order_id, wish.request_hash)
    if placed is None:
        raise _CampaignChanged
    return placed


async def _commit_alone(ready: Ready) -> bool:
    async with unit_of_work() as work:
        is_written = await write(work, ready)
    if is_written:
        ready.reservation.settle_soon()
    return is_written


async def _place_without_redis(wish: _Wish) -> OrderView:
    metrics.SLOT_FALLBACKS.inc()
    for attempt in range(ATTEMPTS):
        try:
            async with WITHOUT_REDIS, unit_of_work() as work:
                numbers: dict[UUID, tuple[int, ...]] = {}
                for item in sorted(wish.items.values(), key=lambda item: item.pool_id):
                    numbers[item.id] = await pick_free(work, item.pool_id, wish.quantities[item.id])
                ready = _ready(wish, numbers)
                is_written = await write(work, ready)
        except SlotConflict:
            await asyncio.sleep(BACKOFF_SECONDS * (attempt + 1))
            continue
        except DomainError:
            if (placed := await _find_placed(wish.order_id, wish.request_hash)) is not None:
                return placed
            raise
        if is_written:
            ready.reservation.settle_soon()
            return ready.new.order
        if (placed := await _find_placed(wish.order_id, wish.request_hash)) is not None:
            return placed
        raise _CampaignChanged
    raise Unavailable("slots")


def _ready(wish: _Wish, numbers: Mapping[UUID, tuple[int, ...]]) -> Ready:
    command = wish.command
    return Ready(
        NewOrder(
            order=_price(wish, numbers),
            campaign_version=wish.campaign.version,
            sign_in_id=None if command.account is None else command.account.sign_in_id,
            actor=acting(),
        ),
        pools=wish.pool_orders(numbers),
        rider=emptying(command.cart_id, command.lines) if command.cart_id is not None else None,
    )


async def _find_placed(order_id: UUID, request_hash: str) -> OrderView | None:
    """Return the order of this key, if there is one.

    Raises:
        IdempotencyMismatch: it was placed by another request.
    """
    placed = await find_order(order_id)
    if placed is None:
        return None
    if placed.request_hash != request_hash:
        raise IdempotencyMismatch(field=("idempotencyKey",))
    return placed


def _price(wish: _Wish, numbers: Mapping[UUID, Sequence[int]]) -> OrderView:
    campaign, command, at = wish.campaign, wish.command, clock.now()
    lines = rules.price_lines(campaign, numbers, locale=command.locale, at=at)
    total = rules.total_of(lines, campaign.currency)
    expected = command.expected_total_minor
    if expected is not None and expected != total.amount_minor:
        raise PriceChanged(total=str(total), money=total, field=("expectedTotalMinor",))
    plan = campaign.payment_plan
    split = plan.split(total, quantity=sum(wish.quantities.values()))
    is_deposit = plan.kind is PlanKind.DEPOSIT
    remind_at = (
        max(plan.balance_opens_at, plan.balance_due_at - plan.reminder)
        if plan.balance_opens_at and plan.balance_due_at
        else None
    )
    return OrderView(
        id=wish.order_id,
        shop_id=campaign.shop_id,
        campaign_id=campaign.id,
        customer_id=wish.customer_id,
        status=OrderStatus.AWAITING_DEPOSIT if is_deposit else OrderStatus.AWAITING_PAYMENT,
        total=total,
        deposit=split.deposit if is_deposit else Money.zero(total.currency),
        balance=split.balance,
        terms_version=command.accepted_terms_version,
        payment_plan=plan.to_json(),
        cancel_policy=campaign.cancel_policy.to_json(),
        buyer=command.buyer.to_json(),
        shipping_address=command.shipping_address.to_json(),
        locale=command.locale,
        request_hash=wish.request_hash,
        hold_expires_at=at + timedelta(seconds=campaign.hold_seconds),
        balance_opens_at=plan.balance_opens_at if is_deposit else None,
        balance_remind_at=remind_at if is_deposit else None,
        balance_due_at=plan.balance_due_at if is_deposit else None,
        placed_at=at,
        lines=tuple(lines),
    )
