"""The rules of an order: who buys, where it ships to, and how it is priced. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from headless_presale.campaigns import CampaignSnapshot, ItemSnapshot
from headless_presale.checkout.errors import BuyerMismatch
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.locales import read_locale
from headless_presale.kernel.mail_addresses import EmailNotValidError, normal_address
from headless_presale.kernel.money import MAX_AMOUNT_MINOR, Money
from headless_presale.kernel.texts import check_text
from headless_presale.orders import MAX_TITLE_LENGTH, LineView
from headless_presale.pricing import QuotedPrice, group_by_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who buys. The e-mail address is the guest's identity within a shop."""

    email: str
    name: str
    phone: str | None = None

    def checked(self) -> "Buyer":
        """Return the buyer with the address in its normal form.

        Raises:
            InvalidInput: not an e-mail address, or a text that is empty, too long or not storable.
        """
        check_text(self.email, ("buyer", "email"), longest=254)
        try:
            email = normal_address(self.email)
        except EmailNotValidError as error:
            raise InvalidInput(
                reason="this is not an e-mail address", field=("buyer", "email")
            ) from error
        check_text(self.name, ("buyer", "name"), longest=200)
        if self.phone is not None:
            check_text(self.phone, ("buyer", "phone"), longest=40)
        return Buyer(email=email, name=self.name.strip(), phone=self.phone)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {"email": self.email, "name": self.name, "phone": self.phone}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who is signed in.

    Attributes:
        email: the address he has proven, case-folded; None where he has proven none.
        sign_in_id: by which he is; it has to stand when the order is written.
    """

    customer_id: UUID
    shop_id: UUID
    sign_in_id: UUID
    email: str | None

    def checked(self, buyer: Buyer, shop_id: UUID) -> Buyer:
        """Return the buyer as :meth:`Buyer.checked`, with the account's address if he gives none.

        Raises:
            BuyerMismatch: another address is given, or it is an account of another shop.
            InvalidInput: as there.
        """
        if self.shop_id != shop_id:
            raise BuyerMismatch(field=("shop",))
        if self.email is None:
            return buyer.checked()
        buyer = (buyer if buyer.email else replace(buyer, email=self.email)).checked()
        if buyer.email.lower() != self.email:
            raise BuyerMismatch(field=("buyer", "email"))
        return buyer


def check_locale(locale: str) -> None:
    """Raise InvalidInput unless it is a language tag that an order can keep."""
    read_locale(locale, ("locale",))


def price_lines(
    campaign: CampaignSnapshot,
    numbers: Mapping[UUID, Sequence[int]],
    *,
    locale: str,
    at: datetime,
) -> list[LineView]:
    """Return the lines of an order: one per item and price, in the items' order.

    Args:
        locale: the buyer's language, which the lines keep their titles in.
    """
    lines: list[LineView] = []
    for item in sorted(campaign.items, key=lambda item: item.position):
        if item.id not in numbers:
            continue
        priced = group_by_price(
            numbers[item.id], item.price, item.tiers, opens_at=campaign.opens_at, at=at
        )
        title = _shortened(item.title(locale))
        lines += [_line(item, title, quoted, run) for quoted, run in priced]
    return lines


def _shortened(title: str) -> str:
    # Translations may be longer than what they translate: no reason to refuse an order.
    return title if len(title) <= MAX_TITLE_LENGTH else title[: MAX_TITLE_LENGTH - 1] + "…"


def _line(item: ItemSnapshot, title: str, quoted: QuotedPrice, numbers: Sequence[int]) -> LineView:
    return LineView(
        id=new_id(),
        item_id=item.id,
        pool_id=item.pool_id,
        numbers=tuple(numbers),
        unit_price=quoted.unit_price,
        price_reason={
            "reason": str(quoted.reason),
            "tier": quoted.tier,
            "price_bps": quoted.price_bps,
            "gift": quoted.gift,
        },
        title=title,
        ships_by=item.ships_by(numbers),
    )


def total_of(lines: Sequence[LineView], currency: str) -> Money:
    """Return the sum of the lines.

    Raises:
        InvalidInput: larger than any client could read exactly.
    """
    total = sum((line.total for line in lines), Money.zero(currency))
    if total.amount_minor > MAX_AMOUNT_MINOR:
        raise InvalidInput(reason="the total is too large", field=("lines",))
    return total
