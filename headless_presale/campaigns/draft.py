"""The typed description of a campaign: what the seed file and the CLI read.

A seed file is YAML (or JSON, which is YAML). Amounts are major units as text or numbers, read
exactly; moments are ISO 8601 with an offset; durations are ISO 8601 (``P3D``) or seconds.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from headless_presale.campaigns.rules import (
    DEFAULT_DEPOSIT_BPS,
    DEFAULT_HOLD_SECONDS,
    MAX_CAPACITY,
    CancelPolicy,
    CancelRule,
    MissedBalance,
    PaymentPlan,
    PlanKind,
)
from headless_presale.kernel.later import later
from headless_presale.kernel.locales import canonical_locale, is_locale
from headless_presale.kernel.money import BPS, Money
from headless_presale.kernel.texts import is_storable
from headless_presale.pricing import PriceTiers, QuantityTier, TimeTier

if TYPE_CHECKING:
    import yaml
else:
    yaml = later("yaml")

MAX_HANDLE_LENGTH = 120
_HANDLE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


def is_handle(text: str) -> bool:
    """Tell whether a text can be a campaign's address within its shop; no other is looked for."""
    return len(text) <= MAX_HANDLE_LENGTH and _HANDLE.fullmatch(text) is not None


MAX_DURATION = timedelta(days=3_650)
Text = Annotated[str, Field(min_length=1, max_length=200)]
# A YAML float such as 42.99 is read by its shortest decimal text, which is what was written.
Amount = Annotated[
    Decimal,
    BeforeValidator(lambda value: str(value) if isinstance(value, float) else value),
    Field(ge=0),
]


MAX_ITEMS = 100
MAX_ROWS = 100
"""Of tiers, and of batches, of one item."""


def _canonical_locales(texts: dict[str, Any]) -> dict[str, Any]:
    if not all(map(is_locale, texts)):
        raise PydanticCustomError("not_a_locale", "must be a language tag such as zh-CN")
    return {canonical_locale(locale): text for locale, text in texts.items()}


ByLocale = AfterValidator(_canonical_locales)


class _Draft(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _storable(cls, value: object) -> object:
        if not all(map(is_storable, _texts(value))):
            raise PydanticCustomError(
                "not_storable", "holds a NUL character or half of a surrogate pair"
            )
        return value


def _texts(value: object) -> Iterator[str]:
    """Yield the texts of a field; nested drafts look after their own."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _texts(inner)


class TimeTierDraft(_Draft):
    """``{name: Early bird, lasts: P3D, price_bps: 9000}``."""

    name: Text
    lasts: timedelta = Field(le=MAX_DURATION)
    price_bps: int


class QuantityTierDraft(_Draft):
    """``{name: First 1000, up_to: 1000, gift: Postcard}``; ``price_bps`` where it sets a price."""

    name: Text
    up_to: int
    price_bps: int | None = None
    gift: str | None = Field(default=None, max_length=200)


class BatchDraft(_Draft):
    """``{capacity: 500, ships_by: 2027-03-31}``."""

    capacity: int = Field(ge=1, le=MAX_CAPACITY)
    ships_by: date


class VariantRef(_Draft):
    """A variant of the shop: by its id, by SKU, or by product handle and option values."""

    id: UUID | None = None
    sku: str | None = None
    product: str | None = None
    options: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if [self.id, self.sku, self.product].count(None) != 2:
            raise ValueError("name the variant by sku, or by product (and options)")
        return self

    def __str__(self) -> str:
        return self.sku or str(self.id or "") or " / ".join((self.product or "", *self.options))


class ItemDraft(_Draft):
    """One variant to presell. Without ``price`` it sells at the catalogue's price."""

    variant: VariantRef
    price: Amount | None = None
    limit_per_customer: int | None = Field(default=None, le=MAX_CAPACITY)
    time_tiers: tuple[TimeTierDraft, ...] = Field(default=(), max_length=MAX_ROWS)
    quantity_tiers: tuple[QuantityTierDraft, ...] = Field(default=(), max_length=MAX_ROWS)
    batches: tuple[BatchDraft, ...] = Field(default=(), max_length=MAX_ROWS)

    def tiers(self) -> PriceTiers:
        """Return the tiers as pricing knows them."""
        return PriceTiers(
            time=tuple(
                TimeTier(name=t.name, duration=t.lasts, price_bps=t.price_bps)
                for t in self.time_tiers
            ),
            quantity=tuple(
                QuantityTier(name=t.name, up_to=t.up_to, price_bps=t.price_bps, gift=t.gift)
                for t in self.quantity_tiers
            ),
        )


class PaymentPlanDraft(_Draft):
    """How the order is paid; a deposit is 20 % unless it says otherwise."""

    kind: PlanKind = PlanKind.FULL
    deposit_bps: int | None = None
    deposit_per_unit: Amount | None = None
    balance_opens_at: AwareDatetime | None = None
    balance_due_at: AwareDatetime | None = None
    reminder: timedelta = Field(
        default=timedelta(days=1), ge=timedelta(0), le=timedelta(days=3_650)
    )
    missed_balance: MissedBalance = MissedBalance.FORFEIT

    def plan(self, currency: str) -> PaymentPlan:
        """Return the plan as the rules know it."""
        per_unit = (
            Money.from_decimal(self.deposit_per_unit, currency).amount_minor
            if self.deposit_per_unit is not None
            else None
        )
        is_default = self.kind is PlanKind.DEPOSIT and self.deposit_bps is None and per_unit is None
        return PaymentPlan(
            kind=self.kind,
            deposit_bps=DEFAULT_DEPOSIT_BPS if is_default else self.deposit_bps,
            deposit_per_unit_minor=per_unit,
            balance_opens_at=self.balance_opens_at,
            balance_due_at=self.balance_due_at,
            reminder=self.reminder,
            missed_balance=self.missed_balance,
        )


class CancelRuleDraft(_Draft):
    """Whether a buyer may cancel at this stage, and what goes back."""

    allowed: bool = True
    refund_deposit_bps: int = Field(default=0, ge=0, le=BPS)
    refund_balance_bps: int = Field(default=0, ge=0, le=BPS)

    def rule(self) -> CancelRule:
        """Return the rule as the policies know it."""
        return CancelRule(self.allowed, self.refund_deposit_bps, self.refund_balance_bps)


class CancelPolicyDraft(_Draft):
    """The cancel rules by stage; the defaults are the policy's own."""

    deposit_paid: CancelRuleDraft | None = None
    awaiting_balance: CancelRuleDraft | None = None
    paid: CancelRuleDraft | None = None

    def policy(self) -> CancelPolicy:
        """Return the policy as the rules know it."""
        named = {stage: draft.rule() for stage, draft in self if draft is not None}
        return CancelPolicy(**named)


class TermsDraft(_Draft):
    """The terms; each text maps a locale to prose. What is missing is named at publishing."""

    ships_by: date | None = None
    refund_policy: Annotated[dict[str, str], ByLocale] = Field(default_factory=dict)
    cancel_conditions: Annotated[dict[str, str], ByLocale] = Field(default_factory=dict)


class CampaignDraft(_Draft):
    """A whole campaign."""

    handle: Annotated[str, Field(pattern=f"^{_HANDLE.pattern}$", max_length=MAX_HANDLE_LENGTH)]
    title: Text
    story: str = ""
    translations: Annotated[dict[str, dict[str, str]], ByLocale] = Field(default_factory=dict)
    opens_at: AwareDatetime
    closes_at: AwareDatetime
    payment_plan: PaymentPlanDraft = PaymentPlanDraft()
    cancel_policy: CancelPolicyDraft = CancelPolicyDraft()
    hold_seconds: int = Field(default=DEFAULT_HOLD_SECONDS, ge=1, le=7 * 86_400)
    items: tuple[ItemDraft, ...] = Field(default=(), max_length=MAX_ITEMS)
    terms: TermsDraft | None = None

    def moved_to(self, opens_at: datetime) -> "CampaignDraft":
        """Return the same campaign opening at another moment, all of its dates moved with it.

        Moments move exactly, promised days by the whole days between.
        """
        by = opens_at - self.opens_at
        plan = self.payment_plan
        moved_plan = plan.model_copy(
            update={
                "balance_opens_at": plan.balance_opens_at and plan.balance_opens_at + by,
                "balance_due_at": plan.balance_due_at and plan.balance_due_at + by,
            }
        )
        items = tuple(
            item.model_copy(
                update={
                    "batches": tuple(
                        batch.model_copy(update={"ships_by": batch.ships_by + by})
                        for batch in item.batches
                    )
                }
            )
            for item in self.items
        )
        terms = self.terms and self.terms.model_copy(
            update={"ships_by": self.terms.ships_by and self.terms.ships_by + by}
        )
        return self.model_copy(
            update={
                "opens_at": opens_at,
                "closes_at": self.closes_at + by,
                "payment_plan": moved_plan,
                "items": items,
                "terms": terms,
            }
        )


class CampaignFileUnreadable(ValueError):
    """The seed file is not a campaign. The message has one line per fault, with its path."""


def read_campaign_file(path: Path) -> CampaignDraft:
    """Read and validate a seed file.

    Raises:
        CampaignFileUnreadable: not readable, not YAML, or not of this shape.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CampaignFileUnreadable(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: bytes that are no UTF-8, and values such as the date 2027-02-30.
        raise CampaignFileUnreadable(f"{path} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise CampaignFileUnreadable(f"{path} holds no mapping of a campaign's fields")
    try:
        return CampaignDraft.model_validate(data)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise CampaignFileUnreadable("\n".join(lines)) from error
