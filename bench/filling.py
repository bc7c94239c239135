"""A database as large shops have it: rows made by the database itself, in minutes.

Nothing of it was sold through the product, so what only a sale makes (slots, messages, jobs,
history) is not there. Foreign keys and triggers look away while it is filled; the indexes of the
large tables are made afterwards.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

CAMPAIGNS = 40
"""Campaigns 1 to 20 are of the large shop, five each of four small ones."""
AS_NEW_BELOW = 1_000
"""With fewer orders a database is left as a new installation's, never analysed: who plans by the
statistics of a nearly empty table goes through all of it, however much it grows."""
LARGE_SHARE, HUGE_SHARE = 0.9, 0.45
"""Of all orders: those of the large shop, and those of its first campaign, which lasts a year."""
OTHERS = {"product": 50_000, "audit_entry": 300_000, "webhook_delivery": 300_000, "staff": 500}
LARGE_TABLES = (
    "sales_order",
    "order_line",
    "payment",
    "ledger_transaction",
    "ledger_entry",
)

_EMPTY = {
    "jsonb": "'{}'",
    "text": "''",
    "character varying": "''",
    "integer": "0",
    "bigint": "0",
    "boolean": "false",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "now()",
    "ARRAY": "'{}'",
}


def shop_id(number: int) -> UUID:
    """Return the id of shop 1 (the large one) to 5."""
    return UUID(int=number)


def campaign_id(number: int) -> UUID:
    """Return the id of campaign 1 (the huge one) to ``CAMPAIGNS``."""
    return UUID(int=0x1000 + number)


MERCHANT_ID, ENDPOINT_ID = UUID(int=0xA), UUID(int=0xB)


async def fill(
    database_url: str, *, orders: int, tell: Callable[[str], None], with_others: bool = True
) -> None:
    """Fill a migrated, empty database with so many orders and what hangs on them.

    Args:
        with_others: fill what has nothing to do with orders as well.
    """
    connection = await asyncpg.connect(database_url)
    began = time.monotonic()
    try:
        await connection.execute(
            "SET session_replication_role = replica; SET statement_timeout = 0; "
            "SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; "
            "SET work_mem = '256MB'; SELECT setseed(0.42)"
        )
        await _shops(connection)
        async with _without_indexes(connection):
            await _orders(connection, orders)
            await _money(connection)
        if with_others:
            await _others(connection)
        if orders >= AS_NEW_BELOW:
            await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    tell(f"filled with {orders:,} orders in {time.monotonic() - began:.0f} s")


async def _insert(
    connection: asyncpg.Connection, table: str, values: Mapping[str, str], source: str
) -> None:
    """Insert one row for each of ``source``; columns that are not named are empty."""
    columns = await connection.fetch(
        "SELECT column_name AS name, data_type AS type FROM information_schema.columns "
        "WHERE table_name = $1 AND table_schema = 'public' AND is_nullable = 'NO' "
        "AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'",
        table,
    )
    row = {column["name"]: _EMPTY[column["type"]] for column in columns} | dict(values)
    await connection.execute(
        f"INSERT INTO {table} ({', '.join(row)}) SELECT {', '.join(row.values())} FROM {source}"
    )


@asynccontextmanager
async def _without_indexes(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Take the indexes of the large tables away and make them anew: much faster than keeping."""
    found = await connection.fetch(
        "SELECT indexname AS name, indexdef AS made FROM pg_indexes i "
        "WHERE schemaname = 'public' AND tablename = ANY($1::text[]) AND NOT EXISTS "
        "(SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
        list(LARGE_TABLES),
    )
    for index in found:
        await connection.execute(f'DROP INDEX "{index["name"]}"')
    yield
    for index in found:
        await connection.execute(index["made"])


async def _shops(connection: asyncpg.Connection) -> None:
    await _insert(connection, "merchant", {"id": f"'{MERCHANT_ID}'", "name": "'Bench'"}, "(SELECT)")
    await _insert(
        connection,
        "shop",
        {
            "id": "lpad(to_hex(n), 32, '0')::uuid",
            "merchant_id": f"'{MERCHANT_ID}'::uuid",
            "slug": "'bench-' || n",
            "name": "'Bench ' || n",
            "currency": "'CNY'",
            "default_locale": "'en'",
            "timezone": "'Asia/Shanghai'",
        },
        "generate_series(1, 5) AS n",
    )
    await _insert(
        connection,
        "campaign",
        {
            "id": f"lpad(to_hex({0x1000} + n), 32, '0')::uuid",
            "shop_id": "lpad(to_hex(CASE WHEN n <= 20 THEN 1 ELSE 2 + n % 4 END), 32, '0')::uuid",
            "handle": "'run-' || n",
            "title": "'Run ' || n",
            "currency": "'CNY'",
            "status": "'CLOSED'",
            "hold_seconds": "900",
            "opens_at": "now() - interval '365 days' + n * 8 * interval '1 day'",
            "closes_at": "now() - interval '345 days' + n * 8 * interval '1 day'",
        },
        f"generate_series(1, {CAMPAIGNS}) AS n",
    )


_BUYERS = """
SELECT n, campaign, quantity, price, status, placed_at,
    placed_at + interval '1 minute' * (1 + 13 * random()) AS sold_at,
    (ARRAY['Li','Wang','Zhang','Liu','Chen','Yang','Huang','Zhao','Wu','Zhou','Smith','Martin',
        'Rossi','Garcia','Novak','Kim','Sato','Nguyen','Silva','Meyer'])[1 + floor(20 * random()^2)]
        || ' ' || initcap(substr(md5(n::text), 1, 2 + mod(n, 7))) AS name
FROM (
    SELECT n, campaign, 1 + floor(3 * random() ^ 3)::int AS quantity,
        9900 + 4000 * mod(campaign, 17) - (CASE WHEN random() < 0.3 THEN 990 ELSE 0 END) AS price,
        least(now() - interval '365 days' + CASE WHEN campaign = 1
            THEN interval '365 days' * random()
            ELSE campaign * 8 * interval '1 day' + interval '20 days' * random() ^ 2 END,
            now()) AS placed_at,
        (ARRAY['PAID','DEPOSIT_PAID','AWAITING_BALANCE','EXPIRED','CANCELLED','FORFEITED',
            'AWAITING_DEPOSIT'])[width_bucket(random(), ARRAY[0, 0.55, 0.70, 0.80, 0.92, 0.97,
            0.995])] AS status
    FROM (
        SELECT n, CASE WHEN of < %(huge)s THEN 1
            WHEN of < %(large)s THEN 2 + floor(19 * random())::int
            ELSE 21 + floor(20 * random())::int END AS campaign
        FROM (SELECT n, random() AS of FROM generate_series(1, %(orders)s) AS n) AS numbered
    ) AS spread
) AS priced
"""
_LETTER = (
    "substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + ((hashint4extended(n, 7) >> %d) & 31)::int, 1)"
)


async def _orders(connection: asyncpg.Connection, orders: int) -> None:
    buyers = _BUYERS % {"huge": HUGE_SHARE, "large": LARGE_SHARE, "orders": orders}
    letters = [_LETTER % (5 * place) for place in range(8)]
    released = "CASE WHEN status IN ('EXPIRED', 'FORFEITED', 'CANCELLED') THEN sold_at END"
    is_sold = "status IN ('PAID', 'DEPOSIT_PAID', 'AWAITING_BALANCE', 'FORFEITED') "
    await _insert(
        connection,
        "sales_order",
        {
            "id": "md5('order ' || n)::uuid",
            "number": " || ".join([*letters[:4], "'-'", *letters[4:]]),
            "shop_id": "lpad(to_hex(CASE WHEN campaign <= 20 THEN 1 ELSE 2 + campaign % 4 END), "
            "32, '0')::uuid",
            "campaign_id": f"lpad(to_hex({0x1000} + campaign), 32, '0')::uuid",
            "customer_id": "md5('customer ' || n / 2)::uuid",
            "status": "status",
            "currency": "'CNY'",
            "quantity": "quantity",
            "total_minor": "quantity * price",
            "deposit_minor": "quantity * price / 5",
            "balance_minor": "quantity * price - quantity * price / 5",
            "terms_version": "1",
            "payment_plan": """'{"kind": "DEPOSIT", "deposit_bps": 2000}'""",
            "buyer": "jsonb_build_object('name', name, 'email', lower(replace(name, ' ', '.')) || "
            "n / 2 || '@' || (ARRAY['gmail.com', 'qq.com', '163.com', 'example.com'])[1 + n % 4], "
            "'phone', '+86139' || lpad(n::text, 8, '0'))",
            "shipping_address": "jsonb_build_object('country', 'CN', 'city', 'Shanghai', "
            "'line1', n || ' Nanjing Road', 'postal_code', '200001')",
            "locale": "'zh-CN'",
            "placed_at": "placed_at",
            "sold_at": f"CASE WHEN {is_sold} OR status = 'CANCELLED' AND n % 2 = 0 "
            "THEN sold_at END",
            "released_at": f"{released} + interval '3 days' * (n % 2 = 0)::int",
            "updated_at": "sold_at",
            "hold_expires_at": "placed_at + interval '15 minutes'",
            "balance_due_at": f"CASE WHEN {is_sold} THEN placed_at + interval '40 days' END",
        },
        f"({buyers}) AS bought",
    )
    await _insert(
        connection,
        "order_line",
        {
            "order_id": "id",
            "position": "0",
            "quantity": "quantity",
            "numbers": "(SELECT jsonb_agg(s) FROM generate_series(1, quantity) AS s)",
            "unit_price_minor": "total_minor / quantity",
            "title": "'Nebula Fox'",
        },
        "sales_order",
    )


async def _money(connection: asyncpg.Connection) -> None:
    for leg, amount, at, condition in (
        ("DEPOSIT", "deposit_minor", "sold_at", "sold_at IS NOT NULL"),
        ("BALANCE", "balance_minor", "sold_at + interval '9 days'", "status = 'PAID'"),
    ):
        await _insert(
            connection,
            "payment",
            {
                "shop_id": "shop_id",
                "order_id": "id",
                "leg": f"'{leg}'",
                "gateway": "'sandbox'",
                "status": "'CAPTURED'",
                "amount_minor": amount,
                "currency": "currency",
                "created_at": at,
                "captured_at": at,
            },
            f"sales_order WHERE {condition}",
        )
    await _insert(
        connection,
        "refund",
        {
            "payment_id": "p.id",
            "status": "'SUCCEEDED'",
            "amount_minor": "p.amount_minor",
            "currency": "p.currency",
            "reason": "'order_cancelled'",
            "created_at": "o.released_at",
            "settled_at": "o.released_at",
        },
        "payment p JOIN sales_order o ON o.id = p.order_id WHERE o.status = 'CANCELLED'",
    )
    for kind, row, order_id, at, rows in (
        ("capture", "p", "p.order_id", "p.captured_at", "payment p"),
        (
            "refund_paid",
            "r",
            "p.order_id",
            "r.settled_at",
            "refund r JOIN payment p ON p.id = r.payment_id",
        ),
    ):
        await _insert(
            connection,
            "ledger_transaction",
            {
                "id": f"md5('{kind} ' || {row}.id)::uuid",
                "shop_id": "p.shop_id",
                "kind": f"'{kind}'",
                "source": f"'{kind}:' || {row}.id",
                "order_id": order_id,
                "booked_at": at,
            },
            rows,
        )
        sign = 1 if kind == "capture" else -1
        other = "CUSTOMER_FUNDS" if kind == "capture" else "REFUNDS_PAYABLE"
        await connection.execute(
            "INSERT INTO ledger_entry (transaction_id, account, amount_minor, currency) "
            f"SELECT md5('{kind} ' || {row}.id)::uuid, account, {sign} * side * {row}.amount_minor,"
            f" {row}.currency FROM {rows}, "
            f"(VALUES ('GATEWAY', 1), ('{other}', -1)) AS sides(account, side)"
        )


async def _others(connection: asyncpg.Connection) -> None:
    shop, merchant = f"'{shop_id(1)}'::uuid", f"'{MERCHANT_ID}'::uuid"
    await _insert(
        connection,
        "product",
        {
            "id": "md5('product ' || n)::uuid",
            "shop_id": shop,
            "handle": "'product-' || n",
            "title": "initcap(md5(n::text)) || ' ' || n",
            "vendor": "'Vendor ' || n % 200",
            "product_type": "'Type ' || n % 20",
            "tags": "ARRAY['tag-' || n % 7, 'rare-' || n % 5000]",
            "is_published": "n % 10 > 0",
            "updated_at": "now() - n * interval '1 minute'",
        },
        f"generate_series(1, {OTHERS['product']}) AS n",
    )
    await _insert(
        connection,
        "product_variant",
        {
            "product_id": "md5('product ' || n)::uuid",
            "position": "v",
            "option_values": "ARRAY['size ' || v]",
            "sku": "upper(substr(md5(n::text), 1, 6)) || '-' || n || '-' || v",
            "price_minor": "9900",
            "currency": "'CNY'",
        },
        f"generate_series(1, {OTHERS['product']}) AS n, generate_series(0, 2) AS v",
    )
    await _insert(
        connection,
        "audit_entry",
        {
            "owner_id": shop,
            "at": "now() - (400000 - n) * interval '1 minute'",
            "actor": "'staff:' || n % 50",
            "action": "(ARRAY['order.note_add', 'product.update', 'campaign.update', "
            "'order.cancel', 'shop.update'])"
            "[width_bucket(random(), ARRAY[0, 0.5, 0.8, 0.95, 0.999])]",
            "subject_type": "'Order'",
        },
        f"generate_series(1, {OTHERS['audit_entry']}) AS n",
    )
    await _insert(
        connection,
        "webhook_delivery",
        {
            "endpoint_id": f"'{ENDPOINT_ID}'::uuid",
            "event_id": "n",
            "type": "'order.placed'",
            "status": "CASE WHEN n % 3000 = 0 THEN 'FAILED' ELSE 'DELIVERED' END",
            "finished_at": "now()",
        },
        f"generate_series(1, {OTHERS['webhook_delivery']}) AS n",
    )
    await _insert(
        connection,
        "account",
        {"id": "md5('account ' || n)::uuid", "email": "'staff' || n || '@example.com'"},
        f"generate_series(1, {OTHERS['staff']}) AS n",
    )
    await _insert(
        connection,
        "staff_member",
        {
            "account_id": "md5('account ' || n)::uuid",
            "merchant_id": merchant,
            "role": "'SUPPORT'",
        },
        f"generate_series(1, {OTHERS['staff']}) AS n",
    )
