"""Analytics: what sold when, for how much."""

from headless_presale.analytics.funnel import (
    Funnel,
    FunnelStep,
    count_step,
    flush_funnel,
    read_funnel,
    writing_funnel,
)
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
    "Funnel",
    "FunnelStep",
    "LegMoney",
    "MoneyByLeg",
    "SalesBucket",
    "SalesChart",
    "SalesInterval",
    "SlotFlow",
    "count_step",
    "flush_funnel",
    "read_funnel",
    "read_sales",
    "rebuild_sales",
    "sum_up",
    "writing_funnel",
]
