"""A customer's copy of what is known of him: all of it, and nothing of anybody else."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.kernel.ids import customer_id_of, new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications import Message
from headless_presale.orders import order_token
from headless_presale.privacy import document, erase_person, exporting, write_export
from tests.conftest import SECRET_KEY
from tests.graphql.privacy.copies import LIN, READY, asked_by, copy_for, read_copy
from tests.graphql.privacy.life import CITY, MAIL, NAME, PHONE, POSTCODE, STREET, WORDS, Stage
from tests.graphql.privacy.searching import columns_that_say, said_in
from tests.support.money import place
from tests.support.servers import until
from tests.support.state import stored_rows
from tests.support.statements import counted_statements


async def test_a_copy_has_all_of_him_and_nothing_of_anybody_else(
    stage: Stage, database_admin: asyncpg.Connection
) -> None:
    # Given two who have done everything there is, in one shop
    sale = await stage.open()
    await stage.live(sale, name="Bob", email="bob@example.com")
    life = await stage.live(sale)

    copy = await read_copy(life.export_id)

    profile = copy["profile"]
    assert copy["shop"]["slug"] == sale.shop.slug
    assert [profile[part] for part in ("email", "name", "phone")] == [MAIL, NAME, PHONE]
    assert {order["number"] for order in copy["orders"]} == {
        order.number for order in life.orders.values()
    }
    orders = {order["number"]: order for order in copy["orders"]}
    paid = orders[life.orders["delivered"].number]
    assert paid["buyer"] == {"name": NAME, "email": MAIL, "phone": PHONE}
    assert (paid["shippingAddress"]["city"], paid["shippingAddress"]["line1"]) == (CITY, STREET)
    assert paid["shippingAddress"]["postalCode"] == POSTCODE
    assert [(line["quantity"], line["unitPriceMinor"]) for line in paid["lines"]] == [(1, 10_000)]
    (payment,) = paid["payments"]
    assert (payment["leg"], payment["status"], payment["amountMinor"]) == (
        "FULL",
        "CAPTURED",
        10_000,
    )
    assert [refund["amountMinor"] for refund in payment["refunds"]] == [3_000]
    assert paid["merchantRefunds"][0]["reason"] == f"a gift for {NAME}"
    types = [event["type"] for event in paid["events"]]
    assert types[0] == "order.placed"
    assert {"payment.captured", "order.confirmed", "order.refunded"} <= set(types)
    assert orders[life.orders["cancelled"].number]["closedReason"] != ""
    assert [address["line1"] for address in copy["addresses"]] == [STREET]
    assert copy["identities"][0]["subject"] == f"subject of {NAME}"
    assert [(c["kind"], c["isGiven"]) for c in copy["consents"]] == [("PERSONALISATION", True)]
    assert [(c["kind"], c["isOn"]) for c in copy["mailChoices"]] == [("NEWS", True)]
    assert len(copy["signIns"]) == 1
    assert len(copy["signInCodes"]) == 2
    assert copy["cart"]["lines"][0]["quantity"] == 1
    assert [row["email"] for row in copy["notifyMe"]] == [MAIL]
    kinds = {mail["kind"] for mail in copy["mails"]}
    assert kinds >= {"order_confirmed", "order_refunded", "sign_in_code", "campaign_opened"}
    assert {mail["recipient"] for mail in copy["mails"]} == {MAIL}
    assert any(mail["sentAt"] for mail in copy["mails"])
    # Nobody else, no secret, nothing of how it is done, no name of the staff
    text = json.dumps(copy, ensure_ascii=False).lower()
    assert said_in(text, WORDS) == list(WORDS)
    # In quotes: the letters alone may stand in an id.
    assert said_in(text, ["bob@example.com", '"bob"', '"ulm"', "requesthash", "thanks?buyer"]) == []
    assert said_in(text, await secrets_of(database_admin)) == []
    assert said_in(text, [order_token(SECRET_KEY, id_, 0) for id_ in life.order_ids]) == []


async def secrets_of(admin: asyncpg.Connection) -> list[str]:
    """Return hashes that are stored, and names of the staff."""
    rows = await admin.fetch(
        "SELECT token_hash AS secret FROM customer_refresh_token UNION "
        "SELECT token_hash FROM personal_data_export UNION "
        "SELECT request_hash FROM sales_order UNION "
        "SELECT request_hash FROM merchant_refund UNION "
        "SELECT author_label FROM merchant_refund WHERE author_label <> ''"
    )
    assert len(rows) >= 6
    return [row["secret"] for row in rows if row["secret"]]


async def test_it_is_of_his_own_shop_alone(stage: Stage) -> None:
    sale, elsewhere = await stage.open(), await stage.open("other-forge")
    there, here = await stage.live(elsewhere), await stage.live(sale)

    copy = await read_copy(here.export_id)

    numbers = {order["number"] for order in copy["orders"]}
    assert numbers == {order.number for order in here.orders.values()}
    assert numbers.isdisjoint(order.number for order in there.orders.values())
    assert len(copy["signIns"]) == len(copy["addresses"]) == len(copy["notifyMe"]) == 1
    assert len(copy["mails"]) == len((await read_copy(there.export_id))["mails"])


async def test_two_mailboxes_of_one_id_are_two_people(stage: Stage) -> None:
    # ``ß`` and ``ss`` make one customer id.
    sale = await stage.open()
    mine = await place(sale, email="strasse@example.com")
    theirs = await place(sale, email="straße@example.com")
    assert mine.customer_id == theirs.customer_id

    copy = await copy_for(stage, sale, "strasse@example.com")

    assert [order["number"] for order in copy["orders"]] == [mine.number]
    assert "straße" not in json.dumps(copy, ensure_ascii=False)


async def test_what_is_read_in_parts_is_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await stage.open()
    await stage.live(sale)
    customer = await exporting._read_customer(customer_id_of(sale.shop.id, MAIL))
    assert customer is not None
    async with counted_statements() as sent:
        whole = [piece async for piece in document.compose(customer)]
    reads = [sql for sql in sent if sql.lstrip().upper().startswith(("SELECT", "WITH"))]

    monkeypatch.setattr(document, "AT_ONCE", 2)

    assert b"".join([piece async for piece in document.compose(customer)]) == b"".join(whole)
    # However many orders a part has.
    assert len([sql for sql in reads if "set_config" not in sql]) <= 18, "\n".join(reads)


async def test_a_job_that_runs_twice_writes_once(
    stage: Stage, database_admin: asyncpg.Connection
) -> None:
    sale = await stage.open()
    export_id = await asked_by(stage, sale)
    args = await database_admin.fetchval(
        "SELECT args::text FROM procrastinate_jobs WHERE task_name = 'privacy:write_export'"
    )
    assert json.loads(args) == {"export_id": str(export_id)}

    await asyncio.gather(*(write_export(export_id) for _ in range(3)))
    rows = await stored_rows(database_admin)
    stage.clock.advance(timedelta(minutes=1))
    await write_export(export_id)

    assert await stored_rows(database_admin) == rows
    assert await Message.filter(kind=READY).count() == 1


async def test_who_is_erased_while_he_is_read_is_not_written_down(
    stage: Stage, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await stage.open()
    export_id = await asked_by(stage, sale)
    compose = document.compose

    async def compose_and_erase(customer: Any) -> AsyncGenerator[bytes, None]:
        async for piece in compose(customer):
            yield piece
        await erase_person(sale.shop.id, LIN, is_delivered=True)

    monkeypatch.setattr(exporting, "compose", compose_and_erase)

    await write_export(export_id)

    assert await columns_that_say(database_admin, [LIN]) == {}
    assert await Message.filter(kind=READY).count() == 0


async def test_who_is_erased_while_it_is_kept_is_not_left_in_a_mail(
    stage: Stage, database_admin: asyncpg.Connection
) -> None:
    # Given a copy and its mail that are written and not committed
    sale = await stage.open()
    export_id = await asked_by(stage, sale)
    asked = await exporting._find_unwritten(export_id)
    customer = await exporting._read_customer(customer_id_of(sale.shop.id, LIN))
    assert asked is not None
    assert customer is not None
    is_kept, may_commit = asyncio.Event(), asyncio.Event()

    @shielded
    async def keep() -> None:
        async with unit_of_work():
            attempt = new_id()
            await exporting._keep_piece(export_id, attempt, 0, b'{"email": "lin@example.com"}')
            await exporting._finish(asked, customer, attempt)
            is_kept.set()
            await may_commit.wait()

    async def is_waiting() -> bool:
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM "
        waiting += "pg_stat_activity WHERE datname = current_database())"
        return await database_admin.fetchval(waiting) is not None

    keeping = asyncio.create_task(keep())
    await is_kept.wait()

    # When he is erased in that moment
    erasing = asyncio.create_task(erase_person(sale.shop.id, LIN, is_delivered=True))
    await until(is_waiting)
    may_commit.set()
    await asyncio.gather(keeping, erasing)

    # Then it has waited, and left neither
    assert await columns_that_say(database_admin, [LIN]) == {}
    assert (await Message.get(kind=READY)).failure == "erased"
