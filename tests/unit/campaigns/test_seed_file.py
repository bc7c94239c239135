"""Seed files: amounts exact, moments with an offset, and every mistake with its path."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from headless_presale.campaigns import (
    CampaignFileUnreadable,
    CancelRule,
    MissedBalance,
    PlanKind,
    read_campaign_file,
)
from headless_presale.kernel.money import Money

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "campaign.yaml"

SMALLEST = """
handle: fox
title: Fox
opens_at: 2026-03-01T10:00:00+08:00
closes_at: 2026-03-08T10:00:00+08:00
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return where a test writes its file."""
    return tmp_path / "campaign.yaml"


def test_a_small_file_gets_the_defaults(written: Path) -> None:
    written.write_text(SMALLEST)

    draft = read_campaign_file(written)

    assert draft.opens_at == datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    assert (draft.payment_plan.kind, draft.hold_seconds, draft.items, draft.terms) == (
        PlanKind.FULL,
        900,
        (),
        None,
    )
    policy = draft.cancel_policy.policy()
    assert policy.deposit_paid == CancelRule(True, 10_000, 10_000)


def test_a_deposit_is_twenty_percent_unless_it_says_otherwise(written: Path) -> None:
    plans = {
        "{kind: DEPOSIT}": (2_000, None),
        "{kind: DEPOSIT, deposit_bps: 1500}": (1_500, None),
        "{kind: DEPOSIT, deposit_per_unit: 19.99}": (None, 1_999),
        "{kind: FULL}": (None, None),
    }
    for text, expected in plans.items():
        written.write_text(f"{SMALLEST}payment_plan: {text}\n")
        plan = read_campaign_file(written).payment_plan.plan("CNY")
        assert (plan.deposit_bps, plan.deposit_per_unit_minor) == expected


@pytest.mark.parametrize(
    ("written_as", "minor"),
    [("42.99", 4_299), ('"42.99"', 4_299), ("42", 4_200), ("0.1", 10), ("1e3", 100_000),
     ("1234567890.12", 123_456_789_012)],
)  # fmt: skip
def test_an_amount_is_what_was_written(written: Path, written_as: str, minor: int) -> None:
    written.write_text(f"{SMALLEST}items: [{{variant: {{sku: A}}, price: {written_as}}}]\n")

    price = read_campaign_file(written).items[0].price

    assert isinstance(price, Decimal)
    assert Money.from_decimal(price, "CNY").amount_minor == minor


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        ("colour: red", "colour: Extra inputs are not permitted"),
        ("opens_at: 2026-03-01T10:00:00", "opens_at: "),
        ("opens_at: soon", "opens_at: "),
        ("handle: Fox 1", "handle: "),
        ("title: ''", "title: "),
        ("title: [a]", "title: "),
        ('title: "a\\0b"', "title: "),
        ("hold_seconds: 0", "hold_seconds: "),
        ("hold_seconds: 604801", "hold_seconds: "),
        ("payment_plan: {kind: LATER}", "payment_plan.kind: "),
        ("payment_plan: {reminder: -P1D}", "payment_plan.reminder: "),
        ("payment_plan: {deposit_per_unit: -1}", "payment_plan.deposit_per_unit: "),
        ("cancel_policy: {paid: {refund_deposit_bps: 10001}}",
         "cancel_policy.paid.refund_deposit_bps: "),
        ("items: [{variant: {}}]", "items.0.variant: "),
        ("items: [{variant: {sku: A, product: b}}]", "items.0.variant: "),
        ("items: [{variant: {sku: A}, price: -1}]", "items.0.price: "),
        ("items: [{variant: {sku: A}, price: .nan}]", "items.0.price: "),
        ("items: [{variant: {sku: A}, batches: [{capacity: 0, ships_by: 2026-06-30}]}]",
         "items.0.batches.0.capacity: "),
        ("items: [{variant: {sku: A}, batches: [{capacity: 1}]}]",
         "items.0.batches.0.ships_by: Field required"),
        ("items: [{variant: {sku: A}, time_tiers: [{name: a, lasts: P1D, price_bps: 1.5}]}]",
         "items.0.time_tiers.0.price_bps: "),
        ("items: [{variant: {sku: A}, time_tiers: [{name: a, lasts: P999999D, price_bps: 1}]}]",
         "items.0.time_tiers.0.lasts: "),
        ("items: [{variant: {sku: A}, limit_per_customer: 99999999999}]",
         "items.0.limit_per_customer: "),
        ('terms: {refund_policy: {en: "\\0"}}', "terms.refund_policy: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_path(written: Path, lines: str, path: str) -> None:
    written.write_text(f"{SMALLEST}{lines}\n")

    with pytest.raises(CampaignFileUnreadable) as refused:
        read_campaign_file(written)

    assert len(str(refused.value).splitlines()) == 1
    assert str(refused.value).startswith(path)


def test_every_mistake_is_told_at_once(written: Path) -> None:
    written.write_text("handle: X\ncolour: red\nitems: [{price: -1}]\n")

    with pytest.raises(CampaignFileUnreadable) as refused:
        read_campaign_file(written)

    paths = [line.partition(":")[0] for line in str(refused.value).splitlines()]
    assert paths == [
        "handle",
        "title",
        "opens_at",
        "closes_at",
        "items.0.variant",
        "items.0.price",
        "colour",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"handle: [", "is not YAML"),
        (b"\xff\xfe\xfa", "is not YAML"),
        # YAML reads this as a date, and there is none.
        (b"opens_at: 2027-02-30", "is not YAML"),
        (b"- a\n- b\n", "holds no mapping"),
        (b"", "holds no mapping"),
        (b"[" * 5_000, "is not YAML"),
        (b"!!python/object/apply:os.system [id]", "is not YAML"),
    ],
)
def test_what_is_no_campaign_at_all_is_told(written: Path, content: bytes, reason: str) -> None:
    written.write_bytes(content)

    with pytest.raises(CampaignFileUnreadable, match=reason):
        read_campaign_file(written)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CampaignFileUnreadable, match="No such file"):
        read_campaign_file(tmp_path / "nowhere.yaml")


def test_the_example_reads_as_it_is_explained() -> None:
    draft = read_campaign_file(EXAMPLE)

    assert draft.closes_at - draft.opens_at == timedelta(days=7)
    plan = draft.payment_plan.plan("CNY")
    assert (plan.kind, plan.deposit_bps, plan.reminder, plan.missed_balance) == (
        PlanKind.DEPOSIT,
        2_000,
        timedelta(days=2),
        MissedBalance.FORFEIT,
    )
    jacket, top = draft.items
    assert [(t.lasts.days, t.price_bps) for t in jacket.time_tiers] == [
        (3, 9_000),
        (2, 10_000),
        (2, 11_000),
    ]
    assert top.time_tiers == jacket.time_tiers
    assert jacket.quantity_tiers[0].price_bps is None
    assert [(b.capacity, b.ships_by) for b in jacket.batches] == [
        (300, date(2027, 3, 31)),
        (200, date(2027, 4, 30)),
    ]
    assert (str(jacket.variant), str(top.variant)) == (
        "classic-leather-jacket",
        "classic-varsity-top / Medium",
    )


def test_a_campaign_moves_with_all_of_its_dates() -> None:
    draft = read_campaign_file(EXAMPLE)
    by = timedelta(days=100, hours=3)

    moved = draft.moved_to(draft.opens_at + by)

    assert moved.opens_at - draft.opens_at == by
    assert moved.closes_at - moved.opens_at == draft.closes_at - draft.opens_at
    plan, before = moved.payment_plan, draft.payment_plan
    assert plan.balance_opens_at == (before.balance_opens_at or draft.opens_at) + by
    assert plan.balance_due_at == (before.balance_due_at or draft.opens_at) + by
    assert [batch.ships_by for item in moved.items for batch in item.batches] == [
        batch.ships_by + timedelta(days=100) for item in draft.items for batch in item.batches
    ]
    assert moved.terms is not None
    assert moved.terms.ships_by == date(2027, 4, 30) + timedelta(days=100)
    assert moved.model_dump(include={"handle", "title", "story"}) == draft.model_dump(
        include={"handle", "title", "story"}
    )
