"""The link to a copy: the only way to it, for a day, and stored nowhere."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.customers import ProviderKind, ProviderWish, create_provider, export_link
from headless_presale.customers.identities import AssertedIdentity, sign_in_asserted
from headless_presale.customers.models import SignInProvider
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel.ids import new_id
from headless_presale.notifications import Message, deliver
from headless_presale.privacy import PersonalDataExport, erase_person, forget_exports, write_export
from tests.graphql.customers import codes_of
from tests.graphql.privacy.copies import LIN, ME, READY, ask, asked_by, fetch, token_of
from tests.graphql.privacy.life import Stage
from tests.graphql.privacy.searching import columns_that_say, logged, said_in
from tests.support.state import stored_rows


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
    # But for the page's own address, which its choice of languages leads to.
    pages = {re.sub(r'href="/privacy/export/[^"]*"', "", a.text) for a in [*wrong, early]}
    assert len(pages) == 1
    assert "This link is no longer valid" in pages.pop()
    assert {a.headers["cache-control"] for a in [*wrong, early]} == {"no-store"}


async def test_who_follows_a_wrong_link_is_told_in_his_language(stage: Stage) -> None:
    await stage.open()

    answer = await fetch(export_link(uuid4()) + "&lang=zh-CN")

    assert answer.status_code == 404
    assert "链接已失效或不完整" in answer.text
    assert answer.headers["content-language"] == "zh-CN"


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
    asserted = AssertedIdentity(subject=new_id().hex, locale="en")
    token = (await sign_in_asserted(provider, asserted, await signing_key())).access.token
    assert codes_of(await ask(stage, token)) == []

    await write_export((await PersonalDataExport.get()).id)

    own = (await stage.api.ask(ME, bearer=token)).data["me"]["personalDataExport"]
    copy = (await fetch(own["url"])).json()
    assert copy["identities"][0]["subject"] == asserted.subject
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
