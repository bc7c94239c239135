"""A shop's numbers: defaults, bounds, and what is stored of them."""

from dataclasses import asdict

import pytest

from headless_presale.campaigns import rules
from headless_presale.kernel.errors import InvalidInput
from headless_presale.shops import POLICY_BOUNDS, ShopPolicies


def test_a_new_shop_has_the_numbers_that_campaigns_had_before() -> None:
    policies = ShopPolicies.from_json({})

    assert policies.default_deposit_bps == rules.DEFAULT_DEPOSIT_BPS == 2_000
    assert policies.warn_deposit_bps == 3_000
    assert policies.default_hold_seconds == rules.DEFAULT_HOLD_SECONDS == 15 * 60
    assert policies.warn_ship_days == 30
    assert (policies.recommended_window_min_days, policies.recommended_window_max_days) == (7, 14)
    assert policies.default_reminder_seconds == 24 * 60 * 60


def test_every_number_has_bounds_and_its_default_is_within_them() -> None:
    usual = asdict(ShopPolicies())

    assert usual.keys() == POLICY_BOUNDS.keys()
    assert [n for n, b in POLICY_BOUNDS.items() if not b.lowest <= usual[n] <= b.highest] == []


def test_only_what_differs_is_stored_so_that_a_later_default_reaches_the_rest() -> None:
    changed = ShopPolicies().changed_by({"warn_ship_days": 45, "default_deposit_bps": 2_000})

    assert changed.to_json() == {"warn_ship_days": 45}
    assert ShopPolicies.from_json(changed.to_json()) == changed
    assert changed.changed_by({"warn_ship_days": 30}).to_json() == {}


def test_a_name_of_another_version_is_passed_over() -> None:
    assert ShopPolicies.from_json({"warn_moon_phase": 3, "warn_ship_days": 9}) == ShopPolicies(
        warn_ship_days=9
    )


@pytest.mark.parametrize("name", sorted(POLICY_BOUNDS))
def test_bounds_hold_on_both_sides(name: str) -> None:
    bounds = POLICY_BOUNDS[name]
    for number in (bounds.lowest - 1, bounds.highest + 1):
        with pytest.raises(InvalidInput) as caught:
            ShopPolicies().changed_by({name: number})
        assert caught.value.field == (name,)
    # The window's ends also bound each other: these leave room.
    wide = ShopPolicies(recommended_window_min_days=1, recommended_window_max_days=365)
    for number in (bounds.lowest, bounds.highest):
        assert getattr(wide.changed_by({name: number}), name) == number


def test_the_shortest_window_is_not_longer_than_the_longest() -> None:
    with pytest.raises(InvalidInput) as caught:
        ShopPolicies().changed_by({"recommended_window_min_days": 15})

    assert caught.value.field == ("recommended_window_min_days",)
    both = {"recommended_window_min_days": 15, "recommended_window_max_days": 15}
    assert ShopPolicies().changed_by(both).recommended_window_min_days == 15


def test_a_policy_that_does_not_exist() -> None:
    with pytest.raises(InvalidInput) as caught:
        ShopPolicies().changed_by({"to_json": 1})

    assert caught.value.field == ("to_json",)
