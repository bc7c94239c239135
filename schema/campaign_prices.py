"""What a unit of a campaign costs, and what it will cost next."""

from datetime import datetime

import strawberry

from headless_presale.pricing import QuotedPrice
from resolvers.campaigns import ComingPrice
from schema.enums import PriceReason
from schema.money import Money


@strawberry.type(description="What the next unit costs, why, and until when.")
class CurrentPrice:
    """Quoted for the number sold plus one; the order is priced by the numbers it gets."""

    quoted: strawberry.Private[QuotedPrice]

    @strawberry.field(description="Of one unit.")
    def price(self) -> Money:
        return Money.of(self.quoted.unit_price)

    @strawberry.field(description="Why it is that.")
    def reason(self) -> PriceReason:
        return self.quoted.reason

    @strawberry.field(description="The name of the tier the price comes from.")
    def tier(self) -> str | None:
        return self.quoted.tier

    @strawberry.field(description="When its time tier ends.")
    def ends_at(self) -> datetime | None:
        return self.quoted.ends_at

    @strawberry.field(description="The last slot number of its quantity tier.")
    def ends_after_number(self) -> int | None:
        return self.quoted.ends_after_number

    @strawberry.field(description="What comes with it.")
    def gift(self) -> str | None:
        return self.quoted.gift


@strawberry.type(description="The price that the clock brings next.")
class NextPrice:
    """For the same slot number."""

    coming: strawberry.Private[ComingPrice]

    @strawberry.field(description="Of one unit, then.")
    def price(self) -> Money:
        return Money.of(self.coming.quoted.unit_price)

    @strawberry.field(description="When it begins.")
    def starts_at(self) -> datetime:
        return self.coming.starts_at

    @strawberry.field(
        description="The name of the tier that begins; null for the campaign's own price."
    )
    def tier(self) -> str | None:
        return self.coming.quoted.tier
