"""Who gets at an order without being its merchant: whoever holds its token, and its customer.

A token is a signature over the order's id and the generation it was given out in. Revoking it
raises the order's generation, and tokens of every other open nothing from then on. The first
generation signs the id alone, as all tokens did before there were generations.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from headless_presale.kernel.ids import sign_token, token_matches

PURPOSE = "order"
_MOST_DIGITS = 5


class _Order(Protocol):
    """What access is judged by; rows and views have it alike."""

    @property
    def customer_id(self) -> UUID: ...
    @property
    def buyer(self) -> dict[str, Any]: ...
    @property
    def access_generation(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """Somebody who holds a token of this generation."""

    generation: int

    def opens(self, order: _Order) -> bool:
        """Tell whether the order is shown to him."""
        return order.access_generation == self.generation


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAccess:
    """A customer who is signed in.

    Attributes:
        email: the address he has proven, case-folded; None where he has proven none.
    """

    customer_id: UUID
    email: str | None

    def opens(self, order: _Order) -> bool:
        """Tell whether the order is his.

        The address counts as well: two mailboxes can have one id (``ß`` and ``ss``). One in ASCII
        has no such letter: what is under another of these was placed by an account of his from
        before he had proven an address.
        """
        told: str = order.buyer.get("email") or ""
        is_mail_his = (
            self.email is None or told.lower() == self.email or (told.isascii() and told != "")
        )
        return order.customer_id == self.customer_id and is_mail_his


OrderAccess = TokenAccess | CustomerAccess


def order_token(secret: str, order_id: UUID, generation: int) -> str:
    """Return the token that opens an order of this generation; a retry gets the same."""
    if generation == 0:
        return sign_token(secret, PURPOSE, order_id)
    return f"{generation}.{sign_token(secret, _purpose(generation), order_id)}"


def read_order_token(secret: str, order_id: UUID, token: str) -> TokenAccess | None:
    """Return what a token was signed for; None if it is not one of this order's.

    Whether it still counts is for the order to say.
    """
    told, dot, signature = token.rpartition(".")
    if not dot:
        return TokenAccess(0) if token_matches(secret, PURPOSE, order_id, token) else None
    if not (told.isascii() and told.isdigit() and len(told) <= _MOST_DIGITS):
        return None
    generation = int(told)
    if generation < 1 or str(generation) != told:
        return None
    is_ours = token_matches(secret, _purpose(generation), order_id, signature)
    return TokenAccess(generation) if is_ours else None


def _purpose(generation: int) -> str:
    return f"{PURPOSE}.{generation}"
