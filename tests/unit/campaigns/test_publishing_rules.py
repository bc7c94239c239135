"""What must hold before a campaign is published: every fault, by its code and place."""

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from headless_presale.campaigns import (
    CancelPolicy,
    CancelRule,
    PaymentPlan,
    PlanKind,
    judging,
)
from headless_presale.campaigns.judging import (
    BatchPlan,
    CampaignPlan,
    ItemPlan,
    TermsPlan,
    find_faults,
    find_warnings,
)
from headless_presale.campaigns.rules import (
    MAX_CAPACITY,
    tiers_from_json,
    tiers_to_json,
)
from headless_presale.kernel.money import Money
from headless_presale.pricing import PriceTiers, QuantityTier, TimeTier
from headless_presale.shops import ShopPolicies

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OPENS = NOW + timedelta(days=1)
CLOSES = OPENS + timedelta(days=7)
DEPOSIT = PaymentPlan(
    kind=PlanKind.DEPOSIT,
    deposit_bps=2_000,
    balance_opens_at=CLOSES,
    balance_due_at=CLOSES + timedelta(days=7),
)
ITEM = ItemPlan(
    price_minor=10_000,
    tiers=PriceTiers(),
    batches=(BatchPlan(capacity=10, ships_by=date(2026, 3, 20)),),
    limit_per_customer=None,
)
TERMS = TermsPlan(
    ships_by=date(2026, 3, 31),
    refund_policy={"en": "All of it."},
    cancel_conditions={"en": "Any time."},
)
SOUND = CampaignPlan(
    opens_at=OPENS, closes_at=CLOSES, payment_plan=DEPOSIT, items=(ITEM,), terms=TERMS
)

Change = Callable[[CampaignPlan], CampaignPlan]


def _plan(**changes: Any) -> Change:
    return lambda plan: replace(plan, payment_plan=replace(plan.payment_plan, **changes))


def _item(**changes: Any) -> Change:
    return lambda plan: replace(plan, items=(replace(ITEM, **changes),))


def _terms(**changes: Any) -> Change:
    return lambda plan: replace(plan, terms=replace(TERMS, **changes))


def _campaign(**changes: Any) -> Change:
    return lambda plan: replace(plan, **changes)


def _time(*tiers: tuple[timedelta, int]) -> PriceTiers:
    return PriceTiers(
        time=tuple(
            TimeTier(name=f"tier {n}", duration=duration, price_bps=bps)
            for n, (duration, bps) in enumerate(tiers)
        )
    )


def _quantity(*tiers: tuple[int, int | None]) -> PriceTiers:
    return PriceTiers(
        quantity=tuple(
            QuantityTier(name=f"tier {n}", up_to=up_to, price_bps=bps)
            for n, (up_to, bps) in enumerate(tiers)
        )
    )


DAY = timedelta(days=1)
FAULTS: list[tuple[str, str, Change]] = [
    ("WINDOW_EMPTY", "closesAt", _campaign(closes_at=OPENS)),
    ("WINDOW_PAST", "closesAt", _campaign(opens_at=NOW - 8 * DAY, closes_at=NOW)),
    (
        "DEPOSIT_AMBIGUOUS",
        "paymentPlan.deposit",
        _plan(deposit_bps=2_000, deposit_per_unit_minor=100),
    ),
    ("DEPOSIT_AMBIGUOUS", "paymentPlan.deposit", _plan(deposit_bps=None)),
    ("DEPOSIT_OUT_OF_RANGE", "paymentPlan.depositBps", _plan(deposit_bps=0)),
    ("DEPOSIT_OUT_OF_RANGE", "paymentPlan.depositBps", _plan(deposit_bps=10_000)),
    (
        "DEPOSIT_OUT_OF_RANGE",
        "paymentPlan.depositPerUnit",
        _plan(deposit_bps=None, deposit_per_unit_minor=0),
    ),
    (
        "DEPOSIT_OUT_OF_RANGE",
        "paymentPlan.depositPerUnit",
        _plan(deposit_bps=None, deposit_per_unit_minor=10_000),
    ),
    # One minor unit at 20 % is a deposit of one, and nothing is left for the balance.
    ("DEPOSIT_OUT_OF_RANGE", "paymentPlan.depositBps", _item(price_minor=1)),
    ("BALANCE_WINDOW_MISSING", "paymentPlan.balanceOpensAt", _plan(balance_opens_at=None)),
    ("BALANCE_WINDOW_MISSING", "paymentPlan.balanceOpensAt", _plan(balance_due_at=None)),
    (
        "BALANCE_WINDOW_EARLY",
        "paymentPlan.balanceOpensAt",
        _plan(balance_opens_at=CLOSES - timedelta(seconds=1)),
    ),
    ("BALANCE_WINDOW_EMPTY", "paymentPlan.balanceDueAt", _plan(balance_due_at=CLOSES)),
    ("TERMS_SHIP_DATE_MISSING", "terms.shipsBy", _terms(ships_by=None)),
    ("TERMS_SHIP_DATE_EARLY", "terms.shipsBy", _terms(ships_by=date(2026, 3, 8))),
    ("TERMS_REFUND_POLICY_MISSING", "terms.refundPolicy", _terms(refund_policy={"en": " "})),
    ("TERMS_REFUND_POLICY_MISSING", "terms.refundPolicy", _terms(refund_policy={"zh-CN": "全额"})),
    ("TERMS_CANCEL_CONDITIONS_MISSING", "terms.cancelConditions", _terms(cancel_conditions={})),
    ("ITEMS_MISSING", "items", _campaign(items=())),
    ("PRICE_NOT_POSITIVE", "items.0.price", _item(price_minor=0)),
    ("LIMIT_NOT_POSITIVE", "items.0.limitPerCustomer", _item(limit_per_customer=0)),
    ("BATCHES_MISSING", "items.0.batches", _item(batches=())),
    (
        "CAPACITY_TOO_LARGE",
        "items.0.batches",
        _item(
            batches=(
                BatchPlan(capacity=MAX_CAPACITY, ships_by=date(2026, 3, 20)),
                BatchPlan(capacity=1, ships_by=date(2026, 3, 20)),
            )
        ),
    ),
    (
        "BATCH_EMPTY",
        "items.0.batches.1.capacity",
        _item(batches=(*ITEM.batches, BatchPlan(capacity=0, ships_by=date(2026, 3, 20)))),
    ),
    (
        "BATCH_SHIP_DATE_EARLY",
        "items.0.batches.0.shipsBy",
        _item(batches=(BatchPlan(capacity=1, ships_by=date(2026, 3, 1)),)),
    ),
    ("TIER_PRICE_OUT_OF_RANGE", "items.0.tiers", _item(tiers=_time((DAY, 0)))),
    ("TIER_PRICE_OUT_OF_RANGE", "items.0.tiers", _item(tiers=_time((DAY, 50_001)))),
    ("TIER_PRICE_OUT_OF_RANGE", "items.0.tiers", _item(tiers=_quantity((1, -1)))),
    # 100 minor units at 0.49 % round to nothing: a slot for free.
    ("TIER_PRICE_OUT_OF_RANGE", "items.0.tiers", _item(price_minor=100, tiers=_time((DAY, 49)))),
    ("TIER_EMPTY", "items.0.timeTiers", _item(tiers=_time((timedelta(0), 9_000)))),
    (
        "TIERS_EXCEED_WINDOW",
        "items.0.timeTiers",
        _item(tiers=_time((4 * DAY, 9_000), (4 * DAY, 8_000))),
    ),
    ("TIERS_UNORDERED", "items.0.quantityTiers", _item(tiers=_quantity((2, None), (1, None)))),
    ("TIERS_UNORDERED", "items.0.quantityTiers", _item(tiers=_quantity((2, None), (2, None)))),
    ("TIERS_UNORDERED", "items.0.quantityTiers", _item(tiers=_quantity((0, None)))),
]


def _faults(plan: CampaignPlan) -> list[tuple[str, str]]:
    found = find_faults(plan, at=NOW, default_locale="en")
    assert all(fault.message for fault in found)
    return [(fault.code, fault.path) for fault in found]


def test_a_sound_campaign_has_no_fault() -> None:
    assert _faults(SOUND) == []
    full = PaymentPlan(kind=PlanKind.FULL)
    assert _faults(replace(SOUND, payment_plan=full)) == []
    # It may open in the past, and its balance when it closes.
    assert _faults(replace(SOUND, opens_at=NOW - DAY)) == []


@pytest.mark.parametrize(("code", "path", "change"), FAULTS)
def test_a_fault_is_named_with_its_place(code: str, path: str, change: Change) -> None:
    found = _faults(change(SOUND))

    assert (code, path) in found
    # A change makes one fault; the closing time is compared with others as well.
    assert len(found) == 1 or path == "closesAt"


def test_every_fault_there_is_has_its_test() -> None:
    codes = set(re.findall(r'Fault\(\s*"([A-Z_]+)"', inspect.getsource(judging)))

    tested = {code for code, _, _ in FAULTS} | {"WINDOW_UNUSUAL", "DEPOSIT_HIGH", "SHIP_DATE_FAR"}
    assert codes == tested


def test_all_faults_are_named_at_once() -> None:
    broken = CampaignPlan(
        opens_at=OPENS,
        closes_at=OPENS - 9 * DAY,
        payment_plan=PaymentPlan(kind=PlanKind.DEPOSIT),
        items=(ItemPlan(price_minor=0, tiers=_time((DAY, 0)), batches=(), limit_per_customer=-1),),
        terms=None,
    )

    assert _faults(broken) == [
        ("WINDOW_EMPTY", "closesAt"),
        ("WINDOW_PAST", "closesAt"),
        ("DEPOSIT_AMBIGUOUS", "paymentPlan.deposit"),
        ("BALANCE_WINDOW_MISSING", "paymentPlan.balanceOpensAt"),
        ("TERMS_SHIP_DATE_MISSING", "terms.shipsBy"),
        ("TERMS_REFUND_POLICY_MISSING", "terms.refundPolicy"),
        ("TERMS_CANCEL_CONDITIONS_MISSING", "terms.cancelConditions"),
        ("PRICE_NOT_POSITIVE", "items.0.price"),
        ("LIMIT_NOT_POSITIVE", "items.0.limitPerCustomer"),
        ("BATCHES_MISSING", "items.0.batches"),
        ("TIER_PRICE_OUT_OF_RANGE", "items.0.tiers"),
        ("TIERS_EXCEED_WINDOW", "items.0.timeTiers"),
    ]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (_campaign(), []),
        (_campaign(closes_at=OPENS + 14 * DAY), []),
        (_campaign(closes_at=OPENS + 7 * DAY - timedelta(seconds=1)), ["WINDOW_UNUSUAL"]),
        (_campaign(closes_at=OPENS + 14 * DAY + timedelta(seconds=1)), ["WINDOW_UNUSUAL"]),
        (_plan(deposit_bps=3_000), []),
        (_plan(deposit_bps=3_001), ["DEPOSIT_HIGH"]),
        (_terms(ships_by=CLOSES.date() + 30 * DAY), []),
        (_terms(ships_by=CLOSES.date() + 31 * DAY), ["SHIP_DATE_FAR"]),
        (_campaign(terms=None), []),
    ],
)
def test_what_is_unusual_is_said_and_allowed(change: Change, codes: list[str]) -> None:
    warnings = find_warnings(change(SOUND), policies=ShopPolicies())

    assert [warning.code for warning in warnings] == codes
    assert all(warning.path and warning.message for warning in warnings)


def test_a_shop_has_its_own_numbers_for_what_is_unusual() -> None:
    strict = ShopPolicies(recommended_window_max_days=7, warn_deposit_bps=1_950, warn_ship_days=10)
    plan = replace(
        _plan(deposit_bps=2_000)(SOUND),
        closes_at=OPENS + 8 * DAY,
        terms=replace(SOUND.terms, ships_by=(OPENS + 19 * DAY).date()),  # type: ignore[type-var]
    )

    warnings = find_warnings(plan, policies=strict)

    assert [warning.message for warning in warnings] == [
        "7 to 7 days are recommended for a presale",
        "a deposit above 19.5 % deters buyers",
        "ships more than 10 days after the close",
    ]


def test_policies_and_tiers_survive_their_stored_form() -> None:
    fixed = replace(DEPOSIT, deposit_bps=None, deposit_per_unit_minor=500, reminder=2 * DAY)
    policy = CancelPolicy(deposit_paid=CancelRule(False), paid=CancelRule(True, 1, 2))
    tiers = PriceTiers(
        time=_time((DAY, 9_000)).time,
        quantity=(
            QuantityTier(name="First 5", up_to=5, price_bps=9_500),
            QuantityTier(name="First 10", up_to=10, gift="Postcard"),
        ),
    )

    for plan in (DEPOSIT, fixed, PaymentPlan(kind=PlanKind.FULL)):
        assert PaymentPlan.from_json(plan.to_json()) == plan
    assert CancelPolicy.from_json(policy.to_json()) == policy
    assert tiers_from_json(tiers_to_json(tiers)) == tiers


def test_a_plan_splits_by_its_kind() -> None:
    total = Money(10_001, "CNY")
    fixed = replace(DEPOSIT, deposit_bps=None, deposit_per_unit_minor=500)

    splits = [
        plan.split(total, quantity=3) for plan in (PaymentPlan(kind=PlanKind.FULL), DEPOSIT, fixed)
    ]

    assert [(s.deposit.amount_minor, s.balance.amount_minor) for s in splits] == [
        (0, 10_001),
        (2_001, 8_000),
        (1_500, 8_501),
    ]
