"""The mail itself: headers nobody can forge, bytes any server takes."""

import pytest

from headless_presale.notifications import MailRefused
from headless_presale.notifications.mail import parse_sender
from headless_presale.notifications.rendering import RenderedMessage
from tests.unit.notifications.mails import MESSAGE_ID, make, read


def test_a_mail_has_the_headers_of_an_automatic_message() -> None:
    parsed = read(make())

    assert parsed.items() == [
        ("To", "Lin <lin@example.com>"),
        ("From", "Presale <no-reply@shop.example>"),
        ("Subject", "Order confirmed"),
        ("Date", "Sun, 01 Mar 2026 12:00:00 +0000"),
        ("Message-ID", f"<{MESSAGE_ID}@shop.example>"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="=_{MESSAGE_ID.hex}"'),
        ("Content-Language", "en"),
    ]
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("recipient", ["lin@example.com", "\u6797@example.com"])
def test_unsubscribing_takes_one_click_whatever_the_length_of_the_address(recipient: str) -> None:
    url = f"https://shop.example/notify-me/unsubscribe?token={'a' * 200}"

    mail = make(recipient=recipient, unsubscribe_url=url)

    lines = mail.as_bytes().split(b"\r\n")
    # Whole and on one line: folded, it would be an encoded word to programs that decode none here.
    assert f"List-Unsubscribe: <{url}>".encode() in lines
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert read(mail)["List-Unsubscribe"] == f"<{url}>"


def test_the_same_message_makes_the_same_bytes() -> None:
    assert make().as_bytes() == make().as_bytes()


def test_chinese_survives_a_server_that_knows_only_ascii() -> None:
    words = RenderedMessage(
        subject="【月光工坊】定金支付成功，订单 7K3D-9QXA 已确认，请留意尾款支付时间",
        text="林，您好：\n" + "感谢您的支持！" * 200 + "\n",
        html="<p>林，您好：</p>",
    )

    mail = make(words=words, name="林小满", sender="月光工坊 <no-reply@shop.example>")

    raw = mail.as_bytes()
    assert raw.isascii()
    assert max(len(row) for row in raw.split(b"\r\n")) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")
    parsed = read(mail)
    assert parsed["Subject"] == words.subject
    assert parsed["To"].addresses[0].display_name == "林小满"
    assert parsed["From"].addresses[0].display_name == "月光工坊"
    text, html = parsed.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == words.text
    assert html.get_content().strip() == words.html


@pytest.mark.parametrize(
    "name",
    [
        "Lin\r\nBcc: victim@example.com",
        "Lin\nSubject: other",
        "Lin\x00\x0b\x0c\x1c\x85\u2028X-Evil: 1",
        'Lin" <victim@example.com>, "x',
        "王" * 60 + ', "x" <victim@example.com>',
        # Folded, this one loses its quotes in Python 3.11.
        'evil@x.example]evil@x.example]SmithSmith,<>:[a(@]".a<a<<.><>Smith<)Smith;,[:',
        "a, b; c: <d@e.example> (f) [g] \\",
        "=?utf-8?q?a=0D=0ABcc=3A_victim=40example=2Ecom?=",
        "",
    ],
)
def test_a_name_cannot_add_a_header_or_a_recipient(name: str) -> None:
    mail = make(name=name)

    parsed = read(mail)
    assert [address.addr_spec for address in parsed["To"].addresses] == ["lin@example.com"]
    assert parsed.keys() == read(make()).keys()
    assert mail.recipient == "lin@example.com"


@pytest.mark.parametrize(
    ("subject", "written"),
    [
        ("Order\r\nBcc: victim@example.com", "Order Bcc: victim@example.com"),
        ("=?utf-8?q?a=0D=0ABcc=3A_victim?=", "= ?utf-8?q?a=0D=0ABcc=3A_victim?="),
    ],
)
def test_a_subject_cannot_add_a_header(subject: str, written: str) -> None:
    words = RenderedMessage(subject=subject, text="a\n", html="b")

    parsed = read(make(words=words))

    assert parsed["Subject"] == written
    assert parsed.keys() == read(make()).keys()


@pytest.mark.parametrize(
    "recipient",
    ["lin@example.com\r\nBcc: x@example.com", "no address", "", "林@", "a@b@例子.example"],
)
def test_what_is_no_address_is_refused_for_good(recipient: str) -> None:
    with pytest.raises(MailRefused, match="not an address"):
        make(recipient=recipient)


def test_a_domain_is_written_in_ascii() -> None:
    mail = make(recipient="lin@bücher-laden.de")

    assert mail.recipient == "lin@xn--bcher-laden-thb.de"
    assert not mail.needs_smtputf8
    assert mail.as_bytes().isascii()


def test_a_local_part_beyond_ascii_needs_a_server_that_takes_it() -> None:
    mail = make(recipient="林@example.com")

    assert mail.needs_smtputf8
    assert "To: Lin <林@example.com>\r\n".encode() in mail.as_bytes()


@pytest.mark.parametrize("setting", ["", "Presale", "Presale <>", "a@例子.example"])
def test_a_sender_without_address_is_noticed_at_start(setting: str) -> None:
    with pytest.raises(ValueError, match="is not a sender such as"):
        parse_sender(setting)
