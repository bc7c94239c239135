"""A mail as it is composed, and as its reader has it."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from uuid import UUID

from headless_presale.notifications.mail import Mail, compose, parse_sender
from headless_presale.notifications.rendering import RenderedMessage

MESSAGE_ID = UUID("0195a1c0-0000-7000-8000-0000000000aa")
WRITTEN_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WORDS = RenderedMessage(subject="Order confirmed", text="Hello\n", html="<p>Hello</p>")


def make(
    *,
    words: RenderedMessage = WORDS,
    recipient: str = "lin@example.com",
    name: str = "Lin",
    sender: str = "Presale <no-reply@shop.example>",
    locale: str = "en",
    unsubscribe_url: str | None = None,
) -> Mail:
    return compose(
        MESSAGE_ID,
        words,
        sender=parse_sender(sender),
        recipient=recipient,
        recipient_name=name,
        locale=locale,
        written_at=WRITTEN_AT,
        unsubscribe_url=unsubscribe_url,
    )


def read(mail: Mail) -> EmailMessage:
    return message_from_bytes(mail.as_bytes(), policy=policy.default)


class Words(HTMLParser):
    """Reads a message as a browser does: its words, its elements, its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))
