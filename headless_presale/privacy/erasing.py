"""Forgetting a person: orders and books stay, the person does not.

One transaction, under the locks of the person and of every order of his. What is done in it is
listed in ``tables``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from headless_presale.customers import CustomerPrincipal, forget_requests, lock_customer
from headless_presale.identity import fold_email
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.events import acting
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import customer_id_of, new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.notifications import ListMailKind, MessageKind
from headless_presale.notify_me import person_of
from headless_presale.orders import (
    FULL_REFUND,
    Order,
    OrderTokenRevoked,
    call_off,
    lock_order,
)
from headless_presale.payments import call_off_payments
from headless_presale.privacy.errors import (
    ErasureBlocked,
    FreshSignInRequired,
    PersonNotFound,
)
from headless_presale.privacy.rules import Standing, standing_of
from headless_presale.privacy.tables import STEPS, Traces
from headless_presale.slots import forget_counts

FRESH_FOR = timedelta(minutes=10)
MOST_NAMED = 20
"""So many orders are named where they are in the way."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done. ``orders`` are those that stay without him."""

    id: UUID
    at: datetime
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """Who is to be forgotten: his account, if he has one, and the ids that his orders may carry."""

    shop_id: UUID
    email: str | None
    accounts: Collection[UUID]

    @property
    def buyer_ids(self) -> list[UUID]:
        ids = set(self.accounts)
        if self.email is not None:
            ids.add(customer_id_of(self.shop_id, self.email))
        return sorted(ids)

    def owns(self, customer_id: UUID, email: str) -> bool:
        """Tell whether an order with one of the ids is his.

        Two mailboxes may make one id (``ß`` and ``ss``), so where its address has made the id, it
        has to be his. What an account of his ordered before it had an address may name any.
        """
        if self.email is None or email.lower() == self.email:
            return True
        return customer_id_of(self.shop_id, email) != customer_id


@shielded
async def erase_customer(principal: CustomerPrincipal) -> Erased:
    """Forget a customer who asks for it himself. What is not paid is called off.

    Raises:
        FreshSignInRequired: he signed in too long ago.
        ErasureBlocked: orders under way need to know whom they are for.
        SessionEnded: he is not there any more.
    """
    customer = principal.customer
    async with unit_of_work() as work:
        signed_in_at = await lock_customer(work, principal)
        if clock.now() - signed_in_at > FRESH_FOR:
            raise FreshSignInRequired(minutes=FRESH_FOR // timedelta(minutes=1))
        person = _Person(shop_id=customer.shop_id, email=customer.email, accounts=[customer.id])
        erased = await _erase(work, person, asked_by="customer", is_delivered=False)
        if customer.email is not None:
            # Not where a merchant says so: he could have a stranger's mailbox filled meanwhile.
            await forget_requests(customer.email)
            reach("privacy.limits_forgotten")
    return erased


@shielded
async def erase_person(shop_id: UUID, email: str, *, is_delivered: bool) -> Erased:
    """Forget whoever has this address, account or not, because the merchant says so.

    Args:
        is_delivered: the merchant says that what he paid in full has been delivered.

    Raises:
        InvalidInput: this is no address.
        PersonNotFound: nothing is known of it.
        ErasureBlocked: orders under way need to know whom they are for.
    """
    address = fold_email(email)
    async with unit_of_work() as work:
        await work.lock("person", f"{shop_id}:{address}")
        rows = await work.fetch(
            "SELECT id FROM customer WHERE shop_id = $1 AND email = $2 FOR NO KEY UPDATE",
            shop_id,
            address,
        )
        person = _Person(shop_id=shop_id, email=address, accounts=[row["id"] for row in rows])
        erased = await _erase(work, person, asked_by=str(acting()), is_delivered=is_delivered)
        await record_change(
            work,
            action="personal_data.erase",
            owner_id=shop_id,
            subject_type="Erasure",
            subject_id=erased.id,
            after={"orders": erased.orders},
        )
    return erased


async def _erase(work: UnitOfWork, person: _Person, *, asked_by: str, is_delivered: bool) -> Erased:
    person = replace(person, accounts=[*person.accounts, *await _list_merged(work, person)])
    # So that none of them brings a new token while the old ones go.
    grants = await work.fetch(
        "SELECT id FROM customer_grant WHERE customer_id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        list(person.accounts),
    )
    orders = await _lock_orders(work, person)
    watchers = await _list_watchers(work, person)
    is_known = orders or person.accounts or watchers or await _has_code(work, person)
    if not is_known:
        raise PersonNotFound(field=("email",))
    await _finish(work, orders, is_delivered=is_delivered)
    tombstone, at = new_id(), clock.now()
    await work.execute(
        "INSERT INTO erasure (id, shop_id, asked_by, orders, at) VALUES ($1, $2, $3, $4, $5)",
        tombstone,
        person.shop_id,
        asked_by,
        len(orders),
        at,
    )
    reach("privacy.erasure_noted")
    traces = await _find_traces(work, person, orders, tombstone, at)
    traces = replace(traces, watchers=watchers, subjects=[*traces.subjects, *watchers])
    # For this transaction: what takes new rows alone lets those be emptied that say so.
    await work.execute("SELECT set_config('presale.erasing', 'on', true)")
    for step in STEPS:
        sql, values = step.bind(traces)
        await work.execute(sql, *values)
        reach("privacy.table_erased")
    await work.execute("SELECT set_config('presale.erasing', '', true)")
    for grant in grants:
        work.wake(f"customer-grant:{grant['id']}")
    work.after_commit(partial(forget_counts, traces.pools))
    return Erased(tombstone, at, len(orders))


async def _lock_orders(work: UnitOfWork, person: _Person) -> list[Order]:
    rows = await work.fetch(
        "SELECT id, customer_id, buyer ->> 'email' AS email FROM sales_order "
        "WHERE shop_id = $1 AND customer_id = ANY($2::uuid[]) ORDER BY id",
        person.shop_id,
        person.buyer_ids,
    )
    return [
        await lock_order(row["id"]) for row in rows if person.owns(row["customer_id"], row["email"])
    ]


async def _list_merged(work: UnitOfWork, person: _Person) -> list[UUID]:
    """Return the accounts that have become his."""
    rows = await work.fetch(
        "SELECT (payload ->> 'merged_id')::uuid AS id FROM event "
        "WHERE type = 'customer.merged' AND payload ->> 'customer_id' = ANY($1::uuid[]::text[])",
        list(person.accounts),
    )
    return [row["id"] for row in rows]


async def _list_watchers(work: UnitOfWork, person: _Person) -> list[UUID]:
    """Return where he waits for a campaign to open."""
    if person.email is None:
        return []
    rows = await work.fetch(
        "SELECT id FROM campaign_watcher WHERE person = $1 FOR UPDATE",
        person_of(person.shop_id, person.email),
    )
    return [row["id"] for row in rows]


async def _has_code(work: UnitOfWork, person: _Person) -> bool:
    """Tell whether somebody asked for a code for this address and never used it."""
    row = await work.fetchrow(
        "SELECT 1 FROM customer_code WHERE shop_id = $1 AND email = $2 LIMIT 1",
        person.shop_id,
        person.email,
    )
    return row is not None


async def _finish(work: UnitOfWork, orders: Sequence[Order], *, is_delivered: bool) -> None:
    """Call off what is unpaid, and see that nothing can be paid for any more.

    Raises:
        ErasureBlocked: some of it is paid and under way.
    """
    rows = await work.fetch(
        "SELECT order_id, max(ships_by) AS ships_by FROM order_line "
        "WHERE order_id = ANY($1::uuid[]) GROUP BY order_id",
        [order.id for order in orders],
    )
    promised = {row["order_id"]: row["ships_by"] for row in rows}
    today = clock.now().date()
    standings = {
        order: standing_of(
            order.status, promised.get(order.id), today=today, is_delivered=is_delivered
        )
        for order in orders
    }
    if blocking := [o for o, standing in standings.items() if standing is Standing.UNDER_WAY]:
        raise ErasureBlocked(
            count=len(blocking), numbers=tuple(order.number for order in blocking[:MOST_NAMED])
        )
    for order, standing in standings.items():
        if standing is Standing.UNPAID:
            await call_off(order, FULL_REFUND, reason="")
        else:
            # A hold that ran out could be paid late.
            await call_off_payments(work, order.id)


async def _find_traces(
    work: UnitOfWork, person: _Person, orders: Sequence[Order], tombstone: UUID, at: datetime
) -> Traces:
    ids = [order.id for order in orders]
    topics = [f"order:{order_id}" for order_id in ids]
    pools = await work.fetch(
        "SELECT DISTINCT pool_id FROM order_line WHERE order_id = ANY($1::uuid[]) ORDER BY pool_id",
        ids,
    )
    # In the order in which orders take them.
    await work.fetch(
        "SELECT 1 FROM customer_quota WHERE pool_id = ANY($1::uuid[]) "
        "AND customer_id = ANY($2::uuid[]) ORDER BY pool_id FOR UPDATE",
        [row["pool_id"] for row in pools],
        person.buyer_ids,
    )
    refunds = await work.fetch(
        "SELECT id FROM merchant_refund WHERE order_id = ANY($1::uuid[]) UNION ALL "
        "SELECT r.id FROM refund r JOIN payment p ON p.id = r.payment_id "
        "WHERE p.order_id = ANY($1::uuid[])",
        ids,
    )
    events = await work.fetch("SELECT id FROM event WHERE topic = ANY($1::text[])", topics)
    revocations = await work.fetch(
        "SELECT (payload ->> 'revocation_id')::uuid AS id FROM event "
        "WHERE topic = ANY($1::text[]) AND type = $2",
        topics,
        OrderTokenRevoked.type,
    )
    endpoints = await work.fetch(
        "SELECT w.id FROM webhook_endpoint w JOIN shop s ON s.merchant_id = w.merchant_id "
        "WHERE s.id = $1",
        person.shop_id,
    )
    return Traces(
        shop_id=person.shop_id,
        email=person.email or "",
        accounts=list(person.accounts),
        buyers=person.buyer_ids,
        tombstone=tombstone,
        orders=ids,
        pools=[row["pool_id"] for row in pools],
        subjects=[*ids, *(row["id"] for row in (*refunds, *revocations))],
        topics=topics,
        events=[row["id"] for row in events],
        endpoints=[row["id"] for row in endpoints],
        watchers=[],
        mails=[str(kind) for kind in (*MessageKind, *ListMailKind)],
        at=at,
    )
