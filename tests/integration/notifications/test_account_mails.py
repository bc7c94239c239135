"""Mails to people who sign in: the link leads where it should, and is stored nowhere."""

import re
from datetime import timedelta

import asyncpg
import pytest

from headless_presale.identity import (
    InviteStaff,
    Role,
    SecurityChange,
    StaffMember,
    invitation_token,
    invite_staff,
    reset_token,
)
from headless_presale.identity.models import PasswordReset
from headless_presale.identity.resets import open_reset
from headless_presale.identity.sign_in import reset_second_factors
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.notifications import AccountMailKind, Message, deliver
from headless_presale.notifications.rendering import render_account_mail
from tests.integration.notifications.mail_server import MailServer
from tests.support.accounts import make_person, set_up_app
from tests.support.pages import Site
from tests.support.shop import make_shop
from tests.unit.notifications.mails import Words

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

NEW = "a new sentence to know"
FACTS = {
    "shop_name": "Headless Presale",
    "recipient_name": "Ada",
    "inviter": "Lin & Co",
    "merchant": "Moonlit Forge",
    "role": "MANAGER",
    "expires_at": "2026-03-08T12:00:00+00:00",
    "change": "PASSKEY_ADDED",
    "detail": "Phone",
    "at": "2026-03-01T12:00:00+00:00",
    "url": "https://erp.example.com/hooks",
    "reason": "FAILING",
}


async def mailed(server: MailServer) -> str:
    """Send what is written and return the last mail's text."""
    for message in await Message.filter(sent_at=None):
        await deliver(message.id)
    body = server.mails[-1].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_an_invitation_is_mailed_and_its_link_accepted(
    mail_server: MailServer, database_admin: asyncpg.Connection
) -> None:
    shop = await make_shop()
    invitation = await invite_staff(
        InviteStaff(
            merchant_id=shop.merchant_id,
            email="bob@shop.example",
            role=Role.MANAGER,
            invited_by="Ada Lovelace",
        )
    )

    text = await mailed(mail_server)

    assert mail_server.recipients == ["bob@shop.example"]
    assert mail_server.mails[0]["subject"].startswith("Ada Lovelace invites you to the staff of")
    link = re.search(r"http://127\.0\.0\.1:8000(/invitation\?token=\S+)", text)
    assert link is not None
    async with Site(public_url="http://127.0.0.1:8000").browser() as browser:
        await browser.open(link[1])
        await browser.send("/invitation", name="Bob", password=NEW, repeat=NEW)
    assert (await StaffMember.get()).role is Role.MANAGER
    # Whoever reads the database finds no link.
    token = invitation_token(invitation.id).partition(".")[2]
    assert not await _is_stored(database_admin, token)


async def test_a_reset_is_mailed_in_the_language_it_was_asked_in(
    mail_server: MailServer, database_admin: asyncpg.Connection
) -> None:
    await make_person()
    await open_reset("ada@shop.example", locale="zh-CN")

    text = await mailed(mail_server)

    assert mail_server.mails[0]["subject"] == "设置新密码"
    token = reset_token((await PasswordReset.get()).id)
    assert f"http://127.0.0.1:8000/reset-password?token={token}" in text
    assert not await _is_stored(database_admin, token.partition(".")[2])


async def test_nobody_gets_no_mail() -> None:
    await open_reset("nobody@shop.example", locale="en")

    assert await Message.all().count() == 0


async def test_a_change_of_how_one_signs_in_is_told(
    mail_server: MailServer, clock: ManualClock
) -> None:
    ada = await make_person()
    await set_up_app(ada, clock)
    assert "An authenticator app was set up." in await mailed(mail_server)
    clock.advance(timedelta(minutes=1))

    await reset_second_factors(ada)

    assert "The authenticator app was removed." in await mailed(mail_server)


async def test_a_mail_is_written_with_its_change_or_not_at_all(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headless_presale.notifications import account_mails

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("cannot be written")

    monkeypatch.setattr(account_mails, "write_message", fail)
    ada = await make_person()

    with pytest.raises(RuntimeError):
        await set_up_app(ada, clock)

    from headless_presale.identity.models import Account

    assert (await Account.get(id=ada)).totp_confirmed_at is None


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
@pytest.mark.parametrize("kind", [kind for kind in AccountMailKind if kind != "sign_in_code"])
def test_text_and_html_say_the_same(kind: AccountMailKind, locale: str) -> None:
    link = "https://shop.example/x?token=a.b"
    mail = render_account_mail(kind, locale, FACTS, secret=link)

    html = Words(mail.html)
    assert html.texts[0] == mail.subject
    assert ("href", link) in html.attributes
    assert link in mail.text.splitlines()
    assert "{" not in mail.text + mail.html
    # Every line of the text but the link and what leads to it is in the HTML as well.
    shown = " ".join(html.texts).replace("\N{NO-BREAK SPACE}", " ")
    for fact in ("Moonlit Forge", "2026", "Phone"):
        assert (fact in mail.text) == (fact in shown)


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
def test_a_code_is_in_the_subject_and_a_line_of_its_own(locale: str) -> None:
    facts = {"shop_name": "Moonlit <Forge>", "recipient_name": ""}

    mail = render_account_mail(AccountMailKind.SIGN_IN_CODE, locale, facts, secret="012345")

    html = Words(mail.html)
    assert "012345" in mail.subject
    assert "012345" in mail.text.splitlines()
    assert "012345" in html.texts
    assert "Moonlit <Forge>" in " ".join(html.texts)
    assert "href" not in dict(html.attributes)


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
@pytest.mark.parametrize("change", SecurityChange)
def test_every_change_has_words(change: SecurityChange, locale: str) -> None:
    facts = {**FACTS, "change": str(change), "detail": ""}

    mail = render_account_mail(AccountMailKind.SECURITY_CHANGED, locale, facts, secret="x")

    assert str(change) not in mail.text


@pytest.mark.parametrize("role", Role)
def test_every_role_has_a_name(role: Role) -> None:
    for locale in SUPPORTED_LOCALES:
        facts = {**FACTS, "role": str(role)}
        mail = render_account_mail(AccountMailKind.INVITATION, locale, facts, secret="x")
        assert str(role) not in mail.text


@pytest.mark.parametrize("locale", SUPPORTED_LOCALES)
def test_names_are_words_and_never_markup(locale: str) -> None:
    hostile = "<script>alert(1)</script>{{ 7*7 }}"
    facts = {**FACTS, "inviter": hostile, "merchant": hostile, "recipient_name": hostile}

    mail = render_account_mail(AccountMailKind.INVITATION, locale, facts, secret="x")

    assert "script" not in Words(mail.html).elements
    assert "{{ 7*7 }}" in mail.text


async def _is_stored(connection: asyncpg.Connection, secret: str) -> bool:
    """Tell whether a text is in any row of any table."""
    tables = await connection.fetch(
        "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'"
    )
    for table in tables:
        found = await connection.fetchval(
            f"SELECT count(*) FROM {table['name']} AS row "
            "WHERE position($1 IN to_jsonb(row)::text) > 0",
            secret,
        )
        if found:
            return True
    return False
