"""From words to an e-mail that any server takes: RFC 5322, ASCII on the wire, no forged header."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, Policy
from email.utils import parseaddr
from typing import Any, ClassVar, Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from headless_presale.notifications.errors import MailRefused
from headless_presale.notifications.formats import one_line
from headless_presale.notifications.rendering import RenderedMessage


class _AddressHeader(BaseHeader):
    """A header that holds an address of the web, on one line however long it is.

    Python would fold it into encoded words, which readers of this header do not decode.
    """

    max_count: ClassVar[Literal[1]] = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """Take the value as it is."""
        UnstructuredHeader.parse(value, kwds)

    def fold(self, *, policy: Policy) -> str:
        """Return the line."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _AddressHeader)

_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail and its envelope. The same message always makes the same bytes."""

    message_id: UUID
    sender: str
    recipient: str
    content: EmailMessage

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the recipient's address cannot be written in ASCII at all (RFC 6531)."""
        return not self.recipient.isascii()

    def as_bytes(self) -> bytes:
        """Return the mail with CRLF line ends."""
        return self.content.as_bytes()


def compose(
    message_id: UUID,
    words: RenderedMessage,
    *,
    sender: Address,
    recipient: str,
    recipient_name: str,
    locale: str,
    written_at: datetime,
    unsubscribe_url: str | None = None,
) -> Mail:
    """Make a mail of a message.

    ``Message-ID`` is made of the message's id: should a crash between sending and noting it cause
    a second copy, servers and readers recognise it as the same mail.

    Args:
        unsubscribe_url: where a mail program unsubscribes its reader with one click: by a POST
            that needs nothing else (RFC 8058).

    Raises:
        MailRefused: the recipient's address cannot be written in a header.
    """
    address = _ascii_domain(recipient)
    policy = SMTP if address.isascii() else SMTPUTF8
    mail = EmailMessage(policy=policy.clone(header_factory=_HEADERS))
    mail["To"] = _addressee(display_name(recipient_name), address)
    mail["From"] = sender
    mail["Subject"] = header_text(words.subject)
    mail["Date"] = written_at
    mail["Message-ID"] = f"<{message_id}@{sender.domain}>"
    # RFC 3834: no holiday reply, please.
    mail["Auto-Submitted"] = "auto-generated"
    if unsubscribe_url is not None:
        mail["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(words.text, cte=_encoding_of(words.text))
    mail.add_alternative(words.html, subtype="html", cte=_encoding_of(words.html))
    # Earlier it would have moved into the first part with the content's own headers.
    mail["Content-Language"] = locale
    # The default boundary is random; a repeated mail should be the same byte for byte.
    mail.set_boundary(f"=_{message_id.hex}")
    return Mail(message_id=message_id, sender=sender.addr_spec, recipient=address, content=mail)


def parse_sender(mail_from: str) -> Address:
    """Read a ``Name <address>`` setting.

    Raises:
        ValueError: there is no address in it.
    """
    name, addr_spec = parseaddr(mail_from)
    if not addr_spec.isascii() or "@" not in addr_spec:
        raise ValueError(f"{mail_from!r} is not a sender such as 'Shop <no-reply@shop.example>'")
    return Address(display_name(name), addr_spec=addr_spec)


def display_name(name: str) -> str:
    """Return a name that needs no quoting in a header.

    Python's folding loses the quotes of some names that fill a line, and a comma or bracket
    without quotes starts another address. So they go.
    """
    return header_text(_SPECIALS.sub(" ", name))


def header_text(text: str) -> str:
    """Return a text that a header can hold: one line, and nothing that decodes to another one.

    ``=?utf-8?q?=0D=0A...?=`` is plain ASCII in a name and a line break to whoever reads it.
    """
    return one_line(text).replace("=?", "= ?")


def _addressee(name: str, address: str) -> Address:
    try:
        if address.isascii():
            return Address(name, addr_spec=address)
        # Python's own check of the whole address knows nothing of RFC 6531; ours did.
        username, _, domain = address.rpartition("@")
        return Address(name, username=username, domain=domain)
    except (ValueError, IndexError, MessageError) as error:
        raise MailRefused(f"not an address: {error}") from error


def _ascii_domain(address: str) -> str:
    """Return the address with its domain in ASCII: servers take any domain only in that form."""
    if address.isascii():
        return address
    try:
        parsed = validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        raise MailRefused(f"not an address: {error}") from error
    return f"{parsed.local_part}@{parsed.ascii_domain}"


def _encoding_of(text: str) -> str:
    # Quoted-printable keeps English readable in the source and triples Chinese.
    return "quoted-printable" if text.isascii() else "base64"
