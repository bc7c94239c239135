"""Pricing: tiers and deposits as pure arithmetic."""

from headless_presale.pricing.rules import (
    DepositSplit,
    PriceReason,
    PriceTiers,
    QuantityTier,
    QuotedPrice,
    TimeTier,
    group_by_price,
    next_time_price,
    quote,
    split_deposit,
    split_fixed_deposit,
)

__all__ = [
    "DepositSplit",
    "PriceReason",
    "PriceTiers",
    "QuantityTier",
    "QuotedPrice",
    "TimeTier",
    "group_by_price",
    "next_time_price",
    "quote",
    "split_deposit",
    "split_fixed_deposit",
]
