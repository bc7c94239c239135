"""Three customers who have the same of everything: one, another of his shop, his namesake.

The namesake has the address of the first one, in another shop. Every text of a customer carries
his mark, so that an answer to somebody else that shows it is a leak.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from headless_presale.checkout import Buyer, place_order
from headless_presale.customers import (
    AddressEntry,
    ConsentKind,
    ConsentSource,
    CustomerClaims,
    CustomerPrincipal,
    SignedIn,
    UpdateProfile,
    add_address,
    code_of,
    find_customer_principal,
    give_consent,
    read_any_bearer,
    sign_out,
    update_profile,
)
from headless_presale.customers.codes import make_code, use_code
from headless_presale.customers.models import CustomerCode
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel.ids import sign_token
from headless_presale.kernel.postal import Address
from headless_presale.orders import order_token
from headless_presale.shops.models import Shop
from resolvers.global_ids import find_node_id, seal
from tests.conftest import SECRET_KEY
from tests.graphql.carts import create
from tests.graphql.endpoint import Api
from tests.support.shop import Sale, make_shop, open_sale, order_for
from tests.support.staff import sign_in

OWN, OTHER, NAMESAKE = "own", "other", "namesake"
PUBLIC = {"campaign", "item", "product", "variant"}


@dataclass(slots=True)
class House:
    """A customer with everything.

    Attributes:
        mark: stands in every text of his.
        bearer: his access token.
        ids: global ids of what is his, by what it is; of those in ``PUBLIC`` anybody may know.
        tokens: what opens them to whoever holds it.
    """

    mark: str
    shop: Shop
    customer_id: UUID
    bearer: str
    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def private_ids(self) -> list[str]:
        return [id_ for name, id_ in self.ids.items() if name not in PUBLIC]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks for what is the first customer's.

    Attributes:
        bearer: his access token.
        tokens: whose tokens of orders and carts he holds.
        is_customer: whether he is signed in as one.
        is_ended: whether he was, until he signed out.
    """

    bearer: str | None = None
    tokens: str | None = None
    is_customer: bool = False
    is_ended: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """The customers, and everybody who asks."""

    houses: Mapping[str, House]
    callers: Mapping[str, Caller]

    @property
    def own(self) -> House:
        return self.houses[OWN]


def nowhere(ours: str) -> str:
    """Return an id of the same kind that nothing has."""
    opened = find_node_id(ours)
    assert opened is not None
    return seal(opened[0], uuid4())


async def build(api: Api) -> World:
    """Build the customers and let everybody in who is to be let in."""
    here, elsewhere = await make_shop("here"), await make_shop("elsewhere")
    sale = await open_sale(shop=here, capacity=50)
    other_sale = await open_sale(shop=elsewhere, handle="else", skus=("ELSE-1",), capacity=50)
    houses = {
        OWN: await _house(api, OWN, sale, "ann@example.com"),
        OTHER: await _house(api, OTHER, sale, "bob@example.com"),
        NAMESAKE: await _house(api, NAMESAKE, other_sale, "ann@example.com"),
    }
    ended = await _let_in(here.id, "ann@example.com")
    await sign_out(await _principal(ended), is_everywhere=False)
    callers = {
        "own customer": Caller(houses[OWN].bearer, is_customer=True),
        "other customer": Caller(houses[OTHER].bearer, is_customer=True),
        "namesake of another shop": Caller(houses[NAMESAKE].bearer, is_customer=True),
        "who has signed out": Caller(ended.access.token, is_ended=True),
        "guest with the tokens": Caller(tokens=OWN),
        "guest with another's tokens": Caller(tokens=OTHER),
        "other customer with his own tokens": Caller(
            houses[OTHER].bearer, tokens=OTHER, is_customer=True
        ),
        "guest": Caller(),
        "the shop's owner": Caller((await sign_in(here)).token),
    }
    return World(houses, callers)


async def _house(api: Api, mark: str, sale: Sale, email: str) -> House:
    # An order as a guest, before there is an account
    buyer = Buyer(email=email, name=f"Buyer of {mark}")
    order = await place_order(order_for(sale, buyer=buyer))
    signed_in = await _let_in(sale.shop.id, email)
    principal = await _principal(signed_in)
    await update_profile(principal, UpdateProfile(version=1, phone=f"Phone of {mark}"))
    address = await add_address(
        principal,
        AddressEntry(
            name=f"Receiver of {mark}",
            phone=None,
            address=Address(country="CN", city="Shanghai", line1=f"Street of {mark}"),
        ),
        is_default=True,
    )
    await give_consent(
        principal,
        ConsentKind.PERSONALISATION,
        text_version=f"of {mark}",
        source=ConsentSource.ACCOUNT,
        locale="en",
    )
    bearer = signed_in.access.token
    guests = await create(api, sale)
    his = await create(api, sale, bearer)
    for cart in (guests, his):
        assert (await cart.put(1))["userErrors"] == []
    return House(
        mark=mark,
        shop=sale.shop,
        customer_id=signed_in.customer.id,
        bearer=bearer,
        ids={
            "campaign": seal("Campaign", sale.campaign.id),
            "item": seal("CampaignItem", sale.item_id),
            "product": seal("Product", sale.campaign.items[0].product_id),
            "variant": seal("ProductVariant", sale.campaign.items[0].variant_id),
            "order": seal("Order", order.id),
            "address": seal("CustomerAddress", address.row.id),
            "guest cart": guests.id,
            "cart": his.id,
            "customer": seal("Customer", signed_in.customer.id),
        },
        tokens={
            "order": order_token(SECRET_KEY, order.id, 0),
            "guest cart": sign_token(SECRET_KEY, "cart", guests.uuid),
            "refresh": signed_in.refresh_token,
        },
    )


async def _let_in(shop_id: UUID, email: str) -> SignedIn:
    await make_code(shop_id, email, locale="en")
    code = await CustomerCode.filter(shop_id=shop_id, email=email).order_by("-id").first()
    assert code is not None
    signed_in = await use_code(shop_id, email, code_of(code.id), await signing_key())
    assert signed_in is not None
    return signed_in


async def _principal(signed_in: SignedIn) -> CustomerPrincipal:
    claims = await read_any_bearer(f"Bearer {signed_in.access.token}")
    assert isinstance(claims, CustomerClaims)
    principal = await find_customer_principal(claims)
    assert principal is not None
    return principal
