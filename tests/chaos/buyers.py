"""Buyers: they order, ask again, pay, change their minds, and write down what they were told."""

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

from headless_presale.audits import Acknowledged
from resolvers.global_ids import find_uuid, seal
from tests.chaos.journal import Journal, Refused
from tests.chaos.market import SHOP, Market, OpenCampaign
from tests.chaos.storefront import CANCEL, ORDER, PAY, PLACE, NeverTold, Storefront, Told
from tests.chaos.storefront import OutcomeUnknown as Unknown
from tests.chaos.till import Till

EXPECTED_REFUSALS = frozenset({"SLOTS_SOLD_OUT", "PURCHASE_LIMIT", "CAMPAIGN_NOT_OPEN"})
"""What an honest order may be told; the terms of a run are never revised."""
PAY_REFUSALS = frozenset({"PAYMENT_NOT_DUE"})
CANCEL_REFUSALS = frozenset({"CANCEL_NOT_ALLOWED"})
HOLD_SECONDS = 4
LATE_SECONDS = 6.0
BALANCE_SECONDS = 1.5
MOST_ERRANDS = 24


class Crowd:
    """A number of buyers who come again and again until the sale closes.

    Args:
        abandon_chance: how many never come back after an answer that did not arrive.
    """

    def __init__(
        self,
        storefront: Storefront,
        till: Till,
        market: Market,
        journal: Journal,
        *,
        seed: int,
        abandon_chance: float = 0.1,
    ) -> None:
        self._storefront = storefront
        self._till = till
        self._market = market
        self._journal = journal
        self._seed = seed
        self._abandon_chance = abandon_chance
        self._closing = asyncio.Event()
        self._errands: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def open(self, buyers: int) -> None:
        """Let so many buyers in."""
        self._tasks = [
            asyncio.create_task(self._come_again(number), name=f"buyer-{number}")
            for number in range(buyers)
        ]

    def close(self) -> None:
        """Let nobody in any more."""
        self._closing.set()

    async def leave(self, *, within_seconds: float | None) -> None:
        """Wait until everybody has a definite answer to what was asked; None: send them home."""
        left = {*self._tasks, *self._errands}
        if left and within_seconds is not None:
            done, left = await asyncio.wait(left, timeout=within_seconds)
            for task in done:
                if (error := task.exception()) is not None:
                    raise error
            for task in left:
                self._journal.violate(
                    "everybody gets a definite answer once all is well", task.get_name()
                )
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _come_again(self, number: int) -> None:
        dice = random.Random(f"buyer:{self._seed}:{number}")
        turn = 0
        while not self._closing.is_set():
            turn += 1
            campaigns = self._market.on_sale
            if campaigns:
                email = f"buyer{number}-{turn // 3}@example.com"
                await self._buy(dice, email, dice.choice(campaigns))
            await asyncio.sleep(dice.uniform(0.0, 0.5))

    async def _buy(self, dice: random.Random, email: str, campaign: OpenCampaign) -> None:
        wish = make_wish(dice, email, campaign)
        told = await self._place(dice, wish)
        if told is None:
            return
        codes = told.codes
        if codes:
            self._journal.refuse(Refused(wish["idempotencyKey"], email, codes[0], told.sent_at))
            if set(codes) - EXPECTED_REFUSALS:
                self._journal.violate("an honest order meets expected refusals", str(told.payload))
            return
        order, token = told.payload["order"], told.payload["orderToken"]
        acknowledge(self._journal, self._market.shop_id, wish, order)
        if dice.random() < 0.25:
            await self._ask_again(dice, wish)
        if len(self._errands) < MOST_ERRANDS:
            errand = asyncio.create_task(self._go_on(dice.random(), order, token))
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)

    async def _place(self, dice: random.Random, wish: dict[str, Any]) -> Told | None:
        """Order until the answer is definite; None for somebody who did not wait for it."""
        if dice.random() < self._abandon_chance:
            try:
                return Told(await self._storefront.ask_once(PLACE, input=wish), 0.0, 1)
            except Unknown:
                self._journal.note("abandoned", key=wish["idempotencyKey"])
                return None
        return await self._ask(PLACE, wish)

    async def _ask(self, document: str, wish: dict[str, Any]) -> Told | None:
        try:
            return await self._storefront.ask(document, input=wish)
        except NeverTold as error:
            self._journal.violate("everybody gets a definite answer once all is well", str(error))
            return None

    async def _ask_again(self, dice: random.Random, wish: dict[str, Any]) -> None:
        """Repeat what succeeded: the same wish, or another one under the same key."""
        if dice.random() < 0.6:
            told = await self._ask(PLACE, wish)
            if told is None:
                return
            if told.codes:
                self._journal.violate(
                    "a repeated request tells of the same order and numbers",
                    f"{wish['idempotencyKey']} {told.codes}",
                )
                return
            acknowledge(self._journal, self._market.shop_id, wish, told.payload["order"])
            return
        line = wish["lines"][0]
        other = {**wish, "lines": [{**line, "quantity": line["quantity"] % 3 + 1}]}
        told = await self._ask(PLACE, other)
        if told is not None and told.codes != ["IDEMPOTENCY_MISMATCH"]:
            self._journal.violate(
                "another request under a used key is told so",
                f"{wish['idempotencyKey']} {told.codes or told.payload['order']['id']}",
            )

    async def _go_on(self, mood: float, order: dict[str, Any], token: str) -> None:
        """Pay at once, later, too late or not at all; or cancel, before or after."""
        if mood < 0.50:
            await self._pay(order, token, by_page=mood < 0.1)
            if mood < 0.25:
                await self._pay_balance(order, token)
        elif mood < 0.58:
            await self._cancel(order, token)
        elif mood < 0.66:
            await self._pay(order, token)
            await self._cancel(order, token)
        elif mood < 0.74:
            await self._pay(order, token, declined_first=True)
        elif mood < 0.84:
            await self._pay(order, token, wait_seconds=LATE_SECONDS)

    async def _pay(
        self,
        order: dict[str, Any],
        token: str,
        *,
        by_page: bool = False,
        declined_first: bool = False,
        wait_seconds: float = 0.0,
    ) -> bool:
        if not order["dueNow"]:
            return False
        intent_id = await self._start_payment(order, token)
        if intent_id is None:
            return False
        if declined_first:
            await self._till.decline(intent_id)
        await self._wait(wait_seconds)
        return await (self._till.click(intent_id) if by_page else self._till.pay(intent_id))

    async def _start_payment(self, order: dict[str, Any], token: str) -> str | None:
        leg = order["dueNow"][0]["leg"]
        wish = {
            "orderId": order["id"],
            "token": token,
            "leg": leg,
            "gateway": "sandbox",
            "idempotencyKey": f"{leg}-1",
        }
        while True:
            told = await self._ask(PAY, wish)
            if told is None:
                return None
            if told.codes == ["GATEWAY_UNAVAILABLE"]:
                # The order is kept: the same is asked again.
                await asyncio.sleep(0.3)
                continue
            if told.codes:
                if set(told.codes) - PAY_REFUSALS:
                    self._journal.violate("a payment meets expected refusals", str(told.payload))
                return None
            action = told.payload["payment"]["action"]
            return None if action is None else str(action["url"]).rsplit("/", 1)[-1]

    async def _pay_balance(self, order: dict[str, Any], token: str) -> None:
        """Look a moment later whether there is more to pay, and pay it."""
        await self._wait(BALANCE_SECONDS + LATE_SECONDS)
        try:
            told = await self._storefront.ask(ORDER, id=order["id"], token=token)
        except NeverTold:
            return
        due = [leg for leg in told.payload["dueNow"] if leg["leg"] == "BALANCE"]
        if due:
            await self._pay({**order, "dueNow": due}, token)

    async def _cancel(self, order: dict[str, Any], token: str) -> None:
        told = await self._ask(CANCEL, {"orderId": order["id"], "token": token})
        if told is not None and set(told.codes) - CANCEL_REFUSALS:
            self._journal.violate("a cancellation meets expected refusals", str(told.payload))

    async def _wait(self, seconds: float) -> None:
        """Wait, though not beyond the end of the sale."""
        if seconds:
            try:
                async with asyncio.timeout(seconds):
                    await self._closing.wait()
            except TimeoutError:
                return


def make_wish(dice: random.Random, email: str, campaign: OpenCampaign) -> dict[str, Any]:
    """Return the input of an order of one or two items, one to three of each."""
    count = 2 if len(campaign.items) > 1 and dice.random() < 0.3 else 1
    items = dice.sample(campaign.items, count)
    return order_input(
        email,
        campaign,
        {item.id: dice.choice((1, 1, 2, min(3, item.limit or 3))) for item in items},
    )


def order_input(email: str, campaign: OpenCampaign, quantities: dict[UUID, int]) -> dict[str, Any]:
    """Return the input of an order under a key of its own."""
    return {
        "shop": SHOP,
        "lines": [
            {"campaignItemId": seal("CampaignItem", item_id), "quantity": quantity}
            for item_id, quantity in quantities.items()
        ],
        "buyer": {"email": email, "name": "Lin"},
        "shippingAddress": {"country": "US", "city": "Portland", "line1": "1 Pine Street"},
        "acceptedTermsVersion": campaign.terms_version,
        "idempotencyKey": str(uuid4()),
    }


def acknowledge(
    journal: Journal, shop_id: UUID, wish: dict[str, Any], order: dict[str, Any]
) -> None:
    """Write down an order that somebody was told of."""
    order_id = find_uuid(order["id"], "Order")
    numbers: dict[UUID, frozenset[int]] = {}
    for line in order["lines"]:
        item_id = find_uuid(line["campaignItemId"], "CampaignItem")
        assert item_id is not None
        # Slots of one item at two prices are two lines.
        numbers[item_id] = numbers.get(item_id, frozenset()) | frozenset(line["slotNumbers"])
    asked = {
        find_uuid(line["campaignItemId"], "CampaignItem"): line["quantity"]
        for line in wish["lines"]
    }
    if order_id is None or {item: len(told) for item, told in numbers.items()} != asked:
        journal.violate("an order holds what was asked for", f"{asked} became {order}")
        return
    journal.acknowledge(
        Acknowledged(
            order_id=order_id,
            shop_id=shop_id,
            email=wish["buyer"]["email"],
            idempotency_key=wish["idempotencyKey"],
            total_minor=order["total"]["minor"],
            numbers=numbers,
        )
    )
