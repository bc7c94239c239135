"""What every part of the machine stands on: one example's state and the way to the loop."""

import asyncio
import functools
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, ParamSpec, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from headless_presale.audits import (
    Acknowledged,
    Finding,
    audit_acknowledged,
    audit_database,
    audit_redis,
)
from headless_presale.checkout import PlaceOrder
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.ids import customer_id_of, reservation_id_of
from headless_presale.payments.gateways import GatewayNotice
from headless_presale.slots import count_available
from tests.model.expectations import HOLD, Expectations, Wish
from tests.model.world import PLANS, World
from tests.support.memory_gateway import MemoryGateway

P = ParamSpec("P")
R = TypeVar("R")

CUSTOMERS = ("ann@example.com", "bo@example.com", "cy@example.com")
NEVER_THERE = frozenset({"SLOTS_SOLD_OUT", "PURCHASE_LIMIT"})
MOST_ROUNDS = 12
STEP_TIMEOUT_SECONDS = 60

pick = st.integers(0, 19)
wishes = st.sampled_from([(1, 0), (2, 0), (3, 0), (0, 1), (0, 2), (1, 1), (2, 1), (1, 2)])
"""One to three units of one pool or of both."""


@dataclass(slots=True)
class Tally:
    """How much a machine has run."""

    examples: int = 0
    steps: int = 0
    met: Counter[str] = field(default_factory=Counter)
    """In how many examples a kind of thing was met: a state, a refusal, a reason of a refund."""

    def __str__(self) -> str:
        met = ", ".join(f"{kind} {count}" for kind, count in sorted(self.met.items()))
        return f"{self.examples} examples, {self.steps} steps; met: {met}"


def on_loop(step: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Run a step on the loop that the engines' connections belong to."""

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        machine: Any = args[0]

        async def audited() -> R:
            try:
                return await step(*args, **kwargs)
            except AssertionError:
                # What the audits say comes first: it names the damage, not its first sign.
                await machine.audit()
                raise

        future = asyncio.run_coroutine_threadsafe(audited(), machine.loop)
        try:
            return future.result(STEP_TIMEOUT_SECONDS)
        except BaseException:
            machine.is_sound = False
            raise

    return run


def code_of(outcome: object) -> str | None:
    """Return the code of a refusal; None for a success."""
    return outcome.code if isinstance(outcome, DomainError) else None


class Example(RuleBasedStateMachine):
    """One example: a campaign that has just opened, and its model."""

    world: ClassVar[World]
    loop: ClassVar[asyncio.AbstractEventLoop]
    tally: ClassVar[Tally]
    model: Expectations

    def __init__(self) -> None:
        super().__init__()
        self.is_sound = True
        self.is_redis_exact = True
        self.saved: dict[bytes, bytes] = {}
        self.unfinished: list[tuple[str, str, Wish]] = []
        self.delivered: list[tuple[MemoryGateway, GatewayNotice]] = []
        self.told: list[Acknowledged] = []
        self.keys = 0

    async def _open(self, plan: str) -> None:
        self.sale = self.world.sales[list(PLANS).index(plan)]
        await self.world.reset(self.sale)
        self.model = self.world.expectations_of(self.sale)
        self.pools = [pool_id for _, pool_id in self.world.items_of(self.sale)]
        await count_available(self.pools)
        self.saved = await self.world.save_redis()
        self.tally.examples += 1

    async def audit(self) -> None:
        """Every audit holds."""
        admin = self.world.admin
        found = await audit_database(admin) + await audit_acknowledged(admin, self.told)
        if self.is_redis_exact:
            found += await audit_redis(admin, self.world.redis)
        self._demand(found)

    @staticmethod
    def _demand(findings: Sequence[Finding]) -> None:
        broken = {finding.sentence: finding.broken for finding in findings if not finding.holds}
        assert broken == {}, broken

    async def _attempt(self, action: Coroutine[Any, Any, R]) -> R | DomainError:
        """Return what an action returns, or the refusal it ends with."""
        try:
            return await action
        except DomainError as refusal:
            self.model.met.add(refusal.code)
            return refusal

    def _advance(self, seconds: float) -> None:
        self.world.clock.move_to(self.model.now + type(HOLD)(seconds=seconds))
        self.model.now = self.world.clock.now()

    def _command(self, customer: str, key: str, wish: Wish, *, name: str = "Lin") -> PlaceOrder:
        return self.world.order_for(self.sale, customer, key, wish, name)

    def _customer_id(self, customer: str) -> UUID:
        return customer_id_of(self.sale.shop.id, customer)

    def _order_id(self, customer: str, key: str) -> UUID:
        return reservation_id_of(self._customer_id(customer), key)

    @staticmethod
    def _at(which: int, things: list[R]) -> R:
        return things[which % len(things)]
