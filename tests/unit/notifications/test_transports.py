"""The ways out that need no server, and which one the settings choose."""

import io
from email import message_from_bytes, policy
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from headless_presale.notifications import (
    ConsoleTransport,
    FileTransport,
    MailNotAccepted,
    SmtpTransport,
    make_transport,
)
from headless_presale.notifications.mail import Mail, parse_sender
from headless_presale.notifications.rendering import RenderedMessage
from headless_presale.settings import Settings
from tests.unit.notifications.mails import MESSAGE_ID, make

SENDER = parse_sender("Presale <no-reply@shop.example>")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mail(text: str = "Hello\n") -> Mail:
    return make(words=RenderedMessage(subject="订单已确认", text=text, html="<p>x</p>"))


async def test_a_file_holds_the_mail_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "mail"

    await FileTransport(SENDER, folder).send(mail())

    (file,) = folder.iterdir()
    assert file.name == f"{MESSAGE_ID}.eml"
    assert file.stat().st_mode & 0o777 == 0o600
    parsed = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert parsed["Subject"] == "订单已确认"
    assert file.read_bytes() == mail().as_bytes()


async def test_the_same_message_again_is_the_same_file(tmp_path: Path) -> None:
    transport = FileTransport(SENDER, tmp_path)

    await transport.send(mail("once\n"))
    await transport.send(mail("again\n"))

    assert names(tmp_path) == [f"{MESSAGE_ID}.eml"]
    content = (tmp_path / f"{MESSAGE_ID}.eml").read_bytes()
    assert b"again" in content
    assert b"once" not in content


async def test_a_folder_that_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file in its place")

    with pytest.raises(MailNotAccepted, match="cannot be written"):
        await FileTransport(SENDER, tmp_path / "mail").send(mail())

    assert names(tmp_path) == ["mail"]


async def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    # A folder where the mail belongs: the last step, putting it in place, fails.
    (tmp_path / f"{MESSAGE_ID}.eml").mkdir()

    with pytest.raises(MailNotAccepted):
        await FileTransport(SENDER, tmp_path).send(mail())

    assert names(tmp_path) == [f"{MESSAGE_ID}.eml"]


async def test_the_console_shows_what_a_buyer_reads() -> None:
    stream = io.StringIO()

    await ConsoleTransport(SENDER, stream=stream).send(mail("您好：\n"))

    assert stream.getvalue() == (
        "From: Presale <no-reply@shop.example>\nTo: Lin <lin@example.com>\n"
        "Subject: 订单已确认\n\n您好：\n\n"
    )


async def test_settings_choose_the_way_out(tmp_path: Path) -> None:
    by_default = make_transport(Settings(data_dir=tmp_path))
    console = make_transport(Settings(mail_transport="console"))
    smtp = make_transport(
        Settings(
            mail_transport="smtp",
            mail_from="月光 <hi@shop.example>",
            smtp_port=587,
            smtp_username="u",
            smtp_password=SecretStr("p"),
            smtp_starttls=True,
        )
    )

    assert isinstance(by_default, FileTransport)
    assert isinstance(console, ConsoleTransport)
    assert isinstance(smtp, SmtpTransport)
    assert str(smtp.sender) == "月光 <hi@shop.example>"
    await by_default.send(mail())
    assert (tmp_path / "mail" / f"{MESSAGE_ID}.eml").is_file()


async def test_the_mail_folder_can_be_set(tmp_path: Path) -> None:
    await make_transport(Settings(mail_dir=tmp_path / "out")).send(mail())

    assert UUID(next((tmp_path / "out").iterdir()).stem) == MESSAGE_ID


def test_settings_that_contradict_each_other_are_noticed_at_start() -> None:
    with pytest.raises(ValueError, match="turn STARTTLS off"):
        make_transport(Settings(mail_transport="smtp", smtp_port=465, smtp_starttls=True))
    with pytest.raises(ValueError, match="is not a sender such as"):
        make_transport(Settings(mail_from="Presale"))
