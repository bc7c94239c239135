"""A shop's own numbers: what a campaign starts from, and when a merchant is warned.

Each has a default, bounds, and a value of the shop's own where it differs. None of them touches a
campaign that exists: a campaign carries the numbers it was made with.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.money import BPS


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be, both ends included."""

    lowest: int
    highest: int


POLICY_BOUNDS: Mapping[str, Bounds] = {
    "default_deposit_bps": Bounds(1, BPS - 1),
    "warn_deposit_bps": Bounds(1, BPS),
    "default_hold_seconds": Bounds(60, 7 * 86_400),
    "recommended_window_min_days": Bounds(1, 365),
    "recommended_window_max_days": Bounds(1, 365),
    "warn_ship_days": Bounds(1, 365),
    "default_reminder_seconds": Bounds(0, 30 * 86_400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPolicies:
    """The numbers in force in a shop; a new shop has the defaults.

    Attributes:
        default_deposit_bps: share of the price that is the deposit where a campaign names none.
        warn_deposit_bps: a deposit above this share is warned about: it deters buyers.
        default_hold_seconds: how long slots wait for the first payment where a campaign says
            nothing else.
        recommended_window_min_days, recommended_window_max_days: a campaign that is open for
            less or for more is warned about.
        warn_ship_days: a promise to ship later than this after the close is warned about.
        default_reminder_seconds: how long before the balance is due buyers are reminded, where
            a campaign says nothing else.
    """

    default_deposit_bps: int = 2_000
    warn_deposit_bps: int = 3_000
    default_hold_seconds: int = 15 * 60
    recommended_window_min_days: int = 7
    recommended_window_max_days: int = 14
    warn_ship_days: int = 30
    default_reminder_seconds: int = 86_400

    def changed_by(self, changes: Mapping[str, int]) -> Self:
        """Return the policies with these numbers in them.

        Raises:
            InvalidInput: a number that no policy has, that is out of bounds, or that contradicts
                another one; ``field`` names it.
        """
        for name, number in changes.items():
            bounds = POLICY_BOUNDS.get(name)
            if bounds is None:
                raise InvalidInput(reason="there is no such policy", field=(name,))
            if not bounds.lowest <= number <= bounds.highest:
                raise InvalidInput(
                    reason="the number must be within {lowest} and {highest}",
                    lowest=bounds.lowest,
                    highest=bounds.highest,
                    field=(name,),
                )
        changed = type(self)(**{**asdict(self), **changes})
        if changed.recommended_window_min_days > changed.recommended_window_max_days:
            raise InvalidInput(
                reason="the shortest recommended window is longer than the longest",
                field=("recommended_window_min_days",),
            )
        return changed

    def to_json(self) -> dict[str, int]:
        """Return the stored form: the numbers that differ from the defaults, and only those."""
        usual = asdict(type(self)())
        return {name: number for name, number in asdict(self).items() if number != usual[name]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read the stored form. Names of an older or a newer version are passed over."""
        known = {policy.name for policy in fields(cls)}
        return cls(**{name: number for name, number in stored.items() if name in known})
