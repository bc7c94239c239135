"""What mutations take, and how it becomes a command."""

import strawberry

from headless_presale.checkout import Address, Buyer
from resolvers.carts import CartRef
from resolvers.orders import LineWish, OrderWish
from resolvers.payments import PaymentWish
from schema.enums import PaymentLeg
from schema.scalars import SafeInt


@strawberry.input(description="So many of one campaign item.")
class OrderLineInput:
    campaign_item_id: strawberry.ID = strawberry.field(description="`CampaignItem.id`.")
    quantity: int = strawberry.field(description="1 to 100 of an item, over all lines.")


@strawberry.input(description="Who buys. Per-customer limits go by the e-mail address.")
class BuyerInput:
    name: str = strawberry.field(description="1 to 200 characters.")
    email: str | None = strawberry.field(
        default=None,
        description="Needed of a guest. Of a customer who is signed in it is his own, or left out.",
    )
    phone: str | None = strawberry.field(default=None, description="At most 40 characters.")


@strawberry.input(description="Where it ships to.")
class PostalAddressInput:
    country: str = strawberry.field(description="ISO 3166-1, two capital letters, such as CN.")
    city: str = strawberry.field(description="At most 200 characters.")
    line1: str = strawberry.field(description="Street and number: at most 300 characters.")
    line2: str | None = strawberry.field(
        default=None,
        description="A second line, such as a flat or a company: at most 300 characters.",
    )
    region: str | None = strawberry.field(
        default=None,
        description="State, province or county, as it is written there: at most 300 characters.",
    )
    postal_code: str | None = strawberry.field(
        default=None, description="As the country writes it: at most 300 characters."
    )

    def to_address(self) -> Address:
        """Return it as the domain takes it."""
        return Address(
            country=self.country,
            city=self.city,
            line1=self.line1,
            line2=self.line2,
            region=self.region,
            postal_code=self.postal_code,
        )


@strawberry.input(description="An order to place.")
class OrderPlaceInput:
    shop: str = strawberry.field(description="The shop's slug.")
    buyer: BuyerInput = strawberry.field(description="Who buys.")
    shipping_address: PostalAddressInput = strawberry.field(description="Where it ships to.")
    accepted_terms_version: int = strawberry.field(description="`Terms.version` as it was shown.")
    idempotency_key: str = strawberry.field(
        description="Unique per wish, 1 to 200 characters: repeating it repeats nothing."
    )
    expected_total_minor: SafeInt | None = strawberry.field(
        default=None, description="The total as it was shown; another one is refused."
    )
    locale: str | None = strawberry.field(
        default=None, description="Language of messages to the buyer; else Accept-Language."
    )
    lines: list[OrderLineInput] | None = strawberry.field(
        default=None, description="What is ordered; or name a cart."
    )
    cart_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="All lines of this cart are ordered, instead of `lines`, and leave it.",
    )
    cart_token: str | None = strawberry.field(
        default=None, description="`cartToken` of a guest's cart; one's own needs none."
    )

    def to_wish(self) -> OrderWish:
        """Return it as the resolvers take it."""
        return OrderWish(
            shop=self.shop,
            lines=None
            if self.lines is None
            else [LineWish(line.campaign_item_id, line.quantity) for line in self.lines],
            cart=None
            if self.cart_id is None
            else CartRef(cart_id=self.cart_id, token=self.cart_token),
            buyer=Buyer(email=self.buyer.email or "", name=self.buyer.name, phone=self.buyer.phone),
            shipping_address=self.shipping_address.to_address(),
            accepted_terms_version=self.accepted_terms_version,
            idempotency_key=self.idempotency_key,
            expected_total_minor=self.expected_total_minor,
            locale=self.locale,
        )


@strawberry.input(description="An order to cancel.")
class OrderCancelInput:
    order_id: strawberry.ID = strawberry.field(description="`Order.id`.")
    token: str | None = strawberry.field(
        default=None,
        description="`orderToken` of the payload that placed it. A customer who is signed in "
        "needs none for his own order.",
    )
    reason: str | None = strawberry.field(default=None, description="At most 200 characters.")


@strawberry.input(description="A payment to start.")
class PaymentStartInput:
    order_id: strawberry.ID = strawberry.field(description="`Order.id`.")
    leg: PaymentLeg = strawberry.field(description="One of the order's `dueNow`.")
    gateway: str = strawberry.field(description="Such as `sandbox`.")
    idempotency_key: str = strawberry.field(
        description="Unique per wish, 1 to 200 characters: repeating it repeats nothing."
    )
    token: str | None = strawberry.field(
        default=None,
        description="`orderToken` of the payload that placed it. A customer who is signed in "
        "needs none for his own order.",
    )
    return_url: str | None = strawberry.field(
        default=None, description="Where the gateway sends the buyer back to; http or https."
    )

    def to_wish(self) -> PaymentWish:
        """Return it as the resolvers take it."""
        return PaymentWish(
            order_id=self.order_id,
            token=self.token,
            leg=self.leg,
            gateway=self.gateway,
            return_url=self.return_url,
            idempotency_key=self.idempotency_key,
        )
