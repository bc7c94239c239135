"""What is known of a customer as one JSON document: his own, of his own shop, and no secret.

Orders and mails are read by keyset, so many in a transaction: nobody waits for it, however many
there are. Amounts are minor units, moments UTC.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from headless_presale.customers import Customer
from headless_presale.kernel import clock
from headless_presale.kernel.events import Event
from headless_presale.kernel.ids import global_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.notifications import AccountMailKind, ListMailKind, MessageKind
from headless_presale.notify_me import person_of
from headless_presale.orders import CustomerAccess, OrderView, list_own_orders
from headless_presale.privacy import queries

AT_ONCE = 200
"""How many orders, or mails, are read in one transaction."""
NOWHERE = UUID(int=0)

Rows = Sequence[asyncpg.Record]


async def compose(customer: Customer) -> AsyncGenerator[bytes, None]:
    """Yield all that is known of a customer, as JSON in UTF-8, in parts.

    A part is of at most ``AT_ONCE`` orders or mails, and only one is in memory at a time.
    """
    head = await _read_head(customer)
    addresses = set() if customer.email is None else {customer.email}
    ahead, between = b'%s,\n"orders":[\n' % _dump(head)[:-1], b""
    async for orders in _read_orders(customer):
        addresses.update(order["buyer"]["email"] for order in orders)
        yield ahead + between + b",\n".join(map(_dump, orders))
        ahead, between = b"", b",\n"
    ahead, between = b'%s\n],\n"mails":[\n' % ahead, b""
    async for mails in _read_mails(customer, sorted(addresses)):
        yield ahead + between + b",\n".join(map(_dump, mails))
        ahead, between = b"", b",\n"
    yield b"%s\n]}\n" % ahead


def _dump(value: object) -> bytes:
    # What PostgreSQL's driver gives as an id is a kind of UUID of its own.
    return orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z)


@shielded
async def _read_head(customer: Customer) -> dict[str, Any]:
    """Return what there is little of."""
    async with unit_of_work() as work:
        shop = await work.fetchrow("SELECT slug, name FROM shop WHERE id = $1", customer.shop_id)
        assert shop is not None
        head: dict[str, Any] = {
            "format": "personal-data/1",
            "writtenAt": clock.now(),
            "shop": dict(shop),
            "profile": {
                "id": global_id("Customer", customer.id),
                "email": customer.email,
                "emailVerifiedAt": customer.email_verified_at,
                "name": customer.name,
                "phone": customer.phone,
                "locale": customer.locale,
                "createdAt": customer.created_at,
            },
        }
        for name, sql in queries.OWN.items():
            head[name] = _plain(await work.fetch(sql, customer.id))
        head["signInCodes"], head["notifyMe"], head["unsubscribedAt"] = [], [], None
        if customer.email is not None:
            person = person_of(customer.shop_id, customer.email)
            head["signInCodes"] = _plain(
                await work.fetch(queries.CODES, customer.shop_id, customer.email)
            )
            head["notifyMe"] = [
                {**row, "campaignId": global_id("Campaign", row["campaignId"])}
                for row in _plain(await work.fetch(queries.WATCHERS, person, customer.shop_id))
            ]
            left = await work.fetchrow(queries.UNSUBSCRIBED, person)
            head["unsubscribedAt"] = None if left is None else left["created_at"]
        head["cart"] = await _read_cart(work, customer.id)
    return head


async def _read_cart(work: UnitOfWork, customer_id: UUID) -> dict[str, Any] | None:
    cart = await work.fetchrow(queries.CART, customer_id)
    if cart is None:
        return None
    lines = await work.fetch(queries.CART_LINES, cart["id"])
    return {
        "currency": cart["currency"],
        "createdAt": cart["created_at"],
        "expiresAt": cart["expires_at"],
        "lines": [
            {
                "campaignItemId": global_id("CampaignItem", line["item_id"]),
                "quantity": line["quantity"],
                "shown": _told(orjson.loads(line["shown"])),
            }
            for line in lines
        ],
    }


async def _read_orders(customer: Customer) -> AsyncIterator[Sequence[dict[str, Any]]]:
    """Yield some of his orders at a time, the latest first: those that ``me.orders`` shows."""
    access = CustomerAccess(customer_id=customer.id, email=customer.email)
    last: tuple[datetime, UUID] | None = None
    while page := await list_own_orders(access, limit=AT_ONCE, after=last):
        own = [order for order in page if order.shop_id == customer.shop_id]
        told = await _read_histories([order.id for order in own])
        if own:
            yield [
                {**_order(order), **{name: rows[order.id] for name, rows in told.items()}}
                for order in own
            ]
        if len(page) < AT_ONCE:
            break
        last = page[-1].placed_at, page[-1].id


@shielded
async def _read_histories(ids: Sequence[UUID]) -> dict[str, Mapping[UUID, list[dict[str, Any]]]]:
    """Return what happened to orders, and their money: name -> order -> rows."""
    async with unit_of_work() as work:
        told = {
            name: _by_order(await work.fetch(sql, ids)) for name, sql in queries.OF_ORDERS.items()
        }
        events = await work.fetch(queries.EVENTS, [f"order:{order_id}" for order_id in ids])
    private = frozenset[str]().union(*(kind.private for kind in _kinds(Event)))
    history: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in events:
        stated = orjson.loads(row["payload"])
        history[UUID(row["topic"].removeprefix("order:"))].append(
            {
                "type": row["type"],
                "at": row["created_at"],
                # What he was, not which of the staff.
                "by": row["actor"].partition(":")[0],
                "stated": _told({k: value for k, value in stated.items() if k not in private}),
            }
        )
    return {**told, "events": history}


def _kinds(base: type[Event]) -> Iterator[type[Event]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _order(order: OrderView) -> dict[str, Any]:
    return {
        "id": global_id("Order", order.id),
        "number": order.number,
        "campaignId": global_id("Campaign", order.campaign_id),
        "status": order.status,
        "currency": order.total.currency,
        "totalMinor": order.total.amount_minor,
        "depositMinor": order.deposit.amount_minor,
        "balanceMinor": order.balance.amount_minor,
        "termsVersion": order.terms_version,
        "paymentPlan": _told(order.payment_plan),
        "cancelPolicy": _told(order.cancel_policy),
        "buyer": order.buyer,
        "shippingAddress": _told(order.shipping_address),
        "locale": order.locale,
        "placedAt": order.placed_at,
        "holdExpiresAt": order.hold_expires_at,
        "balanceOpensAt": order.balance_opens_at,
        "balanceDueAt": order.balance_due_at,
        "remindedAt": order.reminded_at,
        "closedReason": order.closed_reason,
        "lines": [
            {
                "title": line.title,
                "campaignItemId": global_id("CampaignItem", line.item_id),
                "slotNumbers": line.numbers,
                "quantity": line.quantity,
                "unitPriceMinor": line.unit_price.amount_minor,
                "priceReason": _told(line.price_reason),
                "shipsBy": line.ships_by,
            }
            for line in order.lines
        ],
    }


async def _read_mails(
    customer: Customer, addresses: Sequence[str]
) -> AsyncIterator[Sequence[dict[str, Any]]]:
    """Yield some at a time which mails went to one of his addresses from this shop, and when."""
    last = NOWHERE
    while page := await _read_some_mails(customer, addresses, last):
        yield _plain(page, without="id")
        if len(page) < AT_ONCE:
            break
        last = page[-1]["id"]


@shielded
async def _read_some_mails(customer: Customer, addresses: Sequence[str], after: UUID) -> Rows:
    person = None if customer.email is None else person_of(customer.shop_id, customer.email)
    async with unit_of_work() as work:
        rows: Rows = await work.fetch(
            queries.MAILS,
            addresses,
            after,
            customer.shop_id,
            customer.id,
            person,
            [str(kind) for kind in MessageKind],
            [str(kind) for kind in ListMailKind],
            str(AccountMailKind.SIGN_IN_CODE),
            str(AccountMailKind.PERSONAL_DATA_READY),
            AT_ONCE,
            customer.email,
        )
    return rows


def _told(value: Any) -> Any:
    """Return what is stored as JSON with the names of the copy: ``postalCode``."""
    if isinstance(value, Mapping):
        return {_camel(name): _told(part) for name, part in value.items()}
    return [_told(part) for part in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _plain(rows: Rows, *, without: str = "") -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != without} for row in rows]


def _by_order(rows: Rows) -> Mapping[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row, plain in zip(rows, _plain(rows, without="order_id"), strict=True):
        if isinstance(plain.get("refunds"), str):
            plain["refunds"] = orjson.loads(plain["refunds"])
        found[UUID(str(row["order_id"]))].append(plain)
    return found
