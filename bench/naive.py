"""``orderPlace`` as Strawberry's documentation would have it: a schema, its view, no more."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import strawberry
from strawberry.asgi import GraphQL

Place = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


@strawberry.input
class OrderLineInput:
    campaign_item_id: strawberry.ID
    quantity: int


@strawberry.input
class BuyerInput:
    email: str
    name: str


@strawberry.input
class AddressInput:
    country: str
    city: str
    line1: str


@strawberry.input
class OrderPlaceInput:
    shop: str
    lines: list[OrderLineInput]
    buyer: BuyerInput
    shipping_address: AddressInput
    accepted_terms_version: int
    idempotency_key: str


@strawberry.type
class Money:
    minor: int


@strawberry.type
class OrderLine:
    slot_numbers: list[int]


@strawberry.type
class Order:
    id: strawberry.ID
    number: str
    status: str
    lines: list[OrderLine]
    total: Money


@strawberry.type
class UserError:
    code: str
    message: str


@strawberry.type
class OrderPlacePayload:
    order: Order
    order_token: str
    user_errors: list[UserError]


@strawberry.type
class Query:
    version: str = "1"


def endpoint(place: Place) -> GraphQL[Any, Any]:
    """Return the view of a schema whose one mutation does this."""

    @strawberry.type
    class Mutation:
        @strawberry.mutation
        async def order_place(self, input: OrderPlaceInput) -> OrderPlacePayload:
            buyer, address = input.buyer, input.shipping_address
            placed = await place(
                {
                    "buyer": {"email": buyer.email, "name": buyer.name},
                    "shippingAddress": {
                        "country": address.country,
                        "city": address.city,
                        "line1": address.line1,
                    },
                    "idempotencyKey": input.idempotency_key,
                }
            )
            order = placed["order"]
            return OrderPlacePayload(
                order=Order(
                    id=order["id"],
                    number=order["number"],
                    status=order["status"],
                    lines=[OrderLine(slot_numbers=line["slotNumbers"]) for line in order["lines"]],
                    total=Money(minor=order["total"]["minor"]),
                ),
                order_token=placed["orderToken"],
                user_errors=[],
            )

    return GraphQL(strawberry.Schema(query=Query, mutation=Mutation))
