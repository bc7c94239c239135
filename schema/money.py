"""Money as clients read it."""

from decimal import Decimal
from typing import Self

import strawberry

from headless_presale.kernel.money import Money as Amount
from schema.scalars import CurrencyCode, SafeInt


@strawberry.type(description="An amount of money, in two spellings of the same exact value.")
class Money:
    """See the domain's Money; nothing is rounded on the way out."""

    money: strawberry.Private[Amount]

    @strawberry.field(description="In major units, with the currency's number of decimals.")
    def amount(self) -> Decimal:
        return self.money.amount

    @strawberry.field(description="In minor units: 1999 is 19.99 of a currency with two decimals.")
    def minor(self) -> SafeInt:
        return SafeInt(self.money.amount_minor)

    @strawberry.field(description="Which decides how many minor units a major one has.")
    def currency(self) -> CurrencyCode:
        return CurrencyCode(self.money.currency)

    @classmethod
    def of(cls, money: Amount) -> Self:
        """Wrap an amount."""
        return cls(money=money)

    @classmethod
    def of_optional(cls, money: Amount | None) -> Self | None:
        """Wrap an amount, or nothing."""
        return None if money is None else cls(money=money)
