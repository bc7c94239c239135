"""What may be tried how often, and who is counted with whom.

The rule for passwords: a stranger who guesses makes *strangers* wait for that account, at most
five minutes at a time. A browser in which its owner has signed in before is known by a signed
cookie and counted on its own, so the owner is never kept out by anybody else. From an unknown
browser the owner waits like everybody, or resets the password by mail, which has limits of its own.
"""

import base64
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from headless_presale.identity.accounts import fold_email
from headless_presale.identity.throttle import Key, Limit
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ip import host_of
from headless_presale.kernel.vault import derive_key

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

PASSWORD_OF_ACCOUNT = Limit(name="password", free=5, first_pause=2, longest_pause=300, decay=_HOUR)
PASSWORD_IN_KNOWN_BROWSER = Limit(
    name="password-known", free=5, first_pause=2, longest_pause=300, decay=_HOUR
)
PASSWORD_FROM_ADDRESS = Limit(
    name="password-address", free=20, first_pause=2, longest_pause=900, decay=_HOUR
)
PASSWORD_FROM_NETWORK = Limit(
    name="password-network", free=100, first_pause=1, longest_pause=300, decay=_HOUR
)
SECOND_FACTOR = Limit(name="second-factor", free=5, first_pause=5, longest_pause=900, decay=_HOUR)
"""Whoever comes here knows the password; of a million codes three are right at a time."""
MAIL_TO_ADDRESSEE = Limit(name="mail-to", free=3, first_pause=60, longest_pause=3_600, decay=_DAY)
MAIL_FROM_ADDRESS = Limit(
    name="mail-from", free=10, first_pause=30, longest_pause=3_600, decay=_DAY
)
LINK_FROM_ADDRESS = Limit(name="link-from", free=20, first_pause=2, longest_pause=900, decay=_HOUR)
TOKEN_OF_CLIENT = Limit(name="token-client", free=10, first_pause=1, longest_pause=60, decay=_HOUR)
TOKEN_FROM_ADDRESS = Limit(
    name="token-address", free=60, first_pause=1, longest_pause=60, decay=_HOUR
)
"""Of the token endpoint's requests only those that fail count: what they guess at has 256 bits, so
this is about what refusing them costs."""


def shared_address_limit(name: str) -> Limit:
    """Return the limit of an address from which buyers come: many share one on the day of a drop.

    Args:
        name: what is counted; two limits of one name count together.
    """
    return Limit(name=name, free=30, first_pause=2, longest_pause=900, decay=_HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an attempt comes from.

    Attributes:
        address: the client's IP address.
        device: the value of the cookie that marks known browsers; anything may be in it.
    """

    address: str
    device: str = ""

    @property
    def network(self) -> str:
        """The addresses that one household or company has: /24 of IPv4, /48 of IPv6."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        return str(
            ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)
        )

    @property
    def host(self) -> str:
        """What one client has: an IPv4 address, or a /64 of IPv6."""
        return host_of(self.address)


def password_keys(email: str, source: Source) -> list[Key]:
    """Return what an attempt at a password counts under.

    The same for an address that nobody has: whether there is an account does not show.
    """
    email = _subject(email)
    if device := _known_device(email, source.device):
        account = Key(PASSWORD_IN_KNOWN_BROWSER, device)
    else:
        account = Key(PASSWORD_OF_ACCOUNT, email)
    return [account, *password_source_keys(source)]


def password_source_keys(source: Source) -> list[Key]:
    """Return the keys that many people may share."""
    return [
        Key(PASSWORD_FROM_ADDRESS, source.host),
        Key(PASSWORD_FROM_NETWORK, source.network),
    ]


def second_factor_keys(account_id: UUID) -> list[Key]:
    """Return what an attempt at a second factor counts under."""
    return [Key(SECOND_FACTOR, account_id.hex)]


def mail_keys(email: str, source: Source) -> list[Key]:
    """Return what asking for a mail counts under."""
    return [
        Key(MAIL_TO_ADDRESSEE, _subject(email)),
        Key(MAIL_FROM_ADDRESS, source.host),
    ]


def link_keys(source: Source) -> list[Key]:
    """Return what trying a link that was mailed counts under."""
    return [Key(LINK_FROM_ADDRESS, source.host)]


def token_keys(client_id: str, source: Source) -> list[Key]:
    """Return what a request for tokens that fails counts under.

    A client from one address: whoever sends its public id from elsewhere makes nobody wait.
    """
    return [
        Key(TOKEN_OF_CLIENT, f"{client_id[:60]} {source.host}"),
        Key(TOKEN_FROM_ADDRESS, source.host),
    ]


def mark_device(email: str) -> str:
    """Return a cookie that makes a browser known for an account."""
    nonce = secrets.token_urlsafe(16)
    return f"{nonce}.{_sign(_subject(email), nonce)}"


def _subject(email: str) -> str:
    """Return an address as its account is found, so that no other spelling counts anew."""
    try:
        return fold_email(email)
    except InvalidInput:
        return email.strip().lower()[:320]


def _known_device(email: str, device: str) -> str | None:
    nonce, _, signature = device.partition(".")
    if not nonce:
        return None
    expected = _sign(email, nonce)
    is_ours = hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
    return nonce if is_ours else None


def _sign(email: str, nonce: str) -> str:
    text = f"{nonce}:{email}".encode(errors="replace")
    digest = hmac.digest(derive_key("device"), text, "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
