"""What a merchant does to an order: write about it, give money back, call it off.

Each names the shops it may touch: an order of any other does not exist for it. Each is done once
per idempotency key; what changes money carries the version that was read, and is decided under the
order's lock, on what is held at that moment.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from headless_presale.campaigns import CancelPolicy
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import EventRecord, acting
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.idempotency import check_key, hash_request
from headless_presale.kernel.ids import reservation_id_of
from headless_presale.kernel.texts import check_text
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.versions import check_version
from headless_presale.orders.errors import CancelNotAllowed
from headless_presale.orders.events import OrderCancelled, OrderRefunded
from headless_presale.orders.models import MerchantRefund, Order, OrderNote
from headless_presale.orders.refund_rules import (
    CancelTerms,
    RefundPlan,
    RefundWish,
    merchant_cancel_rule,
    plan_refund,
)
from headless_presale.orders.service import Cancellation, call_off, lock_order
from headless_presale.orders.states import OrderStatus
from headless_presale.orders.view import read_order
from headless_presale.payments import (
    IdempotencyMismatch,
    list_held,
    request_refund,
)

LONGEST_REASON = 200
LONGEST_NOTE = 2_000
MOST_NOTES = 500
MOST_REFUNDS = 100
"""So many an order takes; what lists them needs no pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantCommand:
    """Base: an order of one of these shops, and what makes a repetition known.

    ``idempotency_key`` has 1 to 200 characters.
    """

    shop_ids: Collection[UUID]
    order_id: UUID
    idempotency_key: str

    def own_id(self, kind: str) -> UUID:
        """Return the id of what this command makes: a repetition gets the same one."""
        return reservation_id_of(self.order_id, f"{kind}:{self.idempotency_key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote(MerchantCommand):
    """A text of 1 to 2,000 characters for the rest of the staff."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder(MerchantCommand):
    """Money to give back, why (the buyer is told), and the version of the order that was read."""

    wish: RefundWish
    reason: str
    version: int

    def request_hash(self) -> str:
        """Return what tells a retry from another request under the same key."""
        lines = None
        if self.wish.lines is not None:
            lines = [[str(line.line_id), line.quantity] for line in self.wish.lines]
        return hash_request([self.wish.amount_minor, lines, self.reason])


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(MerchantCommand):
    """An order to call off, why (the buyer is told), and the version that was read."""

    terms: CancelTerms
    reason: str
    version: int

    def request_hash(self) -> str:
        """Return what tells a retry from another request under the same key."""
        return hash_request([self.terms, self.reason])


@shielded
async def add_note(command: AddNote) -> OrderNote:
    """Write something down about an order.

    Raises:
        OrderNotFound: none of these shops has it.
        InvalidInput: a text that is empty or too long, or one note too many.
        IdempotencyMismatch: the key was used for another text.
    """
    check_key(command.idempotency_key)
    check_text(command.text, ("text",), longest=LONGEST_NOTE)
    async with unit_of_work() as work:
        order = await lock_order(command.order_id, shop_ids=command.shop_ids)
        written = await OrderNote.get_or_none(id=command.own_id("note"))
        if written is not None:
            if written.text != command.text:
                raise IdempotencyMismatch(field=("idempotencyKey",))
            return written
        if await OrderNote.filter(order_id=order.id).count() >= MOST_NOTES:
            raise InvalidInput(
                reason="an order has at most {most} notes", most=MOST_NOTES, field=("text",)
            )
        note = await OrderNote.create(
            id=command.own_id("note"),
            shop_id=order.shop_id,
            order_id=order.id,
            text=command.text,
            author=str(acting()),
            author_label=acting().label,
            at=clock.now(),
        )
        reach("orders.note_written")
        await _record(work, order, "order.note_add", after={"note_id": note.id})
    return note


@shielded
async def refund_order(command: RefundOrder) -> MerchantRefund:
    """Give money back; the order stays where it is and keeps its slots.

    The money is owed from the commit on: jobs ask the gateways for it until they confirm.

    Raises:
        OrderNotFound: none of these shops has it.
        InvalidInput, OrderLineNotFound, RefundNotAllowed, RefundTooLarge: see ``plan_refund``.
        VersionConflict: the order has changed since it was read.
        IdempotencyMismatch: the key was used for another refund.
    """
    check_key(command.idempotency_key)
    check_text(command.reason, ("reason",), longest=LONGEST_REASON)
    async with unit_of_work() as work:
        order = await lock_order(command.order_id, shop_ids=command.shop_ids)
        decided = await MerchantRefund.get_or_none(id=command.own_id("refund"))
        if decided is not None:
            if decided.request_hash != command.request_hash():
                raise IdempotencyMismatch(field=("idempotencyKey",))
            return decided
        held = await list_held(order.id)
        before_minor = sum(payment.refunded.amount_minor for payment in held)
        wished_minor = command.wish.amount_minor
        check_version(
            expected=command.version,
            current=order.version,
            yours={"refundedMinor": None if wished_minor is None else before_minor + wished_minor},
            stored={"refundedMinor": before_minor},
        )
        if await MerchantRefund.filter(order_id=order.id).count() >= MOST_REFUNDS:
            raise InvalidInput(reason="an order has at most {most} refunds", most=MOST_REFUNDS)
        view = await read_order(work, order.id)
        assert view is not None
        plan = plan_refund(view, held, command.wish)
        decided = await _decide(work, order, command, plan)
        await _record(
            work,
            order,
            "order.refund",
            before={"refunded_minor": before_minor},
            after={
                "refunded_minor": before_minor + plan.amount.amount_minor,
                "reason": command.reason,
            },
        )
    return decided


async def _decide(
    work: UnitOfWork, order: Order, command: RefundOrder, plan: RefundPlan
) -> MerchantRefund:
    decided = await MerchantRefund.create(
        id=command.own_id("refund"),
        shop_id=order.shop_id,
        order_id=order.id,
        request_hash=command.request_hash(),
        amount_minor=plan.amount.amount_minor,
        currency=plan.amount.currency,
        reason=command.reason,
        author=str(acting()),
        author_label=acting().label,
        created_at=clock.now(),
    )
    reach("orders.refund_decided")
    work.emit(
        OrderRefunded(
            order_id=order.id,
            campaign_id=order.campaign_id,
            merchant_refund_id=decided.id,
            amount_minor=decided.amount_minor,
            currency=decided.currency,
            reason=decided.reason,
        )
    )
    for part in plan.parts:
        payment_id = part.payment.payment_id
        refund = await request_refund(work, payment_id, part.amount, reason=decided.cause)
        if refund is None or refund.amount_minor != part.amount.amount_minor:
            # The order's lock lets nobody come between the plan and this.
            raise RuntimeError(f"payment {payment_id} gives back less than planned")
    order.version += 1
    order.updated_at = clock.now()
    await order.save(update_fields=["version", "updated_at"])
    reach("orders.version_raised")
    return decided


@shielded
async def cancel_order_by_merchant(command: CancelOrder) -> Order:
    """Call an order off: its slots go back, and what the terms say of its money.

    Raises:
        OrderNotFound: none of these shops has it.
        VersionConflict: the order has changed since it was read.
        CancelNotAllowed: it is over, or its policy does not let it go at this stage.
        IdempotencyMismatch: the key was used for another cancellation.
    """
    check_key(command.idempotency_key)
    check_text(command.reason, ("reason",), longest=LONGEST_REASON)
    async with unit_of_work() as work:
        order = await lock_order(command.order_id, shop_ids=command.shop_ids)
        if await _is_done(order, command):
            return order
        source = order.status
        check_version(
            expected=command.version,
            current=order.version,
            yours={"status": str(OrderStatus.CANCELLED)},
            stored={"status": str(order.status)},
        )
        policy = CancelPolicy.from_json(order.cancel_policy)
        rule = merchant_cancel_rule(policy, order.status, command.terms)
        plan = await call_off(
            order,
            rule,
            reason=command.reason,
            by=Cancellation(command.own_id("cancel"), command.request_hash()),
        )
        await _record(
            work,
            order,
            "order.cancel",
            before={"status": source},
            after={
                "status": order.status,
                "reason": command.reason,
                "terms": command.terms,
                "refund_minor": plan.refund.amount_minor,
                "kept_minor": plan.kept.amount_minor,
            },
        )
    return order


async def _is_done(order: Order, command: CancelOrder) -> bool:
    """Tell whether this very command has cancelled the order; its event remembers."""
    if order.status is not OrderStatus.CANCELLED:
        return False
    ended = (
        await EventRecord.filter(topic=f"order:{order.id}", type=OrderCancelled.type)
        .order_by("-id")
        .first()
    )
    if ended is None or ended.payload.get("cancellation_id") != str(command.own_id("cancel")):
        raise CancelNotAllowed(status=str(order.status))
    if ended.payload["request_hash"] != command.request_hash():
        raise IdempotencyMismatch(field=("idempotencyKey",))
    return True


async def _record(
    work: UnitOfWork,
    order: Order,
    action: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object],
) -> None:
    await record_change(
        work,
        action=action,
        owner_id=order.shop_id,
        subject_type="Order",
        subject_id=order.id,
        subject_label=order.number,
        before=before,
        after=after,
    )
