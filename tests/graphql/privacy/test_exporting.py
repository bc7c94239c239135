"""A customer's copy of what is known of him: all of it, of nobody else, and for nobody else."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from headless_presale.customers import ProviderKind, ProviderWish, create_provider, export_link
from headless_presale.customers.identities import AssertedIdentity, sign_in_asserted
from headless_presale.customers.models import SignInProvider
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel.ids import customer_id_of, new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications import Message, deliver
from headless_presale.orders import order_token
from headless_presale.privacy import (
    PersonalDataExport,
    document,
    erase_person,
    exporting,
    forget_exports,
    write_export,
)
from tests.conftest import SECRET_KEY
from tests.graphql.customers import Storefront, codes_of
from tests.graphql.privacy.life import CITY, MAIL, NAME, PHONE, POSTCODE, STREET, WORDS, Stage
from tests.graphql.privacy.searching import columns_that_say, logged, said_in
from tests.support.money import place
from tests.support.pages import Site
from tests.support.servers import until
from tests.support.shop import Sale
from tests.support.state import stored_rows
from tests.support.statements import counted_statements

LIN = "lin@example.com"
EXPORT = """
mutation ($input: PersonalDataExportInput!) {
  personalDataExport(input: $input) {
    export { id askedAt readyAt expiresAt url }
    userErrors { __typename code message ... on ExportTooSoonError { retryAt } } } }
"""
ME = "{ me { personalDataExport { askedAt readyAt expiresAt url } } }"
READY = "personal_data_ready"


async def ask(stage: Stage, token: str, *, language: str = "en", **given: Any) -> dict[str, Any]:
    """Return the payload of asking for a copy."""
    reply = await stage.api.ask(EXPORT, bearer=token, language=language, input=given)
    payload: dict[str, Any] = reply.data["personalDataExport"]
    return payload


async def token_of(stage: Stage, sale: Sale, email: str = LIN) -> str:
    token: str = (await Storefront(stage.api, sale.shop).sign_in(email))["accessToken"]
    return token


async def asked_by(stage: Stage, sale: Sale, email: str = LIN, **given: Any) -> UUID:
    """Have somebody sign in and ask for a copy; return its id."""
    assert codes_of(await ask(stage, await token_of(stage, sale, email), **given)) == []
    newest = await PersonalDataExport.all().order_by("-id").values_list("id", flat=True)
    return UUID(str(newest[0]))


async def copy_for(stage: Stage, sale: Sale, email: str = LIN) -> dict[str, Any]:
    """Have somebody sign in, ask for a copy, and fetch it."""
    export_id = await asked_by(stage, sale, email)
    await write_export(export_id)
    return await read_copy(export_id)


async def read_copy(export_id: UUID) -> dict[str, Any]:
    response = await fetch(export_link(export_id))
    assert response.status_code == 200
    copy: dict[str, Any] = response.json()
    return copy


async def fetch(link: str, method: str = "GET") -> httpx.Response:
    """Ask our own server for what a link leads to."""
    async with Site(public_url="http://127.0.0.1:8000").browser() as browser:
        return await browser.client.request(method, link)


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


async def test_the_link_is_the_only_way_to_it(stage: Stage) -> None:
    sale = await stage.open()
    export_id = await asked_by(stage, sale)
    early = await fetch(export_link(export_id))
    await write_export(export_id)
    other = await asked_by(stage, sale, "mia@example.com")
    await write_export(other)
    link, token = export_link(export_id), export_link(other).partition("?")[2]

    right = await fetch(link)

    assert right.status_code == 200
    assert right.json()["profile"]["email"] == LIN
    assert right.headers["content-type"] == "application/json"
    assert right.headers["cache-control"] == "no-store"
    assert right.headers["content-disposition"].startswith("attachment;")
    assert right.headers["x-content-type-options"] == "nosniff"
    assert right.headers["referrer-policy"] == "no-referrer"
    # Each of these is answered as what does not exist is.
    path = link.partition("?")[0]
    wrong = [
        await fetch(where)
        for where in (
            path.replace(str(export_id), str(uuid4())) + "?token=x",
            path,
            f"{path}?token=",
            f"{path}?{token}",
            link[:-1],
            f"{link}x",
            f"{path}?token={'x' * 5_000}",
            link.replace(str(export_id), str(other)),
            link.replace(str(export_id), "not-an-id"),
        )
    ]
    assert {answer.status_code for answer in wrong} == {404}
    assert {(a.content, a.headers["cache-control"]) for a in [*wrong, early]} == {
        (b"Not Found", "no-store")
    }


async def test_looking_at_a_link_changes_nothing(
    stage: Stage, database_admin: asyncpg.Connection
) -> None:
    sale = await stage.open()
    export_id = await asked_by(stage, sale)
    await write_export(export_id)
    before = await stored_rows(database_admin)

    head = await fetch(export_link(export_id), "HEAD")
    posted = await fetch(export_link(export_id), "POST")

    assert (head.status_code, head.headers["cache-control"]) == (200, "no-store")
    assert int(head.headers["content-length"]) > 0
    assert posted.status_code == 405
    assert await stored_rows(database_admin) == before
    assert (await fetch(export_link(export_id))).status_code == 200


async def test_it_ends_after_a_day(stage: Stage) -> None:
    sale = await stage.open()
    export_id = await asked_by(stage, sale)
    stage.clock.advance(timedelta(minutes=5))
    await write_export(export_id)
    stage.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    assert (await fetch(export_link(export_id))).status_code == 200
    assert await forget_exports() == 0

    stage.clock.advance(timedelta(seconds=1))

    assert (await fetch(export_link(export_id))).status_code == 404
    token = await token_of(stage, sale)
    assert (await stage.api.ask(ME, bearer=token)).data["me"]["personalDataExport"] is None
    assert await forget_exports() == 1
    assert await PersonalDataExport.all().count() == 0


async def test_one_that_nobody_wrote_in_a_day_is_not_written_any_more(stage: Stage) -> None:
    sale = await stage.open()
    export_id = await asked_by(stage, sale)
    stage.clock.advance(timedelta(hours=24))

    await write_export(export_id)

    assert (await PersonalDataExport.get()).ready_at is None
    assert await forget_exports() == 1
    await write_export(export_id)
    assert await Message.filter(kind=READY).count() == 0


async def test_one_an_hour(stage: Stage) -> None:
    sale = await stage.open()
    token = await token_of(stage, sale)
    at = stage.clock.now()
    first = await ask(stage, token)
    assert first["export"]["readyAt"] is None
    assert first["export"]["url"] is None
    assert datetime.fromisoformat(first["export"]["askedAt"]) == at

    stage.clock.advance(timedelta(minutes=59, seconds=59))
    token = await token_of(stage, sale)
    again = await ask(stage, token, language="zh-CN")

    (error,) = again["userErrors"]
    assert again["export"] is None
    assert (error["__typename"], error["code"]) == ("ExportTooSoonError", "EXPORT_TOO_SOON")
    assert datetime.fromisoformat(error["retryAt"]) == at + timedelta(hours=1)
    assert error["message"] == "您刚刚申请过个人数据副本，请在 1 分钟后再申请。"
    assert await PersonalDataExport.all().count() == 1
    # Another one may ask for his, and he himself when the hour is over.
    assert codes_of(await ask(stage, await token_of(stage, sale, "mia@example.com"))) == []
    stage.clock.advance(timedelta(seconds=1))
    assert codes_of(await ask(stage, token)) == []


async def test_two_who_ask_at_once_have_one(stage: Stage) -> None:
    sale = await stage.open()
    token = await token_of(stage, sale)

    answers = await asyncio.gather(*(ask(stage, token) for _ in range(4)))

    assert sorted(codes_of(answer) for answer in answers) == [[], *([["EXPORT_TOO_SOON"]] * 3)]
    assert await PersonalDataExport.all().count() == 1


async def test_a_language_that_is_none_is_refused(stage: Stage) -> None:
    sale = await stage.open()
    token = await token_of(stage, sale)
    assert codes_of(await ask(stage, token, locale="no language")) == ["INVALID_INPUT"]
    assert await PersonalDataExport.all().count() == 0


async def test_a_newer_copy_ends_the_one_before(stage: Stage) -> None:
    sale = await stage.open()
    first = await asked_by(stage, sale)
    await write_export(first)
    stage.clock.advance(timedelta(hours=1))
    second = await asked_by(stage, sale)
    assert (await fetch(export_link(first))).status_code == 200

    await write_export(second)
    await write_export(first)

    assert (await fetch(export_link(first))).status_code == 404
    assert (await fetch(export_link(second))).status_code == 200
    assert await Message.filter(kind=READY).count() == 2


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


@pytest.mark.parametrize(
    ("locale", "subject"),
    [("en", "Your data from Moonlit Forge"), ("zh-CN", "您在 Moonlit Forge 的个人数据")],
)
async def test_the_link_is_mailed_and_stored_nowhere(
    stage: Stage,
    database_admin: asyncpg.Connection,
    lines: list[Any],
    locale: str,
    subject: str,
) -> None:
    sale = await stage.open()
    export_id = await asked_by(stage, sale, locale=locale)

    await write_export(export_id)
    await deliver((await Message.get(kind=READY)).id)

    (mail,) = stage.mails.mails
    assert stage.mails.recipients == [LIN]
    assert mail["subject"] == subject
    body = mail.get_body(("plain",))
    assert body is not None
    link = re.search(r"http://\S+/privacy/export/\S+", str(body.get_content()))
    assert link is not None
    assert (await fetch(link[0])).json()["profile"]["email"] == LIN
    assert (await fetch(f"{link[0]}x")).status_code == 404
    # Whoever reads the database or the log finds no link.
    secret = link[0].partition("token=")[2].partition(".")[2]
    assert len(secret) >= 32
    assert await columns_that_say(database_admin, [secret]) == {}
    assert "/privacy/export/" in logged(lines)
    assert said_in(logged(lines), [secret]) == []


async def test_who_has_no_address_finds_the_link_where_he_asked(stage: Stage) -> None:
    sale = await stage.open()
    wish = ProviderWish(kind=ProviderKind.WECHAT, name="WeChat", client_id="wx", secret="a secret")
    provider = await SignInProvider.get(id=(await create_provider(sale.shop.id, wish)).id)
    vouched = AssertedIdentity(subject=new_id().hex, locale="en")
    token = (await sign_in_asserted(provider, vouched, await signing_key())).access.token
    assert codes_of(await ask(stage, token)) == []

    await write_export((await PersonalDataExport.get()).id)

    own = (await stage.api.ask(ME, bearer=token)).data["me"]["personalDataExport"]
    copy = (await fetch(own["url"])).json()
    assert copy["identities"][0]["subject"] == vouched.subject
    assert (copy["profile"]["email"], copy["orders"], copy["mails"]) == (None, [], [])
    assert await Message.filter(kind=READY).count() == 0


async def test_who_is_erased_has_no_copy_any_more(stage: Stage) -> None:
    sale = await stage.open()
    export_id = await asked_by(stage, sale)
    await write_export(export_id)

    await erase_person(sale.shop.id, LIN, is_delivered=True)

    assert (await fetch(export_link(export_id))).status_code == 404
    mail = await Message.get(kind=READY)
    assert (mail.recipient, mail.failure) == ("", "erased")


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
