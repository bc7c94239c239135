"""Every list of a merchant costs as many statements with eight rows as with one.

The lists are those of the schema, so a new one is asked the day it is there; it then needs its
place in ``OPENED``, what multiplies its rows in ``GROWN``, and its pin.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import asyncpg
import pytest
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from tests.graphql.admin.tenancy.declared import GRAPHQL, requirement_of
from tests.graphql.admin.tenancy.world import House, World
from tests.graphql.endpoint import Api
from tests.support.statements import counted_statements

MANY = 8

OPENED: Mapping[str, str] = {
    "Merchant": "merchant {{ {list} }}",
    "AdminShop": 'merchant {{ shop(slug: "{slug}") {{ {list} }} }}',
    "AdminOrder": 'merchant {{ shop(slug: "{slug}") {{ order(id: "{order}") {{ {list} }} }} }}',
    "AdminCampaign": (
        'merchant {{ shop(slug: "{slug}") {{ campaign(id: "{campaign}") {{ {list} }} }} }}'
    ),
    "WebhookEndpoint": 'merchant {{ webhookEndpoint(id: "{endpoint}") {{ {list} }} }}',
}
"""How a query comes to a type that has lists."""

Rows = Sequence[tuple[str, str, Mapping[str, str]]]
"""Tables, which of their rows are multiplied, and what the ``n``-th copy has else."""

AS_ITS_OWN = {"id": "md5(n || t.id::text)::uuid"}
OF_THE_SHOP = "t.shop_id = $1"
_ORDERS: Rows = (
    ("sales_order", OF_THE_SHOP, AS_ITS_OWN),
    (
        "order_line",
        "t.order_id IN (SELECT id FROM sales_order WHERE shop_id = $1)",
        {**AS_ITS_OWN, "order_id": "md5(n || t.order_id::text)::uuid"},
    ),
    (
        "payment",
        OF_THE_SHOP,
        {
            **AS_ITS_OWN,
            "order_id": "md5(n || t.order_id::text)::uuid",
            "intent_id": "t.intent_id || n",
        },
    ),
)
_LOG: Rows = (("audit_entry", "t.owner_id IN ($1, $2)", {}),)
_OF_THE_MERCHANT = "t.merchant_id = $2"
_OF_A_CAMPAIGN = "t.campaign_id IN (SELECT id FROM campaign WHERE shop_id = $1)"

GROWN: Mapping[str, Rows] = {
    "Merchant.orders": _ORDERS,
    "Merchant.staff": (
        ("account", "true", {**AS_ITS_OWN, "email": "n || t.email"}),
        (
            "staff_member",
            _OF_THE_MERCHANT,
            {**AS_ITS_OWN, "account_id": "md5(n || t.account_id::text)::uuid"},
        ),
    ),
    "Merchant.invitations": (
        (
            "invitation",
            _OF_THE_MERCHANT,
            {**AS_ITS_OWN, "email": "n || t.email", "token_hash": "md5(n || t.token_hash)"},
        ),
    ),
    "Merchant.clients": (("oauth_client", _OF_THE_MERCHANT, AS_ITS_OWN),),
    "Merchant.grants": (
        ("oauth_client", "true", AS_ITS_OWN),
        (
            "oauth_grant",
            _OF_THE_MERCHANT,
            {**AS_ITS_OWN, "client_id": "md5(n || t.client_id::text)::uuid"},
        ),
    ),
    "Merchant.webhookEndpoints": (("webhook_endpoint", _OF_THE_MERCHANT, AS_ITS_OWN),),
    "Merchant.auditLog": _LOG,
    "AdminShop.products": (
        ("product", OF_THE_SHOP, {**AS_ITS_OWN, "handle": "t.handle || n"}),
        *(
            (
                table,
                "t.product_id IN (SELECT id FROM product WHERE shop_id = $1)",
                {**AS_ITS_OWN, "product_id": "md5(n || t.product_id::text)::uuid"},
            )
            for table in ("product_variant", "product_option", "product_media")
        ),
    ),
    "AdminShop.campaigns": (
        ("campaign", OF_THE_SHOP, {**AS_ITS_OWN, "handle": "t.handle || n"}),
        ("slot_pool", "true", AS_ITS_OWN),
        (
            "campaign_item",
            _OF_A_CAMPAIGN,
            {
                **AS_ITS_OWN,
                "campaign_id": "md5(n || t.campaign_id::text)::uuid",
                "pool_id": "md5(n || t.pool_id::text)::uuid",
            },
        ),
        (
            "campaign_terms",
            _OF_A_CAMPAIGN,
            {**AS_ITS_OWN, "campaign_id": "md5(n || t.campaign_id::text)::uuid"},
        ),
    ),
    "AdminCampaign.termsVersions": (
        ("campaign_terms", _OF_A_CAMPAIGN, {**AS_ITS_OWN, "version": "t.version + n"}),
    ),
    "AdminShop.productImports": (
        (
            "product_import",
            OF_THE_SHOP,
            {**AS_ITS_OWN, "status": "'SUCCEEDED'", "finished_at": "now()"},
        ),
    ),
    "AdminShop.media": (
        ("media_asset", OF_THE_SHOP, {**AS_ITS_OWN, "sha256": "md5(n || t.sha256) || md5('')"}),
    ),
    "AdminShop.auditLog": _LOG,
    "AdminShop.orders": _ORDERS,
    "AdminOrder.timeline": (("event", "t.topic LIKE 'order:%'", {}),),
    "WebhookEndpoint.deliveries": (
        ("webhook_delivery", "true", {**AS_ITS_OWN, "event_id": "hashtext(n || t.id::text)"}),
        ("webhook_attempt", "true", {"delivery_id": "md5(n || t.delivery_id::text)::uuid"}),
    ),
}

AT_MOST: Mapping[str, int] = {
    "Merchant.orders": 22,
    "Merchant.staff": 7,
    "Merchant.invitations": 6,
    "Merchant.clients": 6,
    "Merchant.grants": 8,
    "Merchant.webhookEndpoints": 6,
    "Merchant.auditLog": 6,
    "AdminShop.campaigns": 19,
    "AdminShop.products": 17,
    "AdminShop.productImports": 7,
    "AdminShop.media": 10,
    "AdminShop.auditLog": 7,
    "AdminShop.orders": 22,
    "AdminOrder.timeline": 10,
    "AdminCampaign.termsVersions": 8,
    "WebhookEndpoint.deliveries": 9,
}
"""Statements of a page with all that hangs on its rows, its neighbours and its length."""


def lists() -> Iterator[tuple[GraphQLObjectType, str, GraphQLField]]:
    """Yield every list that can be reached from a merchant: its type, its name, its field."""
    ahead, seen = ["Merchant"], set()
    while ahead:
        type_ = GRAPHQL.type_map[ahead.pop()]
        if type_.name in seen or not isinstance(type_, GraphQLObjectType):
            continue
        seen.add(type_.name)
        for name, field in type_.fields.items():
            named = get_named_type(field.type)
            ahead.append(named.name)
            if named.name.endswith("Connection"):
                yield type_, name, field


LISTS = {f"{type_.name}.{name}": (type_, name, field) for type_, name, field in lists()}


def selection(type_: GraphQLObjectType, depth: int = 3) -> str:
    """Return everything of a row that is neither a list of its own nor needs more permission."""
    parts = ["__typename"]
    for name, field in type_.fields.items():
        named = get_named_type(field.type)
        if is_leaf_type(named):
            parts.append(name)
        elif (
            depth > 1
            and isinstance(named, GraphQLObjectType)
            and not named.name.endswith("Connection")
            and not any(map(is_required_argument, field.args.values()))
            and requirement_of(field) is None
        ):
            parts.append(f"{name} {selection(named, depth - 1)}")
    return f"{{ {' '.join(parts)} }}"


def query_of(key: str, house: House, first: int) -> str:
    """Return the query of a page with all that hangs on its rows."""
    type_, name, field = LISTS[key]
    connection = get_named_type(field.type)
    assert isinstance(connection, GraphQLObjectType)
    node = get_named_type(connection.fields["nodes"].type)
    assert isinstance(node, GraphQLObjectType)
    asked = (
        f"{name}(first: {first}) {{ totalCount pageInfo {{ hasNextPage hasPreviousPage }} "
        f"nodes {selection(node)} }}"
    )
    opened = OPENED[type_.name].format(list=asked, slug=house.shop.slug, **house.ids)
    return f"{{ {opened} }}"


async def grow(admin: asyncpg.Connection, key: str, house: House) -> None:
    """Multiply the rows of a list; triggers and foreign keys look away."""
    async with admin.transaction():
        await admin.execute("SET LOCAL session_replication_role = replica")
        for table, which, changes in GROWN[key]:
            columns = await admin.fetch(
                "SELECT column_name AS name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' "
                "AND is_identity = 'NO' AND coalesce(column_default, '') NOT LIKE 'nextval%'",
                table,
            )
            names = [column["name"] for column in columns]
            values = ", ".join(changes.get(name, f't."{name}"') for name in names)
            quoted = ", ".join(f'"{name}"' for name in names)
            await admin.execute(
                f"INSERT INTO {table} ({quoted}) SELECT {values} FROM {table} t, "
                f"generate_series(1, {MANY}) AS n "
                f"WHERE ($1::uuid, $2::uuid) IS NOT NULL AND {which}",
                house.shop.id,
                house.shop.merchant_id,
            )


def test_every_list_is_asked_for_what_it_costs() -> None:
    assert set(LISTS) == set(GROWN) == set(AT_MOST)


@pytest.mark.parametrize("key", LISTS)
async def test_eight_rows_cost_as_many_statements_as_one(
    api: Api, world: World, database_admin: asyncpg.Connection, key: str
) -> None:
    house = world.ours
    assert house.owner is not None
    await grow(database_admin, key, house)
    shown, costs = [], []
    for first in (1, MANY):
        async with counted_statements() as sent:
            # A new connection asks once what types there are.
            await api.ask("{ viewer { label } }", bearer=house.owner.token)
            await api.ask(query_of(key, house, first), bearer=house.owner.token)
            before = len(sent)
            reply = await api.ask(query_of(key, house, first), bearer=house.owner.token)
        shown.append(_length(reply.data))
        costs.append(Counter(map(_shape, filter(_is_ours, sent[before:]))))

    assert shown == [1, MANY]
    one, many = costs
    # A row may be of a kind that the first one is not, and a loader may be asked in two turns.
    assert {shape: count for shape, count in many.items() if count > max(2, one[shape])} == {}
    assert many.total() <= AT_MOST[key], "\n".join(many)


def _shape(statement: str) -> str:
    """Return a statement without the number of its arguments."""
    return re.sub(r"\$\d+(,\$\d+)*", "$", " ".join(statement.split()))


def _is_ours(statement: str) -> bool:
    """Tell whether it asks for rows: not for types, as the driver does, nor to begin or to end."""
    asides = ("pg_catalog", "current_setting('jit')", "BEGIN;", "COMMIT;")
    return not any(aside in statement for aside in asides)


def _length(data: object) -> int:
    """Return how many rows the only list of an answer shows."""
    if isinstance(data, dict):
        if "nodes" in data:
            return len(data["nodes"])
        return max(map(_length, data.values()), default=0)
    return 0
