"""What a buyer orders, as he says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headless_presale.carts import CartLine
from headless_presale.checkout.rules import Account, Buyer
from headless_presale.kernel.postal import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """A buyer's order.

    ``expected_total_minor``, where given, is the total the buyer was shown: another one is refused
    instead of charged. ``account`` is whose order it is; None for a guest, whom his address makes
    the customer that he is once he proves it. ``cart_id`` names the cart that the lines are of,
    where they are of one: it is emptied with the order.
    """

    shop_id: UUID
    lines: Sequence[CartLine]
    buyer: Buyer
    shipping_address: Address
    accepted_terms_version: int
    idempotency_key: str
    locale: str
    expected_total_minor: int | None = None
    account: Account | None = None
    cart_id: UUID | None = None

    def canonical(self) -> dict[str, Any]:
        """Return what makes two requests the same; the language asked in does not.

        Of a cart that is itself: a repeat finds it empty.
        """
        if self.cart_id is not None:
            ordered: dict[str, Any] = {"cart": str(self.cart_id)}
        else:
            lines = sorted((str(line.item_id), line.quantity) for line in self.lines)
            ordered = {"lines": lines}
        return {
            **ordered,
            "buyer": self.buyer.to_json(),
            "shipping_address": self.shipping_address.to_json(),
            "terms": self.accepted_terms_version,
            "expected_total": self.expected_total_minor,
        }

    @property
    def is_of_an_empty_cart(self) -> bool:
        """Whether there is nothing to order: at best it is a repeat, whose order took all out."""
        return self.cart_id is not None and not self.lines

    def place_of(self, *path: str) -> tuple[str, ...]:
        """Return where the input names a line: at itself, or at the cart."""
        return ("lines", *path) if self.cart_id is None else ("cartId",)

    def place_of_item(self, item_id: UUID) -> tuple[str, ...]:
        """Return where the input asks for so many of an item: the first line that does."""
        index = next(number for number, line in enumerate(self.lines) if line.item_id == item_id)
        return self.place_of(str(index), "quantity")
