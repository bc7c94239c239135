"""Which leg is due, what a cancellation gives back, and the life of an order as data."""

from datetime import UTC, datetime, timedelta

import pytest

from headless_presale.campaigns import CancelPolicy, CancelRule
from headless_presale.kernel.errors import TransitionNotAllowed
from headless_presale.kernel.money import BPS, Money
from headless_presale.orders import (
    CLAIMING,
    HOLDING,
    ORDER_LIFECYCLE,
    RELEASED,
    OrderStatus,
    StartPayment,
    cancel_rule,
    leg_due,
)
from headless_presale.orders.rules import due_after_reminder, is_balance_in_time, refund_of
from headless_presale.payments import PaymentLeg

S = OrderStatus
DUE = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


def test_the_leg_that_is_due() -> None:
    assert {status: leg_due(status) for status in S if leg_due(status)} == {
        S.AWAITING_PAYMENT: PaymentLeg.FULL,
        S.AWAITING_DEPOSIT: PaymentLeg.DEPOSIT,
        S.AWAITING_BALANCE: PaymentLeg.BALANCE,
    }


def test_the_rule_of_each_stage() -> None:
    deposit_paid, awaiting, paid = (CancelRule(True, bps, bps) for bps in (1, 2, 3))
    policy = CancelPolicy(deposit_paid=deposit_paid, awaiting_balance=awaiting, paid=paid)

    assert {status: cancel_rule(policy, status) for status in S} == {
        S.AWAITING_PAYMENT: CancelRule(True),
        S.AWAITING_DEPOSIT: CancelRule(True),
        S.DEPOSIT_PAID: deposit_paid,
        S.AWAITING_BALANCE: awaiting,
        S.PAID: paid,
        S.EXPIRED: None,
        S.FORFEITED: None,
        S.CANCELLED: None,
    }


@pytest.mark.parametrize(
    ("leg", "minor", "back"),
    [
        # 30 % of a deposit, 70 % of anything else, rounded down to a whole minor unit
        (PaymentLeg.DEPOSIT, 10_000, 3_000),
        (PaymentLeg.DEPOSIT, 333, 99),  # 99.9
        (PaymentLeg.DEPOSIT, 1, 0),  # 0.3
        (PaymentLeg.BALANCE, 10_000, 7_000),
        (PaymentLeg.BALANCE, 333, 233),  # 233.1
        (PaymentLeg.FULL, 333, 233),
    ],
)
def test_what_goes_back(leg: PaymentLeg, minor: int, back: int) -> None:
    rule = CancelRule(True, refund_deposit_bps=3_000, refund_balance_bps=7_000)

    assert refund_of(rule, leg, Money(minor, "CNY")) == Money(back, "CNY")


@pytest.mark.parametrize("leg", PaymentLeg)
@pytest.mark.parametrize("minor", [1, 99, 100, 2**53 - 1])
@pytest.mark.parametrize("bps", [0, 1, 5_000, 9_999, BPS])
def test_never_more_than_was_paid_and_all_of_it_at_all(
    leg: PaymentLeg, minor: int, bps: int
) -> None:
    back = refund_of(CancelRule(True, bps, bps), leg, Money(minor, "JPY")).amount_minor

    assert 0 <= back <= minor
    assert (back == minor) == (bps == BPS)


@pytest.mark.parametrize(
    ("planned", "before_due", "moved_by"),
    [
        # planned a day before the end: the notice is 12 hours
        (24 * HOUR, 24 * HOUR, timedelta(0)),
        (24 * HOUR, 24 * HOUR - timedelta(seconds=5), timedelta(0)),
        (24 * HOUR, 12 * HOUR, timedelta(0)),
        (24 * HOUR, 12 * HOUR - MOMENT, MOMENT),
        (24 * HOUR, timedelta(0), 12 * HOUR),
        (24 * HOUR, -100 * HOUR, 112 * HOUR),
        # never more than 24 hours: half of a week would be 84
        (48 * HOUR, 23 * HOUR, 1 * HOUR),
        (168 * HOUR, 24 * HOUR, timedelta(0)),
        (168 * HOUR, 23 * HOUR, 1 * HOUR),
        (168 * HOUR, -1 * HOUR, 25 * HOUR),
        # planned for the end itself, or behind it: no notice was promised
        (timedelta(0), timedelta(0), timedelta(0)),
        (timedelta(0), -5 * HOUR, timedelta(0)),
        (-2 * HOUR, -5 * HOUR, timedelta(0)),
    ],
)
def test_a_late_reminder_moves_the_end_only_as_far_as_the_notice_needs(
    planned: timedelta, before_due: timedelta, moved_by: timedelta
) -> None:
    moved = due_after_reminder(due_at=DUE, remind_at=DUE - planned, reminded_at=DUE - before_due)

    assert moved - DUE == moved_by


@pytest.mark.parametrize(
    ("due_at", "reminded_at", "at", "is_in_time"),
    [
        (DUE, DUE - HOUR, DUE - MOMENT, True),
        (DUE, DUE - HOUR, DUE, False),
        (DUE, DUE, DUE, False),
        # the window is open until the reminder is out
        (DUE, None, DUE, True),
        (DUE, None, DUE + 1000 * HOUR, True),
        (None, None, DUE, True),
    ],
)
def test_a_balance_is_in_time_until_the_end_that_the_buyer_was_reminded_of(
    due_at: datetime | None, reminded_at: datetime | None, at: datetime, is_in_time: bool
) -> None:
    assert is_balance_in_time(due_at=due_at, reminded_at=reminded_at, at=at) is is_in_time


def test_the_states_with_slots_and_those_without_are_all_states() -> None:
    assert set(S) == HOLDING | CLAIMING | RELEASED
    assert not HOLDING & CLAIMING
    assert not CLAIMING & RELEASED
    assert not HOLDING & RELEASED


def test_what_is_over_stays_over_except_for_late_money() -> None:
    assert ORDER_LIFECYCLE.final() == {S.FORFEITED, S.CANCELLED}
    assert {t for t in S if ORDER_LIFECYCLE.allows(S.EXPIRED, t)} == {S.DEPOSIT_PAID, S.PAID}
    with pytest.raises(TransitionNotAllowed):
        ORDER_LIFECYCLE.check(S.CANCELLED, S.PAID)


def test_a_balance_is_never_skipped_nor_missed_before_it_is_due() -> None:
    assert ORDER_LIFECYCLE.sources_of(S.FORFEITED) == [S.AWAITING_BALANCE]
    assert not ORDER_LIFECYCLE.allows(S.DEPOSIT_PAID, S.PAID)


def test_a_retry_is_told_from_another_request() -> None:
    def hash_of(**changes: object) -> str:
        wish = {"leg": PaymentLeg.FULL, "gateway": "sandbox", "return_url": None, **changes}
        return StartPayment(order_id=None, idempotency_key="key", **wish).request_hash()  # type: ignore[arg-type]

    assert hash_of() == hash_of()
    assert (
        len(
            {
                hash_of(),
                hash_of(leg=PaymentLeg.BALANCE),
                hash_of(gateway="other"),
                hash_of(return_url=""),
            }
        )
        == 4
    )
