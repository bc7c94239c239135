"""What can be done with a cart: each may be repeated, and the last word on a line counts."""

import strawberry

from headless_presale.carts import QuotedCart
from resolvers import carts
from resolvers.carts import CartRef, LineWish
from resolvers.errors import Answer
from schema.carts import CartType
from schema.errors import UserError, user_errors
from schema.nodes import Info
from schema.permissions import customer_only
from schema.scalars import SafeInt

TOKEN = "`cartToken` of the payload that made it; one's own cart needs none."


@strawberry.input(description="Where a cart is made.")
class CartCreateInput:
    shop: str = strawberry.field(description="The shop's slug.")


@strawberry.input(description="What a cart is to have of an item.")
class CartLineAddInput:
    cart_id: strawberry.ID = strawberry.field(description="`Cart.id`.")
    campaign_item_id: strawberry.ID = strawberry.field(description="`CampaignItem.id`.")
    quantity: int = strawberry.field(
        default=1, description="1 to 100, in all: what the line had before does not count."
    )
    token: str | None = strawberry.field(default=None, description=TOKEN)


@strawberry.input(description="How many of an item there are to be.")
class CartLineUpdateInput:
    cart_id: strawberry.ID = strawberry.field(description="`Cart.id`.")
    campaign_item_id: strawberry.ID = strawberry.field(
        description="Which line: `CartLine.campaignItemId`."
    )
    quantity: int = strawberry.field(description="1 to 100.")
    token: str | None = strawberry.field(default=None, description=TOKEN)


@strawberry.input(description="What is to be taken out.")
class CartLineRemoveInput:
    cart_id: strawberry.ID = strawberry.field(description="`Cart.id`.")
    campaign_item_id: strawberry.ID = strawberry.field(
        description="Which line: `CartLine.campaignItemId`."
    )
    token: str | None = strawberry.field(default=None, description=TOKEN)


@strawberry.input(description="Whose prices the buyer has seen.")
class CartPricesAcceptInput:
    cart_id: strawberry.ID = strawberry.field(description="`Cart.id`.")
    token: str | None = strawberry.field(default=None, description=TOKEN)
    expected_total_minor: SafeInt | None = strawberry.field(
        default=None, description="The total that he has seen; another one is refused."
    )


@strawberry.input(description="A guest's cart to take over.")
class CartClaimInput:
    cart_id: strawberry.ID = strawberry.field(description="`Cart.id` of the guest's cart.")
    token: str = strawberry.field(description="`cartToken` of the payload that made it.")


@strawberry.type
class CartCreatePayload:
    cart: CartType | None
    cart_token: str | None = strawberry.field(
        description="Opens a guest's cart. Keep it secret. Null where the cart is a customer's."
    )
    user_errors: list[UserError]


@strawberry.type
class CartLineAddPayload:
    cart: CartType | None
    user_errors: list[UserError]


@strawberry.type
class CartLineUpdatePayload:
    cart: CartType | None
    user_errors: list[UserError]


@strawberry.type
class CartLineRemovePayload:
    cart: CartType | None
    user_errors: list[UserError]


@strawberry.type
class CartPricesAcceptPayload:
    cart: CartType | None
    user_errors: list[UserError]


@strawberry.type
class CartClaimPayload:
    cart: CartType | None
    user_errors: list[UserError]


def _cart(changed: Answer[QuotedCart]) -> CartType | None:
    return None if changed.value is None else CartType(cart=changed.value)


@strawberry.type
class CartMutation:
    """A guest's cart is opened by its token, a customer's by being him."""

    @strawberry.mutation(
        description="Make a cart. A customer of the shop who is signed in gets the one he has."
    )
    async def cart_create(self, info: Info, input: CartCreateInput) -> CartCreatePayload:
        made = await carts.create(info.context, input.shop)
        return CartCreatePayload(
            cart=_cart(made),
            cart_token=None
            if made.value is None
            else carts.token_of(info.context, made.value.stored),
            user_errors=user_errors(made.refusals),
        )

    @strawberry.mutation(description="Let a cart have so many of an item, however many it had.")
    async def cart_line_add(self, info: Info, input: CartLineAddInput) -> CartLineAddPayload:
        wish = _line(input)
        changed = await carts.add_line(info.context, wish)
        return CartLineAddPayload(cart=_cart(changed), user_errors=user_errors(changed.refusals))

    @strawberry.mutation(description="Change how many there are of an item that is in the cart.")
    async def cart_line_update(
        self, info: Info, input: CartLineUpdateInput
    ) -> CartLineUpdatePayload:
        changed = await carts.update_line(info.context, _line(input))
        return CartLineUpdatePayload(cart=_cart(changed), user_errors=user_errors(changed.refusals))

    @strawberry.mutation(description="Remove an item from a cart. Safe to repeat.")
    async def cart_line_remove(
        self, info: Info, input: CartLineRemoveInput
    ) -> CartLineRemovePayload:
        ref = CartRef(cart_id=input.cart_id, token=input.token)
        changed = await carts.remove_line(info.context, ref, input.campaign_item_id)
        return CartLineRemovePayload(cart=_cart(changed), user_errors=user_errors(changed.refusals))

    @strawberry.mutation(
        description="Say that the buyer has seen what the cart costs now: `priceChange` is null "
        "until something changes again."
    )
    async def cart_prices_accept(
        self, info: Info, input: CartPricesAcceptInput
    ) -> CartPricesAcceptPayload:
        ref = CartRef(cart_id=input.cart_id, token=input.token)
        changed = await carts.accept_prices(info.context, ref, input.expected_total_minor)
        return CartPricesAcceptPayload(
            cart=_cart(changed), user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Take over a guest's cart after signing in. What one has in a cart already is "
        "moved into it, of the same item the larger quantity; its token opens it no longer.",
        extensions=customer_only(),
    )
    async def cart_claim(self, info: Info, input: CartClaimInput) -> CartClaimPayload:
        claimed = await carts.claim(info.context, input.cart_id, input.token)
        return CartClaimPayload(cart=_cart(claimed), user_errors=user_errors(claimed.refusals))


def _line(input: CartLineAddInput | CartLineUpdateInput) -> LineWish:
    return LineWish(
        cart=CartRef(cart_id=input.cart_id, token=input.token),
        campaign_item_id=input.campaign_item_id,
        quantity=input.quantity,
    )
