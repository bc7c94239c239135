"""Somebody whom WeChat alone knew proves an address: what was his is with what the address has."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.checkout import drain
from headless_presale.customers import (
    ConsentKind,
    ConsentSource,
    CustomerClaims,
    CustomerConsent,
    CustomerIdentity,
    NotificationKind,
    find_customer_principal,
    read_any_bearer,
)
from headless_presale.customers import merging as customers_merging
from headless_presale.customers.models import (
    Customer,
    CustomerAddress,
    CustomerCode,
    CustomerGrant,
    CustomerMailChoice,
)
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import customer_id_of, new_id
from headless_presale.orders import merging
from resolvers.global_ids import find_uuid, seal
from tests.graphql.carts import MINE as MY_CART
from tests.graphql.carts import create
from tests.graphql.customers import (
    EMAIL,
    PROVE,
    Storefront,
    codes_of,
    let_them_all_look_first,
    other_than,
)
from tests.graphql.endpoint import Api
from tests.graphql.ordering import PLACE, line, order_input
from tests.graphql.providers import add_wechat, sign_in_as
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.wechat import WeChat

MY_ORDERS = "{ me { orders(first: 10) { nodes { id } } } }"
LIMIT = 2


@pytest.fixture
async def sale(api: Api, clock: ManualClock, wechat: WeChat) -> Sale:
    sale = await open_sale(capacity=20, item={"limit_per_customer": LIMIT})
    await add_wechat(sale.shop)
    return sale


@pytest.fixture
def storefront(api: Api, sale: Sale) -> Storefront:
    return Storefront(api, sale.shop)


@pytest.fixture
async def ann(storefront: Storefront, wechat: WeChat) -> dict[str, Any]:
    """Return a session of somebody without an address."""
    return await sign_in_as(storefront, wechat, "ann")


async def prove(
    storefront: Storefront, session: dict[str, Any], code: str, email: str = EMAIL
) -> dict[str, Any]:
    reply = await storefront.api.ask(
        PROVE, bearer=session["accessToken"], input={"email": email, "code": code}
    )
    payload: dict[str, Any] = reply.data["emailProve"]
    return payload


async def proven(storefront: Storefront, session: dict[str, Any]) -> dict[str, Any]:
    payload = await prove(storefront, session, await storefront.code())
    assert payload["userErrors"] == []
    return payload


async def buy(
    storefront: Storefront, sale: Sale, quantity: int, bearer: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return the payload of placing an order, under the address unless told otherwise."""
    wish = order_input(
        sale,
        lines=[line(sale, quantity)],
        **{"buyer": {"email": EMAIL, "name": "Ann"}, "idempotencyKey": new_id().hex, **more},
    )
    reply = await storefront.api.ask(PLACE, bearer=bearer, input=wish)
    payload: dict[str, Any] = reply.data["orderPlace"]
    return payload


async def orders_of(storefront: Storefront, session: dict[str, Any]) -> set[str]:
    reply = await storefront.api.ask(MY_ORDERS, bearer=session["accessToken"])
    return {order["id"] for order in reply.data["me"]["orders"]["nodes"]}


def uuid_of(session: dict[str, Any]) -> UUID:
    found = find_uuid(session["customer"]["id"], "Customer")
    assert found is not None
    return found


async def test_the_account_is_that_of_the_address_from_then_on(
    storefront: Storefront, wechat: WeChat, ann: dict[str, Any]
) -> None:
    other_phone = await sign_in_as(storefront, wechat, "ann")

    session = await proven(storefront, ann)

    shop_id = storefront.shop.id
    assert session["customer"]["id"] == seal("Customer", customer_id_of(shop_id, EMAIL))
    assert session["customer"]["email"] == EMAIL
    assert (await storefront.me(session["accessToken"])).data["me"] == session["customer"]
    # Sign-ins of the old account have ended,
    for old in (ann, other_phone):
        assert (await storefront.me(old["accessToken"])).error_codes == ["UNAUTHENTICATED"]
        assert codes_of(await storefront.refresh(old["refreshToken"])) == ["SESSION_ENDED"]
    # and by WeChat and by mail one is the same.
    by_wechat = await sign_in_as(storefront, wechat, "ann")
    assert by_wechat["customer"] == session["customer"]
    assert (await storefront.sign_in())["customer"] == session["customer"]


async def test_control_sign_ins_that_do_not_end_go_on(
    storefront: Storefront, ann: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(customers_merging, "end_sessions", keep)

    session = await proven(storefront, ann)

    assert (await storefront.me(ann["accessToken"])).data["me"] != session["customer"]
    assert codes_of(await storefront.refresh(ann["refreshToken"])) == []


async def test_orders_of_both_are_his(
    storefront: Storefront, sale: Sale, ann: dict[str, Any]
) -> None:
    # Given an order as a guest, and two as somebody without an address, one under another address
    token = ann["accessToken"]
    placed = [
        await buy(storefront, sale, 1),
        await buy(storefront, sale, 1, token),
        await buy(storefront, sale, 1, token, buyer={"email": "old@example.com", "name": "Ann"}),
    ]
    assert [codes_of(payload) for payload in placed] == [[], [], []]
    guest, *own = (payload["order"]["id"] for payload in placed)
    assert await orders_of(storefront, ann) == set(own)

    session = await proven(storefront, ann)

    assert await orders_of(storefront, session) == {guest, *own}


async def test_a_limit_is_for_both_together(
    storefront: Storefront,
    sale: Sale,
    ann: dict[str, Any],
    redis: Redis,
    database_admin: asyncpg.Connection,
) -> None:
    assert codes_of(await buy(storefront, sale, 1)) == []
    assert codes_of(await buy(storefront, sale, 1, ann["accessToken"])) == []

    session = await proven(storefront, ann)

    for bearer in (session["accessToken"], None):
        refused = await buy(storefront, sale, 1, bearer)
        assert codes_of(refused) == ["PURCHASE_LIMIT"]
    await drain()
    quotas = await database_admin.fetch("SELECT customer_id, taken FROM customer_quota")
    assert [tuple(row) for row in quotas] == [(uuid_of(session), LIMIT)]
    (key,) = await redis.keys("slots:*:taken")
    assert await redis.hgetall(key) == {str(uuid_of(session)): str(LIMIT)}


async def test_control_without_giving_it_over_he_buys_twice_the_limit(
    storefront: Storefront, sale: Sale, ann: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep(*_: object) -> None: ...

    monkeypatch.setattr(merging, "move_quotas", keep)
    assert codes_of(await buy(storefront, sale, LIMIT, ann["accessToken"])) == []

    session = await proven(storefront, ann)

    assert codes_of(await buy(storefront, sale, LIMIT, session["accessToken"])) == []


async def furnish(customer_id: UUID) -> None:
    """Give somebody one of everything that is a customer's own."""
    at = kernel_clock.now()
    await CustomerAddress.create(
        id=new_id(), customer_id=customer_id, name="Ann", country="CN", city="Shanghai",
        line1="1 Nanjing Road", created_at=at, updated_at=at,
    )  # fmt: skip
    await CustomerConsent.create(
        id=new_id(), customer_id=customer_id, kind=ConsentKind.PRIVACY_POLICY, is_given=True,
        text_version="3", source=ConsentSource.ACCOUNT, locale="en", at=at,
    )  # fmt: skip
    for kind in (NotificationKind.NEWS, NotificationKind.CAMPAIGN_OPENINGS):
        await CustomerMailChoice.create(
            id=new_id(), customer_id=customer_id, kind=kind, is_on=True, changed_at=at
        )


async def test_what_is_a_customers_own_moves_over(
    storefront: Storefront, sale: Sale, ann: dict[str, Any], database_admin: asyncpg.Connection
) -> None:
    old_id = uuid_of(ann)
    await furnish(old_id)
    await Customer.filter(id=old_id).update(name="Ann", phone="123")
    # Given that the account of the address does not want news
    target = uuid_of(await storefront.sign_in())
    await CustomerMailChoice.create(
        id=new_id(), customer_id=target, kind=NotificationKind.NEWS, is_on=False,
        changed_at=kernel_clock.now(),
    )  # fmt: skip
    cart = await create(storefront.api, sale, ann["accessToken"])
    await cart.put()

    session = await proven(storefront, ann)

    assert (await CustomerAddress.get()).customer_id == target
    assert (await CustomerConsent.get(customer_id=target)).text_version == "3"
    choices = {c.kind: c.is_on for c in await CustomerMailChoice.filter(customer_id=target)}
    assert choices == {NotificationKind.NEWS: False, NotificationKind.CAMPAIGN_OPENINGS: True}
    assert (await CustomerIdentity.get()).customer_id == target
    kept = await Customer.get(id=target)
    assert (kept.name, kept.phone) == ("Ann", "123")
    gone = await Customer.get(id=old_id)
    assert (gone.name, gone.phone, gone.email) == ("", "", None)
    found_cart = await storefront.api.ask(MY_CART, bearer=session["accessToken"])
    assert found_cart.data["me"]["cart"]["id"] == cart.id
    # Whoever adds a table of a customer's has to say here what becomes of it
    found = await database_admin.fetch(
        "SELECT conrelid::regclass::text AS name FROM pg_constraint "
        "WHERE contype = 'f' AND confrelid = 'customer'::regclass"
    )
    assert {row["name"] for row in found} == {
        *("customer_identity", "customer_address", "customer_consent", "customer_mail_choice"),
        # Ended; moved, or nobody's.
        *("customer_grant", "cart"),
        # A copy of what the old account knew ends within a day, and with whoever is erased.
        "personal_data_export",
    }


async def test_a_wrong_code_moves_nothing_and_is_counted(
    storefront: Storefront, ann: dict[str, Any]
) -> None:
    code = await storefront.code()

    refused = await prove(storefront, ann, other_than(code))

    assert codes_of(refused) == ["CODE_REFUSED"]
    assert (await CustomerCode.get()).attempts == 1
    assert (await Customer.get()).email is None
    assert (await storefront.me(ann["accessToken"])).data["me"] == ann["customer"]
    assert codes_of(await prove(storefront, ann, code)) == []


async def test_control_without_the_code_any_address_is_his(
    storefront: Storefront, ann: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take_any(*_: object) -> str:
        return "en"

    monkeypatch.setattr(customers_merging, "take_code", take_any)

    session = await prove(storefront, ann, "000000", "victim@example.com")

    assert session["customer"]["email"] == "victim@example.com"


async def test_who_has_an_address_keeps_it(storefront: Storefront, ann: dict[str, Any]) -> None:
    session = await proven(storefront, ann)
    code = await storefront.code("other@example.com")

    refused = await prove(storefront, session, code, "other@example.com")

    assert codes_of(refused) == ["EMAIL_PROVEN_ALREADY"]
    assert await Customer.filter(email="other@example.com").count() == 0
    assert (await CustomerCode.get(email="other@example.com")).ended_at is None


async def test_control_beneath_the_look_at_that_he_gets_another(
    storefront: Storefront, ann: dict[str, Any]
) -> None:
    session = await proven(storefront, ann)
    code = await storefront.code("other@example.com")
    claims = await read_any_bearer(f"Bearer {session['accessToken']}")
    assert isinstance(claims, CustomerClaims)
    principal = await find_customer_principal(claims)
    assert principal is not None

    moved = await customers_merging.merge_into_address(
        principal, "other@example.com", code, await signing_key()
    )

    assert moved is not None
    assert moved.customer.email == "other@example.com"


async def test_what_is_no_address_is_told(storefront: Storefront, ann: dict[str, Any]) -> None:
    for email in ("", "ann", "straße@example.com"):
        assert codes_of(await prove(storefront, ann, "000000", email)) == ["INVALID_INPUT"]


async def test_a_code_of_another_shop_is_none(storefront: Storefront, ann: dict[str, Any]) -> None:
    elsewhere = Storefront(storefront.api, await make_shop("other-shop"))

    refused = await prove(storefront, ann, await elsewhere.code())

    assert codes_of(refused) == ["CODE_REFUSED"]


async def test_two_windows_at_once_prove_it_once(
    storefront: Storefront, ann: dict[str, Any]
) -> None:
    code = await storefront.code()

    assert await windows_let_in(storefront, ann, code, 4) == 1
    assert await CustomerGrant.filter(revoked_at=None).count() == 1


async def test_control_without_the_locks_each_window_proves_it(
    storefront: Storefront, ann: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lock(*_: object) -> None: ...

    monkeypatch.setattr(customers_merging, "lock_customer", lock)
    let_them_all_look_first(monkeypatch, 2)
    code = await storefront.code()

    assert await windows_let_in(storefront, ann, code, 2) == 2


async def windows_let_in(
    storefront: Storefront, session: dict[str, Any], code: str, count: int
) -> int:
    """Prove an address in so many windows at once; return in how many it was taken."""
    given = {"email": EMAIL, "code": code}
    replies = await asyncio.gather(
        *(
            storefront.api.ask(PROVE, bearer=session["accessToken"], input=given)
            for _ in range(count)
        )
    )
    answers = [reply.body.get("data") for reply in replies]
    return sum(codes_of(answer["emailProve"]) == [] for answer in answers if answer is not None)


async def test_who_signs_in_meanwhile_is_the_new_one_or_out(
    storefront: Storefront, wechat: WeChat, ann: dict[str, Any]
) -> None:
    code = await storefront.code()

    await asyncio.gather(
        prove(storefront, ann, code),
        *(sign_in_as(storefront, wechat, "ann") for _ in range(4)),
    )

    assert await CustomerGrant.filter(customer_id=uuid_of(ann), revoked_at=None).count() == 0
