"""What goes back of an order, and from which payment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headless_presale.campaigns import CancelPolicy, CancelRule
from headless_presale.kernel.errors import DomainError, InvalidInput
from headless_presale.kernel.money import Money
from headless_presale.orders import (
    CancelNotAllowed,
    CancelTerms,
    LineQuantity,
    OrderLineNotFound,
    OrderStatus,
    OrderView,
    RefundNotAllowed,
    RefundTooLarge,
    RefundWish,
    merchant_cancel_rule,
    plan_refund,
    refundable,
    split_cancellation,
)
from headless_presale.payments import HeldPayment, PaymentLeg
from tests.unit.notifications.samples import line
from tests.unit.notifications.samples import order as sample_order

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOX, OWL = UUID(int=21), UUID(int=22)


def held(
    number: int, leg: PaymentLeg, captured: int, refunded: int = 0, *, gateway: str = "sandbox"
) -> HeldPayment:
    """Return a payment captured so many hours after noon."""
    return HeldPayment(
        payment_id=UUID(int=number),
        leg=leg,
        gateway=gateway,
        captured=Money(captured, "CNY"),
        refunded=Money(refunded, "CNY"),
        captured_at=NOON + timedelta(hours=number),
    )


DEPOSIT = held(1, PaymentLeg.DEPOSIT, 2_000)
BALANCE = held(2, PaymentLeg.BALANCE, 8_000, gateway="other")


def order(status: OrderStatus = OrderStatus.PAID) -> OrderView:
    """Return an order over 100.00: two foxes at 30.00 and an owl at 40.00; the deposit is 20.00."""
    lines = (
        replace(line((1, 2), unit_minor=3_000), id=FOX),
        replace(line((3,), unit_minor=4_000), id=OWL),
    )
    return sample_order(lines=lines, total_minor=10_000, deposit_minor=2_000, status=status)


def parts(payments: list[HeldPayment], minor: int) -> list[tuple[str, str, int, int]]:
    plan = plan_refund(order(), payments, RefundWish(minor))
    return [
        (p.payment.leg, p.payment.gateway, p.amount.amount_minor, p.left.amount_minor)
        for p in plan.parts
    ]


class TestWhichPaymentGivesBack:
    def test_the_latest_first_and_the_deposit_last(self) -> None:
        assert parts([DEPOSIT, BALANCE], 500) == [("BALANCE", "other", 500, 7_500)]
        assert parts([DEPOSIT, BALANCE], 8_000) == [("BALANCE", "other", 8_000, 0)]
        assert parts([DEPOSIT, BALANCE], 9_000) == [
            ("BALANCE", "other", 8_000, 0),
            ("DEPOSIT", "sandbox", 9_000 - 8_000, 2_000 - 1_000),
        ]

    def test_what_went_back_already_does_not_go_back_again(self) -> None:
        payments = [DEPOSIT, held(2, PaymentLeg.BALANCE, 8_000, refunded=7_900)]

        assert parts(payments, 1_000) == [
            ("BALANCE", "sandbox", 100, 0),
            ("DEPOSIT", "sandbox", 900, 1_100),
        ]

    def test_never_more_than_is_held(self) -> None:
        payments = [held(1, PaymentLeg.DEPOSIT, 2_000, refunded=500), BALANCE]
        assert refundable(order(), payments) == Money(1_500 + 8_000, "CNY")

        with pytest.raises(RefundTooLarge) as refused:
            plan_refund(order(), payments, RefundWish(9_501))

        assert refused.value.params["money"] == Money(9_500, "CNY")
        assert refused.value.field == ("amountMinor",)

    @given(
        st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 10_000)), min_size=1, max_size=4),
        st.integers(1, 50_000),
    )
    def test_the_parts_add_up_and_no_payment_gives_more_than_it_holds(
        self, paid: list[tuple[int, int]], minor: int
    ) -> None:
        payments = [
            held(number, PaymentLeg.BALANCE, captured, min(captured, refunded))
            for number, (captured, refunded) in enumerate(paid)
        ]
        most = sum(payment.held.amount_minor for payment in payments)
        try:
            plan = plan_refund(order(), payments, RefundWish(minor))
        except RefundTooLarge:
            assert minor > most
            return
        assert sum(part.amount.amount_minor for part in plan.parts) == minor
        assert plan.left.amount_minor == most - minor
        assert all(0 < p.amount.amount_minor <= p.payment.held.amount_minor for p in plan.parts)


class TestLines:
    def test_paid_in_full_a_unit_gives_its_price(self) -> None:
        wish = RefundWish(lines=[LineQuantity(FOX, 1), LineQuantity(OWL, 1)])

        assert plan_refund(order(), [DEPOSIT, BALANCE], wish).amount == Money(7_000, "CNY")

    def test_paid_in_part_a_unit_gives_its_share_rounded_down(self) -> None:
        # 20.00 of 100.00 are paid: a fifth of 30.00
        status = OrderStatus.DEPOSIT_PAID
        wish = RefundWish(lines=[LineQuantity(FOX, 1)])
        assert plan_refund(order(status), [DEPOSIT], wish).amount == Money(600, "CNY")
        # 3000 * 3333 / 10000 = 999.9
        odd = held(1, PaymentLeg.DEPOSIT, 3_333)
        assert plan_refund(order(status), [odd], wish).amount == Money(999, "CNY")

    def test_all_lines_are_all_that_was_paid(self) -> None:
        wish = RefundWish(lines=[LineQuantity(FOX, 2), LineQuantity(OWL, 1)])

        assert plan_refund(order(), [DEPOSIT, BALANCE], wish).left == Money(0, "CNY")

    @pytest.mark.parametrize(
        ("lines", "error", "field"),
        [
            ([LineQuantity(UUID(int=9), 1)], OrderLineNotFound, ("lines", "0", "lineId")),
            (
                [LineQuantity(OWL, 1), LineQuantity(OWL, 1)],
                InvalidInput,
                ("lines", "1", "lineId"),
            ),
            ([LineQuantity(FOX, 3)], InvalidInput, ("lines", "0", "quantity")),
            ([LineQuantity(FOX, 0)], InvalidInput, ("lines", "0", "quantity")),
            ([], InvalidInput, ("lines",)),
        ],
    )
    def test_what_the_order_does_not_have_is_refused(
        self, lines: list[LineQuantity], error: type[DomainError], field: tuple[str, ...]
    ) -> None:
        with pytest.raises(error) as refused:
            plan_refund(order(), [DEPOSIT, BALANCE], RefundWish(lines=lines))
        assert refused.value.field == field


@pytest.mark.parametrize(
    "wish",
    [RefundWish(), RefundWish(1, [LineQuantity(FOX, 1)]), RefundWish(0), RefundWish(-5)],
)
def test_a_wish_is_one_thing_and_more_than_nothing(wish: RefundWish) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_refund(order(), [DEPOSIT, BALANCE], wish)
    assert refused.value.field == ("amountMinor",)


@pytest.mark.parametrize("status", OrderStatus)
def test_only_what_is_open_and_paid_is_given_back(status: OrderStatus) -> None:
    is_claiming = status in {"DEPOSIT_PAID", "AWAITING_BALANCE", "PAID"}
    assert refundable(order(status), [DEPOSIT]) == Money(2_000 if is_claiming else 0, "CNY")
    if is_claiming:
        assert plan_refund(order(status), [DEPOSIT], RefundWish(1)).amount == Money(1, "CNY")
        return
    with pytest.raises(RefundNotAllowed):
        plan_refund(order(status), [DEPOSIT], RefundWish(1))


class TestCancelling:
    def test_the_share_is_of_what_is_still_held(self) -> None:
        payments = [held(1, PaymentLeg.DEPOSIT, 2_000, refunded=1_000), BALANCE]

        plan = split_cancellation(CancelRule(True, 5_000, 10_000), payments, currency="CNY")

        assert [(p.refund.amount_minor, p.kept.amount_minor) for p in plan.parts] == [
            (500, 500),
            (8_000, 0),
        ]
        assert (plan.refund, plan.kept) == (Money(8_500, "CNY"), Money(500, "CNY"))
        assert plan.refunded_before == Money(1_000, "CNY")

    @given(st.integers(1, 10_000), st.integers(0, 10_000), st.integers(0, 10_000), st.data())
    def test_all_that_is_held_is_refunded_or_kept(
        self, captured: int, deposit_bps: int, balance_bps: int, data: Any
    ) -> None:
        payment = held(1, PaymentLeg.FULL, captured, data.draw(st.integers(0, captured)))
        rule = CancelRule(True, deposit_bps, balance_bps)

        plan = split_cancellation(rule, [payment], currency="CNY")

        assert plan.refund + plan.kept == payment.held
        assert min(plan.refund.amount_minor, plan.kept.amount_minor) >= 0

    def test_a_merchant_may_give_all_back_where_the_policy_lets_nobody_go(self) -> None:
        policy = CancelPolicy(paid=CancelRule(False))

        full = merchant_cancel_rule(policy, OrderStatus.PAID, CancelTerms.FULL_REFUND)
        assert (full.refund_deposit_bps, full.refund_balance_bps) == (10_000, 10_000)
        with pytest.raises(CancelNotAllowed):
            merchant_cancel_rule(policy, OrderStatus.PAID, CancelTerms.POLICY)

    @pytest.mark.parametrize("terms", CancelTerms)
    @pytest.mark.parametrize(
        "status", [OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.FORFEITED]
    )
    def test_what_is_over_is_not_cancelled(self, status: OrderStatus, terms: CancelTerms) -> None:
        with pytest.raises(CancelNotAllowed):
            merchant_cancel_rule(CancelPolicy(), status, terms)
