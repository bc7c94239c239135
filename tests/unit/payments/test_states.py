"""The lives of payments and refunds as data, and the names of attempts at a refund."""

from uuid import UUID

import pytest

from headless_presale.payments import (
    PAYMENT_LIFECYCLE,
    REFUND_LIFECYCLE,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from headless_presale.payments.refunds import _read_reference, reference_of

REFUND_ID = UUID("01a20083-fe74-7108-a0fd-8866b88e46e3")


def test_money_that_came_is_never_forgotten() -> None:
    assert PAYMENT_LIFECYCLE.final() == {PaymentStatus.CAPTURED, PaymentStatus.MISMATCHED}
    assert PAYMENT_LIFECYCLE.allows(PaymentStatus.CANCELLED, PaymentStatus.CAPTURED)
    assert not PAYMENT_LIFECYCLE.allows(PaymentStatus.CANCELLED, PaymentStatus.PENDING)


def test_a_refund_ends_only_when_it_is_paid() -> None:
    assert REFUND_LIFECYCLE.final() == {RefundStatus.SUCCEEDED}
    assert REFUND_LIFECYCLE.sources_of(RefundStatus.REQUESTED) == [RefundStatus.FAILED]


def test_each_attempt_has_a_name_of_its_own_that_can_be_read_back() -> None:
    names = [reference_of(Refund(id=REFUND_ID, attempts=n)) for n in (0, 1, 12)]

    assert names[1] == "01a20083-fe74-7108-a0fd-8866b88e46e3-1"
    assert [_read_reference(name) for name in names] == [
        (REFUND_ID, 0),
        (REFUND_ID, 1),
        (REFUND_ID, 12),
    ]


@pytest.mark.parametrize(
    "reference", ["", "by hand", "-1", f"{REFUND_ID}-", f"{REFUND_ID}-x", str(REFUND_ID)]
)
def test_any_other_reference_is_not_ours(reference: str) -> None:
    assert _read_reference(reference) is None
