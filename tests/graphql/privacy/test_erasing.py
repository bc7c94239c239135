"""Who may have whom forgotten, when, and what comes after."""

from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.customers.models import Customer
from headless_presale.identity import Role
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.ids import customer_id_of
from headless_presale.notifications import Message, deliver
from headless_presale.orders import OrderStatus, sweep_orders
from headless_presale.payments import PaymentLeg, Refund
from headless_presale.payments import record_notice as tell
from headless_presale.privacy import Erasure
from headless_presale.privacy.rules import Standing, standing_of
from resolvers.global_ids import seal
from tests.graphql.customers import ME, Storefront, codes_of
from tests.graphql.privacy.life import Stage
from tests.support.money import place, quota_taken, read, start
from tests.support.shop import Sale
from tests.support.staff import sign_in
from tests.support.state import stored_rows

MAIL = "lin@example.com"
ERASE = """
mutation ($input: CustomerEraseInput!) {
  customerErase(input: $input) { erasure { id at orders } userErrors { __typename code field message
    ... on ErasureBlockedError { count orderNumbers } } } }
"""
ERASE_PERSON = """
mutation ($input: PersonalDataEraseInput!) {
  personalDataErase(input: $input) { erasure { id orders } userErrors { __typename code field
    ... on ErasureBlockedError { count orderNumbers } } } }
"""


async def erase(stage: Stage, token: str | None, **given: Any) -> dict[str, Any]:
    """Return the payload of a customer's erasing himself."""
    reply = await stage.api.ask(ERASE, bearer=token, input={"isConfirmed": True, **given})
    payload: dict[str, Any] = reply.data["customerErase"]
    return payload


async def erase_person(stage: Stage, sale: Sale, **given: Any) -> dict[str, Any]:
    """Return the payload of the merchant's erasing."""
    owner = await sign_in(sale.shop)
    wish = {"shopId": seal("Shop", sale.shop.id), "email": MAIL, **given}
    reply = await stage.api.ask(ERASE_PERSON, bearer=owner.token, input=wish)
    payload: dict[str, Any] = reply.data["personalDataErase"]
    return payload


async def token_of(stage: Stage, sale: Sale, email: str = MAIL) -> str:
    token: str = (await Storefront(stage.api, sale.shop).sign_in(email))["accessToken"]
    return token


async def test_a_customer_forgets_himself_and_comes_again_as_somebody_new(stage: Stage) -> None:
    sale = await stage.open()
    order = await place(sale)
    token = await token_of(stage, sale)

    erased = await erase(stage, token)

    assert (erased["userErrors"], erased["erasure"]["orders"]) == ([], 1)
    kept = await Erasure.get()
    assert (kept.asked_by, kept.orders, kept.at) == ("customer", 1, stage.clock.now())
    # His sign-in has ended, and his order is of nobody.
    assert (await stage.api.ask(ME, bearer=token)).error_codes == ["UNAUTHENTICATED"]
    found = await read(order.id)
    assert (found.customer_id, found.status) == (kept.id, OrderStatus.CANCELLED)
    assert found.buyer == {"email": "", "name": "", "phone": None}
    # A token that was given out for it opens nothing.
    assert found.access_generation == 1
    # Who comes again is new.
    again = await Storefront(stage.api, sale.shop).sign_in(MAIL)
    assert again["customer"]["name"] == ""
    assert await Customer.all().count() == 1
    assert (await place(sale)).customer_id == customer_id_of(sale.shop.id, MAIL)


async def test_it_needs_a_fresh_sign_in(stage: Stage) -> None:
    sale = await stage.open()
    storefront = Storefront(stage.api, sale.shop)
    session = await storefront.sign_in(MAIL)
    stage.clock.advance(timedelta(minutes=9))
    session = await storefront.refresh(session["refreshToken"])
    stage.clock.advance(timedelta(minutes=1, seconds=1))

    refused = await erase(stage, session["accessToken"])

    assert codes_of(refused) == ["FRESH_SIGN_IN_REQUIRED"]
    assert "10 minutes" in refused["userErrors"][0]["message"]
    assert await Customer.all().count() == 1
    assert codes_of(await erase(stage, await token_of(stage, sale))) == []


async def test_it_has_to_be_meant(stage: Stage, database_admin: asyncpg.Connection) -> None:
    sale = await stage.open()
    token = await token_of(stage, sale)
    before = await stored_rows(database_admin)

    refused = await erase(stage, token, isConfirmed=False)

    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [
        ("INVALID_INPUT", ["isConfirmed"])
    ]
    reply = await stage.api.ask(ERASE, bearer=None, input={"isConfirmed": True})
    assert reply.error_codes == ["UNAUTHENTICATED"]
    assert await stored_rows(database_admin) == before


async def test_what_is_paid_and_under_way_is_in_the_way(
    stage: Stage, database_admin: asyncpg.Connection
) -> None:
    sale = await stage.open()
    order = await stage.till.pay(await place(sale))
    held = await place(sale)
    token = await token_of(stage, sale)
    before = await stored_rows(database_admin)

    refused = await erase(stage, token)

    assert refused["userErrors"][0]["__typename"] == "ErasureBlockedError"
    assert (refused["erasure"], refused["userErrors"][0]["count"]) == (None, 1)
    assert refused["userErrors"][0]["orderNumbers"] == [order.number]
    assert await stored_rows(database_admin) == before
    assert (await read(held.id)).status is OrderStatus.AWAITING_PAYMENT
    # The merchant neither, until he says that it has been delivered.
    assert codes_of(await erase_person(stage, sale)) == ["ERASURE_BLOCKED"]
    assert codes_of(await erase_person(stage, sale, isDelivered=True)) == []


@pytest.mark.parametrize(
    ("status", "ships_by", "is_delivered", "standing"),
    [
        (OrderStatus.AWAITING_PAYMENT, None, False, Standing.UNPAID),
        (OrderStatus.AWAITING_DEPOSIT, None, True, Standing.UNPAID),
        (OrderStatus.EXPIRED, None, False, Standing.OVER),
        (OrderStatus.CANCELLED, date(2099, 1, 1), False, Standing.OVER),
        (OrderStatus.FORFEITED, date(2099, 1, 1), False, Standing.OVER),
        # A deposit is no delivery, whatever anybody says.
        (OrderStatus.DEPOSIT_PAID, date(2020, 1, 1), True, Standing.UNDER_WAY),
        (OrderStatus.AWAITING_BALANCE, date(2020, 1, 1), True, Standing.UNDER_WAY),
        (OrderStatus.PAID, None, False, Standing.UNDER_WAY),
        (OrderStatus.PAID, None, True, Standing.OVER),
        (OrderStatus.PAID, date(2026, 1, 30), False, Standing.UNDER_WAY),
        (OrderStatus.PAID, date(2026, 1, 29), False, Standing.OVER),
    ],
)
def test_when_an_order_needs_nobody(
    status: OrderStatus, ships_by: date | None, is_delivered: bool, standing: Standing
) -> None:
    today = date(2026, 3, 1)
    assert standing_of(status, ships_by, today=today, is_delivered=is_delivered) is standing


async def test_long_after_the_promised_date_he_may_go(stage: Stage) -> None:
    sale = await stage.open()
    order = await stage.till.pay(await place(sale))
    stage.clock.advance(timedelta(days=121 + 30))
    assert codes_of(await erase(stage, await token_of(stage, sale))) == ["ERASURE_BLOCKED"]

    stage.clock.advance(timedelta(days=1))
    erased = await erase(stage, await token_of(stage, sale))

    assert (erased["userErrors"], erased["erasure"]["orders"]) == ([], 1)
    # What it owns stays counted, under the name that nobody has.
    found = await read(order.id)
    assert (found.status, found.total) == (OrderStatus.PAID, order.total)
    assert await quota_taken(stage.admin, found) == 1
    assert await quota_taken(stage.admin, order) == 0
    assert await stage.broken() == []


async def test_money_that_comes_later_goes_back_and_nobody_is_told(stage: Stage) -> None:
    sale = await stage.open()
    order = await place(sale)
    payment = await start(order, PaymentLeg.FULL)
    gateway = stage.till.gateways["sandbox"]
    assert payment.intent_id is not None
    gateway.capture(payment.intent_id)
    notice = gateway.notices.pop()
    stage.clock.advance(timedelta(hours=2))
    await sweep_orders()
    assert (await read(order.id)).status is OrderStatus.EXPIRED
    assert codes_of(await erase_person(stage, sale)) == []
    mails = await Message.all().count()

    await tell("sandbox", notice)

    assert (await read(order.id)).status is OrderStatus.EXPIRED
    assert (await Refund.get()).amount_minor == 10_000
    assert await Message.all().count() == mails
    assert await stage.broken() == []


async def test_two_mailboxes_of_one_id_are_two_people(stage: Stage) -> None:
    # ``ß`` and ``ss`` make one customer id.
    sale = await stage.open()
    mine = await place(sale, email="strasse@example.com")
    token = await token_of(stage, sale, "strasse@example.com")
    theirs = await place(sale, email="straße@example.com")
    assert mine.customer_id == theirs.customer_id

    erased = await erase_person(stage, sale, email="straße@example.com")

    assert (erased["userErrors"], erased["erasure"]["orders"]) == ([], 1)
    assert (await read(theirs.id)).buyer["email"] == ""
    assert (await read(mine.id)).buyer["email"] == "strasse@example.com"
    assert (await stage.api.ask(ME, bearer=token)).data["me"]["email"] == "strasse@example.com"
    assert await stage.broken() == []


async def test_the_merchant_forgets_a_guest_and_the_log_does_not_say_whom(stage: Stage) -> None:
    sale = await stage.open()
    await place(sale)

    erased = await erase_person(stage, sale, email=" LIN@Example.com")

    assert erased["erasure"]["orders"] == 1
    entry = await AuditEntry.get(action="personal_data.erase")
    kept = await Erasure.get()
    assert (entry.subject_type, entry.subject_id) == ("Erasure", kept.id)
    assert (entry.subject_label, entry.before, entry.after) == ("", {}, {"orders": 1})
    assert kept.asked_by == entry.actor != ""
    # Saying it again finds nobody.
    again = await erase_person(stage, sale)
    assert [(e["code"], e["field"]) for e in again["userErrors"]] == [
        ("PERSON_NOT_FOUND", ["email"])
    ]
    assert await Erasure.all().count() == 1


async def test_an_address_that_only_asked_for_a_code_can_be_forgotten(stage: Stage) -> None:
    sale = await stage.open()
    await Storefront(stage.api, sale.shop).ask_for_code(MAIL)

    erased = await erase_person(stage, sale)

    assert erased["erasure"]["orders"] == 0
    mail = await Message.get()
    assert (mail.recipient, mail.context, mail.failure) == ("", {}, "erased")
    # What waits to send it finds nothing to do.
    await deliver(mail.id)
    assert stage.mails.mails == []


async def test_what_is_no_address_is_told(stage: Stage) -> None:
    sale = await stage.open()
    assert codes_of(await erase_person(stage, sale, email="lin")) == ["INVALID_INPUT"]
    assert codes_of(await erase_person(stage, sale, email="who@example.com")) == [
        "PERSON_NOT_FOUND"
    ]


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SUPPORT, Role.ANALYST])
async def test_it_is_for_owners_and_administrators(stage: Stage, role: Role) -> None:
    sale = await stage.open()
    await place(sale)
    member = await sign_in(sale.shop, role, email="member@forge.example")
    wish = {"shopId": seal("Shop", sale.shop.id), "email": MAIL}

    reply = await stage.api.ask(ERASE_PERSON, bearer=member.token, input=wish)

    assert reply.error_codes == ["FORBIDDEN"]
    assert await Erasure.all().count() == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entry SET after = '{}'",
        "DELETE FROM audit_entry",
        "UPDATE order_note SET text = ''",
    ],
)
async def test_the_log_stays_append_only_for_everybody_else(stage: Stage, change: str) -> None:
    sale = await stage.open()
    life = await stage.live(sale)
    assert life.order_ids

    with pytest.raises(asyncpg.RestrictViolationError):
        await stage.admin.execute(change)
    async with stage.admin.transaction():
        await stage.admin.execute("SET LOCAL presale.erasing = 'on'")
        for forbidden in (
            "UPDATE audit_entry SET actor = 'nobody'",
            "UPDATE order_note SET text = 'something else'",
            "UPDATE order_note SET text = '', author = 'nobody'",
            "DELETE FROM audit_entry",
            "DELETE FROM order_note",
        ):
            with pytest.raises(asyncpg.RestrictViolationError):
                async with stage.admin.transaction():
                    await stage.admin.execute(forbidden)
