"""Analytics: what sold when, for how much."""

from headless_presale.analytics.rules import MOST_BUCKETS, SalesInterval
from headless_presale.analytics.sales import (
    DRIFT,
    LegMoney,
    MoneyByLeg,
    SalesBucket,
    SalesChart,
    SlotFlow,
    read_sales,
    rebuild_sales,
    sum_up,
)

__all__ = [
    "DRIFT",
    "MOST_BUCKETS",
    "LegMoney",
    "MoneyByLeg",
    "SalesBucket",
    "SalesChart",
    "SalesInterval",
    "SlotFlow",
    "read_sales",
    "rebuild_sales",
    "sum_up",
]
