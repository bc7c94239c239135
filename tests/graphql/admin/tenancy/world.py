"""Two merchants who have the same of everything, and nothing to do with each other.

What one of them has is named alike in both, so that an id of the other's can be put wherever one's
own belongs. Every text of a merchant carries his mark: an answer that shows the other's is a leak.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from headless_presale.checkout import Buyer
from headless_presale.identity import (
    ALL_SCOPES,
    ClientKind,
    ClientWish,
    InviteStaff,
    Role,
    Scope,
    create_client,
    invite_staff,
)
from headless_presale.kernel import clock
from headless_presale.kernel.ids import sign_token
from headless_presale.shops.models import Merchant, Shop
from headless_presale.webhooks import Asker, WebhookAttempt, send_test
from resolvers.global_ids import seal, unseal
from tests.conftest import SECRET_KEY
from tests.graphql.admin.tenancy import catalog, media, sign_in_providers
from tests.graphql.admin.tenancy.campaign_world import add_campaigns
from tests.graphql.admin.tenancy.declared import requirements
from tests.support.money import place
from tests.support.receiver import subscribe
from tests.support.shop import TERMS, make_shop, open_sale
from tests.support.staff import Caller, connect, sign_in
from tests.support.till import Till, till_open

Ids = Mapping[str, str]


@dataclass(slots=True)
class House:
    """A merchant with everything.

    Attributes:
        mark: stands in every text of it.
        ids: global ids of its rows, by what they are to their house.
        second: another shop of the same merchant.
    """

    mark: str
    shop: Shop
    second: Shop
    ids: dict[str, str] = field(default_factory=dict)
    owner: Caller | None = None


Example = Callable[[House], dict[str, Any]]
"""A complete, acceptable input of a house."""


@dataclass(frozen=True, slots=True)
class World:
    """Ours, theirs, and everybody who may ask for ours.

    Attributes:
        callers: people and systems of both houses, and those who belong to neither.
        holding: our clients that have exactly these scopes: each set that something requires.
        lacking: our clients that have every scope but this one.
    """

    ours: House
    theirs: House
    callers: Mapping[str, Caller | str | None]
    holding: Mapping[frozenset[str], Caller]
    lacking: Mapping[str, Caller]

    def counterpart(self, ours: str) -> str:
        """Return the other house's id of the same thing."""
        for name, found in self.ours.ids.items():
            if found == ours:
                return self.theirs.ids[name]
        raise LookupError(f"{unseal(ours)} is not in the world: name it in House.ids")


def nowhere(ours: str) -> str:
    """Return an id of the same kind that nothing has."""
    opened = unseal(ours)
    assert opened is not None
    return seal(opened[0], uuid4())


async def build() -> World:
    """Build both houses and let everybody in who is to be let in."""
    with till_open() as till:
        ours, theirs = await _house("ours", till), await _house("theirs", till)
    shop = ours.shop
    callers: dict[str, Caller | str | None] = {
        str(role).lower(): await sign_in(shop, role) for role in Role if role is not Role.OWNER
    }
    assert ours.owner is not None
    callers |= {
        "owner": ours.owner,
        "other shop's owner": theirs.owner,
        "manager of the second shop": await sign_in(
            shop, Role.MANAGER, email="second@ours.example.com", shop_ids=[ours.second.id]
        ),
        "client of the second shop": await connect(shop, shop_ids=[ours.second.id]),
        "customer": sign_token(SECRET_KEY, "order", uuid4()),
        "guest": None,
    }
    wanted = {requirement.scopes for requirement in requirements()}
    holding = {scopes: await connect(shop, scopes=set(map(Scope, scopes))) for scopes in wanted}
    lacking = {str(scope): await connect(shop, scopes=ALL_SCOPES - {scope}) for scope in Scope}
    return World(ours, theirs, callers, holding, lacking)


async def _house(mark: str, till: Till) -> House:
    shop = await make_shop(f"{mark}-forge")
    second = await make_shop(f"{mark}-second")
    await Shop.filter(id=second.id).update(merchant_id=shop.merchant_id)
    await Shop.filter(id__in=[shop.id, second.id]).update(name=f"Shop of {mark}")
    await Merchant.filter(id=shop.merchant_id).update(name=f"Merchant of {mark}")
    await shop.refresh_from_db()
    await second.refresh_from_db()
    house = House(mark, shop, second)
    house.owner = await sign_in(shop)
    member = await sign_in(shop, Role.SUPPORT, email=f"member@{mark}.example.com")
    client = await create_client(
        shop.merchant_id,
        ClientKind.WEB,
        ClientWish(
            name=f"App of {mark}",
            redirect_uris=[f"https://{mark}.example.com/callback"],
            scopes=frozenset({Scope.CATALOG_READ}),
        ),
        granted_by=ALL_SCOPES,
    )
    erp = await connect(shop, scopes={Scope.CATALOG_READ})
    invitation = await invite_staff(
        InviteStaff(
            merchant_id=shop.merchant_id,
            email=f"invited@{mark}.example.com",
            role=Role.ANALYST,
            invited_by=f"owner@{mark}.example.com",
        )
    )
    endpoint = await subscribe(
        shop, f"https://{mark}.example.com/hooks", "order.*", description=f"Hook of {mark}"
    )
    asker = Asker(merchant_id=shop.merchant_id, scopes=ALL_SCOPES)
    delivery = await send_test(asker, endpoint.endpoint.id)
    await WebhookAttempt.create(
        delivery_id=delivery.id,
        number=1,
        at=delivery.occurred_at,
        url=endpoint.endpoint.url,
        response_code=500,
        response_body=f"Answer of {mark}",
        error="",
        duration_ms=12,
    )
    assert member.member is not None
    house.ids |= await _orders(house, till)
    house.ids |= {
        "shop": seal("Shop", shop.id),
        "member": seal("StaffMember", member.member.id),
        "client": seal("ApiClient", client.client.id),
        "grant": seal("Grant", erp.grant.id),
        "invitation": seal("Invitation", invitation.id),
        "endpoint": seal("WebhookEndpoint", endpoint.endpoint.id),
        "delivery": seal("WebhookDelivery", delivery.id),
        **await catalog.furnish(shop, mark),
        **await media.furnish(shop, mark),
        **await sign_in_providers.furnish(shop, mark),
        **await add_campaigns(shop, mark),
    }
    return house


async def _orders(house: House, till: Till) -> dict[str, str]:
    """Sell something: one order of the house, paid."""
    ships_by = (clock.now() + timedelta(days=120)).date()
    sale = await open_sale(
        shop=house.shop,
        title=f"Campaign of {house.mark}",
        terms={**TERMS, "ships_by": ships_by},
        item={"batches": [{"capacity": 50, "ships_by": ships_by}]},
    )
    buyer = Buyer(email=f"buyer@{house.mark}.example.com", name=f"Buyer of {house.mark}")
    order = await place(sale, buyer=buyer, quantity=2)
    await till.pay(order)
    return {
        "campaign": seal("Campaign", sale.campaign.id),
        "order": seal("Order", order.id),
        "order line": seal("OrderLine", order.lines[0].id),
    }


def uuid_of(global_id: str) -> UUID:
    """Return the UUID inside a global id."""
    opened = unseal(global_id)
    assert opened is not None
    return UUID(opened[1])
