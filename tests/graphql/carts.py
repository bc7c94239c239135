"""A cart as a storefront fills it, shows it and orders it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from resolvers.global_ids import find_uuid, seal
from tests.graphql.endpoint import Api, Reply
from tests.support.shop import Sale

CART = """
  id itemCount expiresAt total { minor }
  lines { campaignItemId quantity unitPrice { minor } lineTotal { minor } isAvailable
          unavailableReason campaignItem { title }
          units { quantity unitPrice { minor } priceReason tier gift }
          priceChange { before { minor } after { minor } reason tierBefore tierAfter } }
"""
ERRORS = "userErrors { __typename code field message }"
READ = f"query ($id: ID!, $token: String) {{ cart(id: $id, token: $token) {{ {CART} }} }}"
MINE = f"{{ me {{ cart {{ {CART} }} }} }}"


def mutation(name: str, more: str = "") -> str:
    """Return a mutation that answers with the cart."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    return (
        f"mutation ($input: {kind}!) "
        f"{{ {name}(input: $input) {{ cart {{ {CART} }} {more} {ERRORS} }} }}"
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a cart: its token, or a customer's access token."""

    api: Api
    sale: Sale
    id: str
    token: str | None = None
    bearer: str | None = None

    @property
    def uuid(self) -> UUID:
        found = find_uuid(self.id, "Cart")
        assert found is not None
        return found

    async def do(self, name: str, **given: Any) -> dict[str, Any]:
        """Return the payload of a mutation about this cart."""
        asked = {"cartId": self.id, "token": self.token, **given}
        reply = await self.api.ask(mutation(name), bearer=self.bearer, input=asked)
        payload: dict[str, Any] = reply.data[name]
        return payload

    async def put(self, quantity: int = 1, item: int = 0, **given: Any) -> dict[str, Any]:
        """Return the payload of adding so many of one of the sale's items."""
        return await self.do("cartLineAdd", **self.line(quantity, item), **given)

    def line(self, quantity: int, item: int = 0) -> dict[str, Any]:
        return {**self.item(item), "quantity": quantity}

    def item(self, item: int = 0) -> dict[str, str]:
        return {"campaignItemId": seal("CampaignItem", self.sale.campaign.items[item].id)}

    async def read(self) -> Any:
        """Return the cart as it is now."""
        return (await self.ask_to_read()).data["cart"]

    async def ask_to_read(self) -> Reply:
        return await self.api.ask(READ, id=self.id, token=self.token, bearer=self.bearer)


async def create(api: Api, sale: Sale, bearer: str | None = None) -> Holder:
    """Make a cart in the shop of a sale."""
    reply = await api.ask(
        mutation("cartCreate", "cartToken"), bearer=bearer, input={"shop": sale.shop.slug}
    )
    payload = reply.data["cartCreate"]
    assert payload["userErrors"] == []
    token = payload["cartToken"]
    return Holder(api, sale, payload["cart"]["id"], token, bearer if token is None else None)


def quantities(cart: dict[str, Any]) -> list[int]:
    """Return how many each line has."""
    return [line["quantity"] for line in cart["lines"]]
