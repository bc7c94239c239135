"""A person who does everything that one can do in a shop, with a name that nothing else has."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from headless_presale.carts.models import Cart, SavedLine
from headless_presale.checkout import Address, Buyer
from headless_presale.checkout import drain as settle_reservations
from headless_presale.customers.events import CustomersMerged
from headless_presale.customers.models import Customer, CustomerGrant, CustomerIdentity
from headless_presale.customers.states import ProviderKind
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.events import EventRecord
from headless_presale.kernel.ids import customer_id_of, new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications import ListMailKind, Message, deliver
from headless_presale.notifications.writing import write_message
from headless_presale.notify_me import CampaignWatcher, person_of
from headless_presale.orders import (
    AddNote,
    CancelTerms,
    OrderStatus,
    OrderView,
    RevokeToken,
    add_note,
    cancel_order,
    revoke_order_token,
    sweep_orders,
)
from headless_presale.payments import PaymentLeg
from headless_presale.privacy import PersonalDataExport, write_export
from headless_presale.webhooks.delivering import deliver_due
from headless_presale.webhooks.models import WebhookDelivery
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api
from tests.integration.notifications.mail_server import MailServer
from tests.integration.orders.deciding import cancel, cancel_of, own, refund, refund_of
from tests.support.invariants import broken_invariants
from tests.support.money import place, read, start
from tests.support.receiver import Receiver, subscribe
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.till import Till

NAME, PHONE, STREET = "Zebulonia Quetzal", "+99 555 0142 777", "77 Canarybird Lane"
CITY, POSTCODE, MAIL = "Canaryville", "CB-99917", "zebulonia.quetzal@canary-mail.example"
"""Words that stand for nobody else. The mail is written in small letters, as accounts have it."""
WORDS = (NAME, PHONE, STREET, CITY, POSTCODE, MAIL, "Zebulonia")

ADDRESS = Address(country="DE", city=CITY, line1=STREET, line2=NAME, postal_code=POSTCODE)
OWN = """
mutation ($address: AddressAddInput!, $consent: ConsentGiveInput!,
    $choice: NotificationChoiceSetInput!, $export: PersonalDataExportInput!) {
  addressAdd(input: $address) { userErrors { code } }
  consentGive(input: $consent) { userErrors { code } }
  notificationChoiceSet(input: $choice) { userErrors { code } }
  personalDataExport(input: $export) { userErrors { code } }
}
"""


@dataclass
class Life:
    """What somebody has left behind.

    Attributes:
        orders: by what became of them.
        token: of his account.
        export_id: of the copy that was made of all this.
    """

    shop_id: UUID
    email: str
    token: str = ""
    orders: dict[str, OrderView] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)
    export_id: UUID = field(default_factory=new_id)

    @property
    def customer_id(self) -> UUID:
        return customer_id_of(self.shop_id, self.email)

    @property
    def order_ids(self) -> list[UUID]:
        return [order.id for order in self.orders.values()]


@dataclass
class Stage:
    """The shop in which people live, and everybody around it."""

    api: Api
    admin: asyncpg.Connection
    redis: Redis
    clock: ManualClock
    till: Till
    mails: MailServer
    receiver: Receiver

    async def open(self, slug: str = "moonlit-forge", **options: Any) -> Sale:
        """Open a shop with a sale; its merchant's system is told of everything."""
        sale = await open_sale(
            shop=await make_shop(slug), capacity=50, limit=20, days=30, **options
        )
        await subscribe(sale.shop, f"{self.receiver.url}/hooks", "order.*")
        return sale

    async def broken(self) -> list[str]:
        """Return the audits that do not hold, those of Redis included; jobs may wait."""
        await settle_reservations()
        broken = await broken_invariants(self.admin, self.redis)
        return [sentence for sentence in broken if not sentence.startswith("no job waits")]

    async def live(self, sale: Sale, *, name: str = NAME, email: str = MAIL) -> Life:
        """Have somebody order, pay, cancel, be refunded, mailed, written about, and sign in."""
        life = Life(sale.shop.id, email)
        buyer = Buyer(email=email, name=name, phone=PHONE if name == NAME else None)
        address = ADDRESS if name == NAME else Address(country="DE", city="Ulm", line1="1 Way")
        # Answers of the merchant's system repeat what it was told.
        self.receiver.content = f"thanks for {name}".encode()

        async def order(key: str) -> OrderView:
            placed = await place(sale, buyer=buyer, shipping_address=address, key=f"{name} {key}")
            life.orders[key] = placed
            return placed

        paid = await order("delivered")
        back = f"https://shop.example/thanks?buyer={email}"
        await start(paid, PaymentLeg.FULL, return_url=back)
        paid = await self.till.pay(paid)
        await add_note(AddNote(**own(paid, "n1"), text=f"{name} called about it"))
        await refund(refund_of(paid, reason=f"a gift for {name}"))
        await revoke_order_token(RevokeToken(**own(paid, "t1")))
        called_off = await self.till.pay(await order("cancelled by the shop"))
        await cancel(cancel_of(called_off, CancelTerms.FULL_REFUND, reason=f"{name} asked us to"))
        await cancel_order((await order("cancelled")).id, reason=f"{name} changes plans")
        overdue = await order("expired")
        await start(overdue, PaymentLeg.FULL, return_url=back)
        self.clock.advance(timedelta(hours=2))
        await sweep_orders()
        assert (await read(overdue.id)).status is OrderStatus.EXPIRED
        if name == NAME:
            # Nobody else's hold runs out, and is told of, while the next one lives.
            await order("held")
        await self._tell(name, email)
        life.token = await self._sign_in(life, sale, name)
        await settle_reservations()
        life.marks = await self._marks(life)
        return life

    async def _tell(self, name: str, email: str) -> None:
        """Send a mail, have one refused with the address in the answer, leave others waiting."""
        first, second, *_ = await Message.filter(recipient=email).order_by("created_at", "id")
        await deliver(first.id)
        self.mails.at_recipient = [f"550 5.1.1 <{email}> {name} is unknown here"]
        await deliver(second.id)
        for endpoint in (
            await WebhookDelivery.all().distinct().values_list("endpoint_id", flat=True)
        ):
            await deliver_due(UUID(str(endpoint)))

    async def _sign_in(self, life: Life, sale: Sale, name: str) -> str:
        email = life.email
        storefront = Storefront(self.api, sale.shop)
        token: str = (await storefront.sign_in(email))["accessToken"]
        await storefront.ask_for_code(email)
        await Customer.filter(email=email).update(name=name, phone=PHONE if name == NAME else "")
        await self._furnish(life, await Customer.get(email=email, shop_id=sale.shop.id), sale, name)
        parts = {"country": "DE", "city": CITY, "line1": STREET} if name == NAME else None
        reply = await self.api.ask(
            OWN,
            bearer=token,
            address={
                "name": name,
                "address": parts or {"country": "DE", "city": "Ulm", "line1": "1 Way"},
            },
            consent={"kind": "PERSONALISATION", "textVersion": "1"},
            choice={"kind": "NEWS", "isOn": True},
            export={},
        )
        assert {tuple(part["userErrors"]) for part in reply.data.values()} == {()}
        asked = await PersonalDataExport.get(customer_id=life.customer_id)
        await write_export(asked.id)
        life.export_id = asked.id
        return token

    async def _furnish(self, life: Life, customer: Customer, sale: Sale, name: str) -> None:
        """Give a customer what comes of signing in elsewhere, of waiting, and a cart."""
        at = self.clock.now()
        await CustomerIdentity.create(
            id=new_id(),
            customer_id=customer.id,
            shop_id=sale.shop.id,
            kind=ProviderKind.OIDC,
            issuer="https://id.example",
            subject=f"subject of {name}",
            created_at=at,
        )
        old = await Customer.create(
            id=new_id(), shop_id=sale.shop.id, name=name, locale="en", created_at=at
        )
        life.marks = [str(old.id)]
        await EventRecord.create(
            topic=f"customer:{old.id}",
            type=CustomersMerged.type,
            payload={"merged_id": str(old.id), "customer_id": str(customer.id)},
            actor="buyer",
            created_at=at,
        )
        watcher = await CampaignWatcher.create(
            id=new_id(),
            campaign_id=sale.campaign.id,
            person=person_of(sale.shop.id, life.email),
            email=life.email,
            locale="en",
            source="page",
            consented_at=at,
        )
        await _mail(watcher, name)
        cart = await Cart.create(
            id=new_id(),
            shop_id=sale.shop.id,
            customer_id=customer.id,
            currency=sale.shop.currency,
            created_at=at,
            expires_at=at + timedelta(days=30),
        )
        await SavedLine.create(
            id=new_id(), cart_id=cart.id, item_id=sale.item_id, quantity=1, shown=[]
        )

    async def _marks(self, life: Life) -> list[str]:
        """Return ids and hashes by which one could tell whose a row is."""
        grants = await CustomerGrant.filter(customer_id=life.customer_id)
        hashes = await self.admin.fetch(
            "SELECT request_hash FROM sales_order WHERE id = ANY($1::uuid[]) UNION "
            "SELECT request_hash FROM merchant_refund WHERE order_id = ANY($1::uuid[])",
            life.order_ids,
        )
        return [
            *life.marks,
            str(life.customer_id),
            str(person_of(life.shop_id, life.email)),
            *(str(grant.id) for grant in grants),
            *(str(cart.id) for cart in await Cart.filter(customer_id=life.customer_id)),
            *(row["request_hash"] for row in hashes),
        ]


@shielded
async def _mail(watcher: CampaignWatcher, name: str) -> None:
    """Write to somebody that what he waits for has opened."""
    async with unit_of_work():
        await write_message(
            ListMailKind.CAMPAIGN_OPENED,
            watcher.id,
            recipient=watcher.email or "",
            locale="en",
            context={"recipient_name": name},
        )
